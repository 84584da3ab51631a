"""Boxes and visual rows: the arithmetic that every step of the layout analysis shares.

All coordinates are px on the straightened page (`skew.py`), x to the right and y down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, Self, TypeVar

Rect = tuple[float, float, float, float]
"""x0, y0, x1, y1 in px."""


class Boxed(Protocol):
    """Anything with a rectangle."""

    @property
    def rect(self) -> Rect: ...


@dataclass(frozen=True, slots=True)
class Run:
    """A recognised line on the straightened page.

    `sources` are its indices among the lines that were given, `stroke` the mean stroke width of its type in px (0:
    unknown), `bullet` the x of a bullet before it that only the image shows.
    """

    text: str
    rect: Rect
    sources: tuple[int, ...]
    stroke: float = 0.0
    bullet: float | None = None

    @property
    def height(self) -> float:
        """px"""
        return self.rect[3] - self.rect[1]

    @property
    def width(self) -> float:
        """px"""
        return self.rect[2] - self.rect[0]


@dataclass(frozen=True, slots=True)
class Body:
    """The running text's measures, px: what headings and margins are compared with."""

    height: float
    stroke: float

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Self:
        """Medians over the characters of the runs."""
        height = usual((run.height, len(run.text)) for run in runs)
        return cls(max(height, 1.0), usual((run.stroke, len(run.text)) for run in runs))


T = TypeVar("T", bound=Boxed)


def union(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around at least one."""
    x0s, y0s, x1s, y1s = zip(*rects, strict=True)
    return min(x0s), min(y0s), max(x1s), max(y1s)


def area(rect: Rect) -> float:
    """px²; 0 for an empty rectangle."""
    return max(0.0, rect[2] - rect[0]) * max(0.0, rect[3] - rect[1])


def intersection(one: Rect, other: Rect) -> float:
    """The common area, px²."""
    return area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))


def centre(rect: Rect) -> tuple[float, float]:
    """The middle point."""
    return (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2


def contains(rect: Rect, point: tuple[float, float]) -> bool:
    """Whether the point lies in the rectangle, its edges included."""
    return rect[0] <= point[0] <= rect[2] and rect[1] <= point[1] <= rect[3]


def usual(weighted: Iterable[tuple[float, int]]) -> float:
    """The median of (value, characters) over characters: long lines count more than labels. 0 of nothing."""
    ordered = sorted(weighted)
    half = sum(weight for _, weight in ordered) / 2
    seen = 0
    for value, weight in ordered:
        seen += weight
        if seen >= half:
            return value
    return 0.0


def visual_rows(items: Sequence[T]) -> list[list[T]]:
    """Items grouped into rows by their vertical centres: rows from the top, each from the left.

    An item joins the row above it when its centre lies within half a height of the row's: slightly uneven boxes stay
    in their row, the next line does not. What is much smaller, or larger, joins where there is room beside it: dots on
    the base line, an initial.
    """
    rows: list[list[T]] = []
    middle = height = 0.0
    for item in sorted(items, key=lambda it: (centre(it.rect)[1], it.rect[0])):
        own = centre(item.rect)[1]
        own_height = item.rect[3] - item.rect[1]
        if rows and (
            own - middle < 0.5 * min(height, own_height)
            or (own - middle < 0.45 * max(height, own_height) and _fits_beside(rows[-1], item, height))
        ):
            rows[-1].append(item)
            middle += (own - middle) / len(rows[-1])
            height = max(height, own_height)
        else:
            rows.append([item])
            middle, height = own, own_height
    for row in rows:
        row.sort(key=lambda it: (it.rect[0], it.rect[2]))
    return rows


def _fits_beside(row: Sequence[T], item: T, height: float) -> bool:
    """Whether an item of another size lies within a row's height, or the row within its, and beside its items."""
    smaller, larger = sorted((height, item.rect[3] - item.rect[1]))
    if not 1.6 * smaller < larger < 4.5 * smaller:
        return False
    top, bottom = min(it.rect[1] for it in row[-8:]), max(it.rect[3] for it in row[-8:])
    slack = 0.15 * larger
    within = item.rect[1] > top - slack and item.rect[3] < bottom + slack
    around = item.rect[1] < top + slack and item.rect[3] > bottom - slack
    return (within or around) and all(item.rect[0] > it.rect[2] or item.rect[2] < it.rect[0] for it in row[-8:])


def middle_value(values: Sequence[float], default: float) -> float:
    """The median, or `default` of nothing."""
    return median(values) if values else default
