"""Which way the lines of a page run: along or down the page, and by how many degrees askew.

A line's characters stand on one base: projected along the right direction, the edges of characters gather in few places
(projection profiles, W. Postl, US patent 4,723,297; H. S. Baird, "The skew angle of printed documents", 1987).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from server.preprocess.ink import Ink, Mask

_WIDEST = 16.0  # degrees looked at to either side
_COARSE, _FINE = 0.5, 0.05  # degrees
_LETTER_GAP = 0.6  # of a character's side: less than between lines
_MOST_TELLING = math.log(8)
_CLEAR = 1.8  # of text at least 2.5
_POINTS = 80_000  # more tell no more


@dataclass(frozen=True, slots=True)
class Lines:
    """`degrees` is by how much the lines lean clockwise; `clear`, how far that angle stands out: 1 is not at all.

    `along` says how much more likely the lines run along the page than down it, as a natural logarithm.
    """

    degrees: float
    clear: float
    along: float

    @property
    def are_clear(self) -> bool:
        """Whether there are lines at all."""
        return self.clear >= _CLEAR


def find_lines(ink: Ink) -> Lines:
    """The lines that run along the page, or those that run down it, whichever there are."""
    bottom, top, right, left = _edges(ink.mask)
    flat = max((_best(x, y) for y, x in (bottom, top)), key=lambda best: best[1])
    steep = max((_best(y, x) for y, x in (right, left)), key=lambda best: best[1])
    along = math.log(flat[2] / steep[2]) + _closeness(ink)
    if along >= 0:
        return Lines(flat[0], flat[2], along)
    return Lines(-steep[0], steep[2], along)


_Points = tuple[NDArray[np.intp], NDArray[np.intp]]


def _edges(mask: Mask) -> tuple[_Points, _Points, _Points, _Points]:
    """The pixels, as rows and columns, under which there is no ink, over which, right and left of which there is none."""
    wide = np.pad(mask, 1)
    beyond = wide[2:, 1:-1], wide[:-2, 1:-1], wide[1:-1, 2:], wide[1:-1, :-2]
    bottom, top, right, left = (_some(np.asarray(mask & (other ^ 1), np.uint8)) for other in beyond)
    return bottom, top, right, left


def _some(mask: Mask) -> _Points:
    rows, columns = np.nonzero(mask)
    every = len(rows) // _POINTS + 1
    return rows[::every], columns[::every]


def _best(along: NDArray[np.intp], across: NDArray[np.intp]) -> tuple[float, float, float]:
    """The angle at which the points gather most, degrees; how much they do, and how much more than at others."""
    coarse = np.arange(-_WIDEST, _WIDEST + _COARSE / 2, _COARSE)
    gathered = [_gathered(along, across, degrees) for degrees in coarse]
    near = coarse[int(np.argmax(gathered))] + np.arange(-_COARSE, _COARSE + _FINE / 2, _FINE)
    nearer = [_gathered(along, across, degrees) for degrees in near]
    best = int(np.argmax(nearer))
    return float(near[best]), nearer[best], nearer[best] / float(np.median(gathered))


def _gathered(along: NDArray[np.intp], across: NDArray[np.intp], degrees: float) -> float:
    places = across - along * math.tan(math.radians(degrees))
    counts = np.bincount((places - places.min()).astype(np.int32)).astype(np.float64)
    return float(counts @ counts)


def _closeness(ink: Ink) -> float:
    """Letters of a word are nearer to each other than lines are: how many grow together along the page, and down it."""
    reach = max(3, round(_LETTER_GAP * ink.size) | 1)
    apart, along, down = (
        cv2.connectedComponents(cv2.morphologyEx(ink.mask, cv2.MORPH_CLOSE, np.ones(shape, np.uint8)))[0]
        for shape in ((1, 1), (1, reach), (reach, 1))
    )
    told = math.log((apart - along + 1) / (apart - down + 1))
    return min(max(told, -_MOST_TELLING), _MOST_TELLING)
