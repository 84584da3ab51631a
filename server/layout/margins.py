"""Running heads, feet and page numbers: rows at the page's edges, set apart from everything else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from server.layout.geometry import Body, Run, union, usual, visual_rows

_EDGE = 0.09  # of the page's height
_MOST_ROWS = 2
_LONGEST = 120  # characters of a row
_NUMBER = re.compile(
    r"^[\s\-–—.|\[(]*(?:(?:page|p\.|стр\.?|страница|с\.|лист|第)\s*)?(?:\d{1,4}|[ivxlc]{1,6})"
    r"(?:\s*(?:/|of|из|-)\s*\d{1,4})?\s*页?[\s\-–—.|\])]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Margins:
    """A page's runs, parted into those above the text, the text, and those below it."""

    above: tuple[Run, ...]
    body: tuple[Run, ...]
    below: tuple[Run, ...]


def part_margins(runs: Sequence[Run], top: float, bottom: float, body: Body) -> Margins:
    """The margins of a page that reaches from `top` to `bottom` (px), both empty where nothing looks like one."""
    rows = visual_rows(runs)
    if len(rows) < 6:
        return Margins((), tuple(runs), ())  # a card, a slide, a cover: its edges are its content
    edge = _EDGE * (bottom - top)
    extents = [_Extent.of(row) for row in rows]
    first = _count(extents, top + edge, body)
    # The same question upside down.
    turned = [replace(extent, y0=-extent.y1, y1=-extent.y0) for extent in reversed(extents)]
    last = _count(turned, -(bottom - edge), body)
    end = len(rows) - last
    return Margins(_flat(rows[:first]), _flat(rows[first:end]), _flat(rows[end:]))


def is_page_number(text: str) -> bool:
    """Whether a margin's text is a page number, as "12", "— 3 —", "Page 2 of 10", "стр. 5", "iv"."""
    return bool(_NUMBER.match(text))


@dataclass(frozen=True, slots=True)
class _Extent:
    """A row's top and bottom, px, its text and the stroke width of its type."""

    y0: float
    y1: float
    text: str
    stroke: float

    @classmethod
    def of(cls, row: Sequence[Run]) -> Self:
        rect = union(run.rect for run in row)
        stroke = usual((run.stroke, len(run.text)) for run in row)
        return cls(rect[1], rect[3], " ".join(run.text for run in row), stroke)


def _count(rows: Sequence[_Extent], edge: float, body: Body) -> int:
    """How many rows from the first on are a margin: near the edge, small, and then a gap of more than a line."""
    for number, (row, following) in enumerate(pairwise(rows[: _MOST_ROWS + 1]), 1):
        size = (row.y1 - row.y0) / body.height
        heavy = row.stroke > 1.3 * body.stroke and (size > 1.1 or number > 1)
        if row.y1 > edge or size > 1.3 or heavy or len(row.text) > _LONGEST:
            return number - 1 if number > 1 and is_page_number(rows[0].text) else 0
        gap = (following.y0 - row.y1) / body.height
        if gap > 1.1 or (number == 1 and gap > 0.3 and is_page_number(row.text)):
            return number
    return 0


def _flat(rows: Sequence[Sequence[Run]]) -> tuple[Run, ...]:
    return tuple(run for row in rows for run in row)
