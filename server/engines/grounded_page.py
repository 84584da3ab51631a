"""Regions that a model reads and places in one go → a page's blocks, Markdown and plain text. Pure."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from server.documents import BBox, Block, BlockFormat
from server.engines.grounding import Region
from server.layout.plain import plain
from server.layout.tables_html import rows_of

_HEADINGS = {"title": "# ", "sub_title": "## "}
_FORMULAS = {"equation", "formula"}
_KINDS = {"text", "table", "image", "image_caption", "image_footnote", "table_caption", "table_footnote"}
_KINDS |= _HEADINGS.keys() | _FORMULAS
"""Labels that say what a region is; the others may be the page's own words."""

_TABLE_EDGE = re.compile(r"<table\b|</table>")
_HEADING_MARKS = re.compile(r"^#{1,6}[ \t]+", re.MULTILINE)
_MARK = re.compile(r"\\.|\$\$?", re.DOTALL)  # `\\[2pt]` is a line break in a formula: its bracket opens nothing
_CLOSING = {r"\(": r"\)", r"\[": r"\]", "$$": "$$"}
_MARKS = {"$", *_CLOSING, *_CLOSING.values()}
_IN_MARKDOWN = {r"\(": "${}$", r"\[": "$$ {} $$"}

_Part = tuple[str, str, BlockFormat, str]
"""Type, content and format of a block, and its Markdown."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What a page consists of; `markdown` holds all of the regions' content, `text` all but formatting and figures."""

    blocks: tuple[Block, ...]
    markdown: str
    text: str


def assemble(regions: Sequence[Region], width: int, height: int, crop: Callable[[BBox], str]) -> Assembled:
    """The page of `width` × `height` px. `crop` cuts a figure out and says its name; it is asked once for each bbox.

    A block's bbox holds all of its region's boxes; without any it is the page.
    """
    named = cache(crop)  # a generation loop must not fill the spool with one figure
    blocks: list[Block] = []
    shown: list[str] = []
    empty: int | None = None  # the place of a table whose caption comes first: its cells stand behind the caption's tag
    for region in regions:
        bbox = _hull(region.boxes) if region.boxes else (0, 0, width, height)
        parts = list(_parts(region))
        if region.label == "image" and region.boxes:  # where a figure without a box is, nobody knows
            name = named(bbox)
            figure = (region.label, name, BlockFormat.IMAGE, f"![]({name})" if name else "")
            parts = [figure, *(part for part in parts if part[1])]
        for kind, content, form, markdown in parts:
            block = Block(kind, bbox, content, form, 0)
            if form is BlockFormat.TABLE_HTML and empty is not None:
                block = replace(blocks.pop(empty), content=content, format=form)
                shown.pop(empty)
                empty = None
            blocks.append(block)
            shown.append(markdown)
        empty = len(blocks) - 1 if region.label == "table" and region.boxes and not region.content else None
    blocks = [replace(block, order=order) for order, block in enumerate(blocks)]
    text = "\n\n".join(filter(None, map(plain, blocks)))
    return Assembled(tuple(blocks), "\n\n".join(filter(None, shown)), text)


def _hull(boxes: Sequence[BBox]) -> BBox:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _parts(region: Region) -> Iterator[_Part]:
    """The region's blocks, but for a figure's picture; each table is a block of its own, apart from the text around it."""
    kind, content = _kind_and_content(region)
    done = 0
    for start, end in _tables(content):
        table = content[start:end]
        if not rows_of(table):  # every format but Markdown would show nothing of it
            continue
        if before := content[done:start].strip():
            yield _text_part(kind, before)
        yield kind, table, BlockFormat.TABLE_HTML, table
        done = end
    left = content[done:].strip()
    if left or not done:
        yield _text_part(kind, left)


def _tables(content: str) -> Iterator[tuple[int, int]]:
    """Where tables begin and end, those within tables not counted; one that is not closed ends with the content."""
    depth = start = 0
    for edge in _TABLE_EDGE.finditer(content):
        if edge[0] == "<table":
            start = start if depth else edge.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield start, edge.end()
    if depth:
        yield start, len(content)


def _kind_and_content(region: Region) -> tuple[str, str]:
    """A label that is a phrase of the page ("locate", "OCR" with grounding) is content, of a text block."""
    label, content = region.label, region.content
    if label in _KINDS or (content and re.fullmatch("[a-z_]+", label)):
        return label, content
    return "text", f"{label} {content}".strip()


def _text_part(kind: str, content: str) -> _Part:
    if kind in _HEADINGS:
        bare = _HEADING_MARKS.sub("", content)
        markdown = _with_dollars(content)
        if content and not content.startswith("#"):
            markdown = _HEADINGS[kind] + markdown
        return kind, bare, BlockFormat.TEXT, markdown
    latex = _latex(content) if kind in _FORMULAS else ""
    if latex:
        return kind, latex, BlockFormat.LATEX, f"$${latex}$$"
    return kind, content, BlockFormat.TEXT, _with_dollars(content)


def _latex(content: str) -> str:
    """What is within the delimiters, if they hold all of the content, else ""."""
    marks = list(_marks(content))
    if len(marks) != 2 or _CLOSING.get(marks[0][0]) != marks[1][0]:
        return ""
    whole = marks[0].start() == 0 and marks[1].end() == len(content)
    return content[marks[0].end() : marks[1].start()].strip() if whole else ""


def _with_dollars(text: str) -> str:
    """The text with the delimiters of formulas as Markdown has them; of those that are not in pairs none is touched."""
    parts: list[str] = []
    done = 0
    opening: re.Match[str] | None = None
    for mark in _marks(text):
        if mark[0] in _IN_MARKDOWN:
            opening = mark
            continue
        if opening and mark[0] == _CLOSING[opening[0]]:
            formula = text[opening.end() : mark.start()].strip()
            if formula:
                parts += text[done : opening.start()], _IN_MARKDOWN[opening[0]].format(formula)
                done = mark.end()
        opening = None  # a dollar sign in between, or the other kind's end: no pair
    return "".join(parts) + text[done:]


def _marks(text: str) -> Iterator[re.Match[str]]:
    """The delimiters of formulas; an escaped character is none."""
    return (mark for mark in _MARK.finditer(text) if mark[0] in _MARKS)
