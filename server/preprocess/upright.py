"""Which way up a page lies, seen from its dots: those of i, й and ё are above a letter, full stops and commas on its base.

Of Latin, Greek and Cyrillic letters, and of figures with decimal marks, this tells which side is up; of anything else it
tells nothing, and nothing is turned then.
"""

import math
from dataclasses import dataclass

import numpy as np

from server.preprocess.ink import Boxes, Ink
from server.preprocess.lines import Lines

_ALONG = math.log(1.5)
_CHARACTERS = 20
_MORE = 8  # dots on one side, at least
_SPREADS = 4.0  # by so many standard deviations of chance
_TIMES = 2.5  # as many as on the other side
_LETTERS = 0.52, 1.15  # width to height of the usual character: letters that have grown together are wider

_NEAR = 2.5  # of a character's side: what stands that far to the left or right is in the same word, or next to it
_LINE = 0.9
_GAP = 0.5
_HIGH, _LOW = 0.25, 0.75  # of the height of the characters beside it


@dataclass(frozen=True, slots=True)
class Way:
    """`quarters` × 90° clockwise bring the page upright; `doubt` says why it was left as it is, if that is not sure."""

    quarters: int = 0
    doubt: str | None = None


def way_up(ink: Ink | None, lines: Lines | None) -> Way:
    """Which way up the page lies."""
    if ink is None or lines is None or len(ink.boxes) < _CHARACTERS or not lines.are_clear:
        return Way(doubt="no lines of text were found")
    if abs(lines.along) < _ALONG:
        return Way(doubt="lines seem to run along the page and down it")
    sideways = lines.along < 0
    boxes, dots = (_turned(each, ink.mask.shape[0]) if sideways else each for each in (ink.boxes, ink.dots))
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    if not _LETTERS[0] <= np.median(width / height) <= _LETTERS[1]:
        return Way(doubt="letters cannot be told from each other")
    for_up, for_down = _votes(_levelled(boxes, lines.degrees), _levelled(dots, lines.degrees), ink.size)
    more, most, least = for_up - for_down, max(for_up, for_down), min(for_up, for_down)
    if abs(more) < max(_MORE, _SPREADS * math.sqrt(for_up + for_down)) or most < _TIMES * least:
        where = "the lines run down the page, and " if sideways else ""
        return Way(doubt=f"{where}too few dots tell which side is up")
    return Way((1 if sideways else 0) + (0 if more > 0 else 2))


def _turned(boxes: Boxes, height: int) -> Boxes:
    """The boxes of a page of that height, turned clockwise by 90°."""
    x0, y0, x1, y1 = boxes.T
    return np.stack([height - y1, x0, height - y0, x1], axis=1)


def _levelled(boxes: Boxes, degrees: float) -> Boxes:
    """Boxes of their own size about centres that are turned until the lines are level."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    level = centres @ np.array([[cos, -sin], [sin, cos]])
    return np.concatenate([level - halves, level + halves], axis=1)


def _votes(boxes: Boxes, dots: Boxes, size: float) -> tuple[int, int]:
    """How many dots say that up is up, and how many that it is down."""
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    order = np.argsort(centres[:, 0])
    centres, halves = centres[order], halves[order]
    votes = [0, 0]
    for x0, y0, x1, y1 in dots:
        x, y, wide, high = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
        some = slice(*np.searchsorted(centres[:, 0], (x - _NEAR * size, x + _NEAR * size)))
        down = centres[some, 1] - y
        near = np.abs(down) < _LINE * size
        over = (np.abs(centres[some, 0] - x) < np.maximum(halves[some, 0], wide)) & (np.abs(down) < 1.5 * size)
        gap = np.abs(down) - halves[some, 1] - high
        touched = over & (np.abs(gap) < _GAP * size)
        if touched.any():
            nearest = np.flatnonzero(touched)[np.abs(down[touched]).argmin()]
            votes[0 if down[nearest] > 0 else 1] += 1
        elif near.any() and not over.any():
            top, bottom = np.median((down - halves[some, 1])[near]), np.median((down + halves[some, 1])[near])
            place = -top / max(1.0, bottom - top)
            if not _HIGH <= place <= _LOW:
                votes[0 if place > _LOW else 1] += 1
    return votes[0], votes[1]
