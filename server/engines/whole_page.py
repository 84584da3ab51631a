"""A page read in one go, by one prompt. A model that grounds its text says where on the page each part of it stands; from
any other the page is one block, its tables apart."""

from dataclasses import replace

from server.documents import Page, Verdict
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
    found = assemble(grounding.parse(judged.reading.text, page.width, page.height), page.width, page.height, page.crop)
    blocks = [replace(block, confidence=judged.reading.confidence, verdict=Verdict.OK) for block in found.blocks]
    if blocks:  # the end alone can have been cut, or have looped
        blocks[-1] = replace(blocks[-1], verdict=judged.verdict)
    return page.done(blocks, found.text, found.markdown, [judged])
