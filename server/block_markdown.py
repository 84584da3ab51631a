"""A block that was changed, as Markdown: in the place of what was recognised, and by itself. Pure.

Where `is_plain`, the engine read text, whose characters mean themselves; else a model wrote Markdown.
"""

import re

from server.block_places import Letters, Span
from server.documents import Block, BlockFormat
from server.layout import markdown as md
from server.layout.lists import Item, marker_of
from server.layout.tables_html import Cell, grid_of, to_html
from server.layout.tables_pipe import tables_as_markdown

_HEADINGS = {"doc_title": "# ", "title": "# ", "paragraph_title": "## ", "sub_title": "## "}
_DELIMITERS = (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"))
_BEFORE, _AFTER = re.compile(r"(?:\$\$?\s*|#{1,6} +|[-*] +)$"), re.compile(r"\s*\$\$?")
_START, _END = "<table", "</table>"
_PIPES = re.compile(r"^\|[^\n]*(?:\n\|[^\n]*)*", re.MULTILINE)
_IN_A_TABLE = re.compile(r"<(?:table|tr|th|td)\b")
_TAG = re.compile(r"(\\tag\*?)\{([^{}\n]*)\}")
_MOST_MARKS = 20
_INDENT = 2  # spaces a level, as `Item.line` has them


def letters_of(block: Block, *, is_plain: bool) -> tuple[str, ...]:
    """The letters that the block's Markdown may have."""
    if block.format is BlockFormat.TABLE_HTML:
        cells = " ".join(cell for row in grid_of(block.content).rows for cell in row)
        return Letters.of(cells, is_markup=False).text, Letters.of(block.content, is_markup=True).text
    return (Letters.of(block.content, is_markup=not is_plain).text,)


def replaced(markdown: str, span: Span, old: Block, new: Block, *, is_plain: bool) -> tuple[Span, str] | None:
    """What has to be replaced by what for the old block, whose letters are at the span, to become the new one.

    None where that cannot be told.
    """
    if old.format is BlockFormat.TABLE_HTML:
        return _replaced_table(markdown, span, new)
    if _IN_A_TABLE.search(markdown[slice(*span)]):  # a chart that was written as one
        return None
    if old.format is BlockFormat.LATEX:
        span = widened(markdown, span, _bare(old.content), is_plain=False, is_escaped=False)
        return span, _bare(new.content)
    line = markdown.rfind("\n", 0, span[0]) + 1
    if is_plain and old.type == "list":
        end = widened(markdown, span, old.content, is_plain=True, is_escaped=True)[1]
        return (line, end), _list(new.content)
    start, end = widened(markdown, span, old.content, is_plain=is_plain, is_escaped=is_plain)
    before = markdown[line:start].strip()
    return (start, end), _in_line(new.content, is_plain, before) if before else _text(new.content, is_plain)


def renumbered(markdown: str, start: int, number: str) -> tuple[Span, str] | None:
    """What has to be replaced by what for the next formula from `start` on to have this number; None where none has one."""
    if not (tag := _TAG.search(markdown, start)):
        return None
    starred = tag[1].endswith("*")  # which is printed as it stands, the other one in brackets
    number = " ".join(number.split()).translate({ord("{"): None, ord("}"): None})
    return tag.span(2), number if starred else number.strip(" ()（）")


def removed(markdown: str, span: Span) -> Span:
    """The part to be taken away where nothing is to be left of what is at the span: with its marks and its gap."""
    start, end = span
    if before := _BEFORE.search(markdown, max(0, start - _MOST_MARKS), start):
        start = before.start()
        if before[0].startswith("$") and (after := _AFTER.match(markdown, end)):
            end = after.end()
    if markdown.startswith("\n\n", end):
        return start, end + 2
    return (start - 2 if markdown[:start].endswith("\n\n") else start), end


def whole(block: Block, *, is_plain: bool) -> str:
    """The block as a part of its own."""
    content = block.content
    match block.format:
        case BlockFormat.IMAGE:
            return md.image(content) if content else ""
        case BlockFormat.TABLE_HTML:
            return _clean(content)
        case BlockFormat.LATEX:
            return f"$$\n{_bare(content)}\n$$" if _bare(content) else ""
    if not content.strip():
        return ""
    if mark := _HEADINGS.get(block.type):
        return mark + _in_line(content, is_plain, mark)
    return _list(content) if is_plain and block.type == "list" else _text(content, is_plain)


def widened(text: str, span: Span, content: str, *, is_plain: bool, is_escaped: bool) -> Span:
    """The span of the content's letters with the content's other signs before and behind them."""
    start, end = span
    at = Letters.of(content, is_markup=not is_plain).at
    for sign in reversed("".join(content[: at[0]].split())):
        here = start
        while here and text[here - 1].isspace():
            here -= 1
        if not here or text[here - 1] != sign:
            break
        start = here - 1
        if is_escaped and text[start - 1 : start] == "\\":
            start -= 1
    for sign in "".join(content[at[-1] + 1 :].split()):
        here = end
        while here < len(text) and text[here].isspace():
            here += 1
        if is_escaped and text[here : here + 2] == "\\" + sign:
            here += 1
        if text[here : here + 1] != sign:
            break
        end = here + 1
    return start, end


def _replaced_table(markdown: str, span: Span, new: Block) -> tuple[Span, str] | None:
    html = _clean(new.content)
    for pipes in _PIPES.finditer(markdown):
        if pipes.start() <= span[0] and span[1] <= pipes.end():
            return pipes.span(), tables_as_markdown(html).strip("\n")
    start, end = markdown.rfind(_START, 0, span[0] + 1), markdown.find(_END, span[1])
    return ((start, end + len(_END)), html) if start >= 0 and end >= 0 else None


def _clean(html: str) -> str:
    """A table with nothing but its cells."""
    grid = grid_of(html)
    spans = {(cell.row, cell.column): cell for cell in grid.merged}
    covered = {
        (cell.row + down, cell.column + across)
        for cell in grid.merged
        for down in range(cell.rowspan)
        for across in range(cell.colspan)
    }
    cells = [
        spans.get((row, column), Cell(row, column, text))
        for row, texts in enumerate(grid.rows)
        for column, text in enumerate(texts)
        if (row, column) in spans or (row, column) not in covered
    ]
    return to_html(cells) if cells else ""


def _bare(formula: str) -> str:
    formula = formula.strip()
    for opening, closing in _DELIMITERS:
        if formula.startswith(opening) and formula.endswith(closing) and len(formula) >= len(opening + closing):
            return formula.removeprefix(opening).removesuffix(closing).strip()
    return formula


def _in_line(content: str, is_plain: bool, before: str) -> str:
    """A text that has to stay in its line, behind what is there."""
    content = " ".join(content.split())
    if is_plain:
        return md.inline(content)
    return content.lstrip("# ") if before.startswith("#") else content


def _text(content: str, is_plain: bool) -> str:
    if is_plain:
        return md.escape(content.strip("\n"))
    return re.sub(r"\n+", "\n\n", content.strip("\n"))  # a model's lines are paragraphs, or items of a list


def _list(content: str) -> str:
    items = []
    for line in filter(str.strip, content.split("\n")):
        text = line.lstrip(" ")
        marker = marker_of(text)
        items.append(Item(marker.strip(), text[len(marker) :], (len(line) - len(text)) // _INDENT))
    return md.bullet_list(items)
