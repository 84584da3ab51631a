"""Tables that go on over pages, joined: the last one of a page with the first one of the next.

The rules are those of PaddleX 3.7's inference/pipelines/layout_parsing/merge_table.py (`merge_tables_across_pages`, after
MinerU's), so that the tables are the same. A span that is no number counts as 1, none as more than `MAX_SPAN`. Runs in the
page pool's child.
"""

from collections.abc import Sequence
from itertools import pairwise, takewhile

from server.paddlex.blocks import Block
from server.paddlex.html_tree import Node, parse, serialise

MAX_SPAN = 1000
_TABLE = "table"
_MAY_FOLLOW = {"footer", "vision_footnote", "number", "footnote", "footer_image", "seal"}
_MAY_PRECEDE = {"header", "header_image", "number", "seal"}
_WIDER = 0.1  # from this share on, two tables differ in width
_MOST_HEAD_ROWS = 5
LONGEST = 200_000
"""Characters of a table that is joined: to parse what never ends takes the square of its length."""
_FULL_WIDTH = ord("！") - ord("!")


def join_tables(pages: Sequence[Sequence[Block]]) -> None:
    """Join them, the last pages first, so that a table over several pages becomes one.

    What was joined is empty from then on, and has the `group` of the table that it went into.
    """
    for above, below in reversed(list(pairwise(pages))):
        last = next((block for block in reversed(above) if block.label == _TABLE), None)
        first = next((block for block in below if block.label == _TABLE), None)
        joined = _joined(last.content, first.content) if last and first and _adjoin(above, last, below, first) else None
        if last and first and joined is not None:
            last.content, first.content = joined, ""
            first.group = last.id
    groups = {block.id: block for page in pages for block in page}
    for block in groups.values():
        if block.group != block.id:
            block.group = groups[block.group].group


def _adjoin(above: Sequence[Block], last: Block, below: Sequence[Block], first: Block) -> bool:
    """Whether nothing but what stands in margins lies between the two, and they are of like width."""
    widths = [block.bbox[2] - block.bbox[0] for block in (last, first)]
    return (
        all(widths)
        and abs(widths[1] - widths[0]) / min(widths) < _WIDER
        and all(block.label in _MAY_FOLLOW for block in takewhile(lambda it: it is not last, reversed(above)))
        and all(block.label in _MAY_PRECEDE for block in takewhile(lambda it: it is not first, below))
    )


def _joined(upper_html: str, lower_html: str) -> str | None:
    """One table of two, without the lower one's first rows that repeat the upper one's; None if they do not fit."""
    if not upper_html or not lower_html or max(len(upper_html), len(lower_html)) > LONGEST:
        return None
    try:
        upper, lower = parse(upper_html), parse(lower_html)
    except ValueError:
        return None
    upper_rows, lower_rows = upper.find("tr"), lower.find("tr")
    repeated = sum(1 for _ in takewhile(_same_row, zip(upper_rows[:_MOST_HEAD_ROWS], lower_rows, strict=False)))
    if _columns(upper_rows) != _columns(lower_rows) and not _continues(upper_rows, lower_rows[repeated:]):
        return None
    for row in lower_rows[repeated:]:
        if not upper_rows or (body := upper_rows[-1].parent) is None:
            return None
        body.append(row)
    return serialise(upper)


def _same_row(rows: tuple[Node, Node]) -> bool:
    one, other = (_cells(row) for row in rows)
    return len(one) == len(other) and all(
        _plain(a) == _plain(b) and _span(a, "colspan") == _span(b, "colspan") for a, b in zip(one, other, strict=True)
    )


def _continues(upper: Sequence[Node], lower: Sequence[Node]) -> bool:
    """Whether the first row below has as many columns, or as many cells, as the last one above."""
    if not upper or not lower:
        return False
    last, first = _cells(upper[-1]), _cells(lower[0])
    return len(last) == len(first) or sum(_span(it, "colspan") for it in last) == sum(
        _span(it, "colspan") for it in first
    )


def _columns(rows: Sequence[Node]) -> int:
    """Of the whole table, the cells that reach down from other rows counted."""
    most = 0
    taken: list[set[int]] = [set() for _ in rows]
    for number, row in enumerate(rows):
        column = 0
        for cell in _cells(row):
            while column in taken[number]:
                column += 1
            width = _span(cell, "colspan")
            for below in taken[number : number + max(0, _span(cell, "rowspan"))]:
                below.update(range(column, column + width))
            column += width
            most = max(most, column)
    return most


def _cells(row: Node) -> list[Node]:
    return row.find("td", "th")


def _plain(cell: Node) -> str:
    """The text without white space, full-width characters of ASCII as that."""
    text = "".join(cell.text().split())
    return "".join(chr(ord(it) - _FULL_WIDTH) if "！" <= it <= "～" else it for it in text)


def _span(cell: Node, name: str) -> int:
    try:
        return min(int(cell.attributes.get(name, "1")), MAX_SPAN)
    except ValueError:
        return 1
