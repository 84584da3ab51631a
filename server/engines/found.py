"""What a layout model finds on a page, and which of it is worth reading. Pure.

The rules are those of GLM-OCR's own SDK and of PaddleX's pipeline for the same layout model: one region found twice counts
once, a region inside another is a part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.documents import BBox

_TWICE = 0.6  # intersection over union from which two regions of one label are one
_TWICE_WHATEVER = 0.98  # the same for two labels
_INSIDE = 0.8  # of a region's area: it is inside the other one
_ALL_OF_THE_PAGE = 0.85  # of the page's area: such a figure is the page itself, if anything else was found
_HOLDS_ITS_PARTS = "reference"  # the label of a list whose entries have labels of their own
_STANDS_IN_OTHERS = ("image", "seal", "chart")


@dataclass(frozen=True, slots=True)
class Found:
    """A region of a page, in the layout model's words; `score` is 0–1."""

    label: str
    bbox: BBox
    score: float


def worth_reading(found: Sequence[Found], width: int, height: int) -> list[Found]:
    """The regions of a page of that size, px, that together hold everything once; their order stays."""
    once = _once(found)
    if len(once) > 1:
        once = [it for it in once if it.label != "image" or _area(it.bbox) < _ALL_OF_THE_PAGE * width * height]
    whole = [it for it in once if it.label != _HOLDS_ITS_PARTS or not any(_is_inside(other, it) for other in once)]
    return [it for it in whole if it.label in _STANDS_IN_OTHERS or not any(_is_inside(it, other) for other in whole)]


def _once(found: Sequence[Found]) -> list[Found]:
    kept: set[int] = set()
    for place in sorted(range(len(found)), key=lambda it: -found[it].score):
        if not any(_is_same(found[place], found[other]) for other in kept):
            kept.add(place)
    return [found[place] for place in sorted(kept)]


def _is_same(one: Found, other: Found) -> bool:
    shared = _shared(one.bbox, other.bbox)
    union = _area(one.bbox) + _area(other.bbox) - shared
    return shared >= union * (_TWICE if one.label == other.label else _TWICE_WHATEVER)


def _is_inside(one: Found, other: Found) -> bool:
    """Of two that are inside each other only the smaller one is; of two of a size, neither."""
    if _area(one.bbox) >= _area(other.bbox):
        return False
    return _shared(one.bbox, other.bbox) >= _INSIDE * _area(one.bbox)


def _shared(one: BBox, other: BBox) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _area(box: BBox) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
