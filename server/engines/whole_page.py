"""A page read in one go, by one prompt. A model that grounds its text says where on the page each part of it stands."""

from dataclasses import replace

from server.documents import Block, BlockFormat, Page, Verdict
from server.engines import grounding
from server.engines.grounded_page import assemble
from server.engines.vlm_page import VlmPage, is_blank


def read(page: VlmPage) -> Page:
    """The page, read by the prompt that was asked for, or by the first one of the model's card.

    A page with nothing on it is not shown to the model by the card's prompt: it would make something up. Raises what
    `Recogniser.read` raises.
    """
    asked = page.options["prompt"]
    if asked is None and is_blank(page.image):
        return page.done((), "", "", ())
    prompt = next(iter(page.entry.prompts.values())) if asked is None else page.entry.prompt(asked)
    [judged] = page.read([page.part((0, 0, page.width, page.height), prompt)])
    text = judged.reading.text
    if page.entry.vlm is not None and page.entry.vlm.grounding:
        found = assemble(grounding.parse(text, page.width, page.height), page.width, page.height, page.crop)
        blocks = [replace(block, confidence=judged.reading.confidence) for block in found.blocks]
        if blocks:  # only the last one can have been cut, or have looped
            blocks = [replace(block, verdict=Verdict.OK) for block in blocks[:-1]]
            blocks.append(replace(found.blocks[-1], confidence=judged.reading.confidence, verdict=judged.verdict))
        return page.done(blocks, found.text, found.markdown, [judged])
    text = text.strip()
    whole = (0, 0, page.width, page.height)
    block = Block("text", whole, text, BlockFormat.TEXT, 0, judged.reading.confidence, judged.verdict)
    return page.done([block] if text else [], text, text, [judged])
