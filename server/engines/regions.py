"""A page read region by region: found by a layout model, each read by the prompt for its label, put together again.

Any region-wise model of the catalogue can use it: which labels go with which prompt is the entry's own matter.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from PIL import Image

from server.documents import Block, BlockFormat, Page, Verdict
from server.engines import whole_page
from server.engines.found import Found
from server.engines.guards import Judged
from server.engines.vlm_page import VlmPage, is_blank
from server.layout.plain import plain

FIGURE, ASIDE = "figure", "aside"
"""What `VlmSpec.regions` knows beside the names of prompts: labels that are cropped out; labels that are read, but stay out
of text and Markdown, such as page numbers."""

_ELSE = "text"
"""The prompt for every other label."""

_NUMBER = "formula_number"
_HEADINGS = {"doc_title": "# ", "paragraph_title": "## "}
_WRAPPED = re.compile(r"\s*(?:\$\$(.*)\$\$|\\\[(.*)\\\]|\$(.*)\$|\\\((.*)\\\))\s*", re.DOTALL)
_FENCE = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.DOTALL)


def read(page: VlmPage, find: Callable[[Image.Image], Sequence[Found]]) -> Page:
    """The page's regions, all of them asked for at once, in reading order.

    Where `find`, the layout model, finds nothing on a page that is not blank, the page is one region. Raises what
    `Recogniser.read` raises.
    """
    if is_blank(page.image):
        return page.done((), "", "", ())
    found = find(page.image)
    if not found:
        return whole_page.read(page)
    spec, prompts = page.entry.vlm, page.entry.prompts
    uses = {label: use for use, labels in spec.regions.items() for label in labels} if spec else {}
    asked = [each for each in found if uses.get(each.label) != FIGURE]
    crops = [page.part(each.bbox, prompts.get(uses.get(each.label, ""), prompts[_ELSE])) for each in asked]
    answers = page.read(crops) if crops else []
    answer_to = dict(zip(asked, answers, strict=True))
    blocks = [_block(each, order, answer_to.get(each), page) for order, each in enumerate(found)]
    shown = [block for block in blocks if uses.get(block.type) != ASIDE]
    markdown = "\n\n".join(_markdown(shown))
    return page.done(blocks, "\n\n".join(filter(None, map(plain, shown))), markdown, answers)


def _block(found: Found, order: int, answer: Judged | None, page: VlmPage) -> Block:
    if answer is None:
        return Block(found.label, found.bbox, page.crop(found.bbox), BlockFormat.IMAGE, order, found.score, Verdict.OK)
    text, form = answer.reading.text.strip(), BlockFormat.TEXT
    if found.label == "table":
        text = fenced[1] if (fenced := _FENCE.fullmatch(text)) else text
        form = BlockFormat.TABLE_HTML if "<table" in text else form
    elif "formula" in found.label and found.label != _NUMBER:
        text = next(filter(None, wrapped.groups()), "").strip() if (wrapped := _WRAPPED.fullmatch(text)) else text
        form = BlockFormat.LATEX
    return Block(found.label, found.bbox, text, form, order, answer.reading.confidence, answer.verdict)


def _markdown(blocks: Sequence[Block]) -> Iterator[str]:
    """A piece for each block that has any; a formula's number becomes a part of it."""
    for previous, block, following in zip([None, *blocks[:-1]], blocks, [*blocks[1:], None], strict=True):
        content = block.content
        if not content:
            continue
        if block.format is BlockFormat.IMAGE:
            yield f"![]({content})"
        elif block.format is BlockFormat.LATEX:
            if following and following.type == _NUMBER and following.content:
                number = " ".join(following.content.strip(" ()（）").split())
                content += f" \\tag{{{number}}}"
            yield f"$$\n{content}\n$$"
        elif block.format is BlockFormat.TABLE_HTML:
            yield content
        elif heading := _HEADINGS.get(block.type):
            yield heading + " ".join(content.lstrip("# ").split("\n"))
        elif block.type != _NUMBER or not (previous and previous.content and previous.format is BlockFormat.LATEX):
            yield re.sub(r"\n+", "\n\n", content)  # the model's lines are paragraphs, or items of a list
