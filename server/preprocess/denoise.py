"""Takes specks off a page: black and white dots that are much smaller than a full stop."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from server.preprocess.ink import Gray, Ink, Mask, find_ink

Image = NDArray[np.uint8]
"""H×W×3, RGB."""

Areas = NDArray[np.uint8]
"""H×W: at each pixel of a speck how many it has, elsewhere 0."""

_SHARP = 60  # grey levels between a speck and its surroundings
_NEAR = 7  # px: within so many there is paper around ink, and ink around a white speck
_OF_A_STOP = 0.2, 0.5  # a speck's area beside print and far from it, of a stroke's width squared: about a full stop's
_MOST = 12  # px
_DIRTY = 100  # specks, in pixels, per million pixels: fewer are no noise
_BAND = 2_000_000  # pixels at a time: labels take four bytes each
_OVERLAP = 16  # rows


def take_specks_off(page: Image, gray: Gray) -> int:
    """Paint specks over, in place, with the median of what is around; returns how many there were.

    None are taken from a page that is clean where it is empty. Beside print so fine that a speck may be a full stop, they
    stay.
    """
    ink = find_ink(gray)
    if ink is None:
        return 0
    beside, elsewhere = _largest_specks(ink)
    areas = np.concatenate(list(_all_specks(gray, max(1, elsewhere))))
    empty = _empty(ink, gray.shape[1], gray.shape[0])
    if int(np.count_nonzero(areas * empty)) * 1_000_000 < _DIRTY * max(1, int(empty.sum())):
        return 0
    areas[(empty == 0) & (areas > beside)] = 0
    for rows in _bands(gray):
        clean = np.asarray(cv2.medianBlur(np.ascontiguousarray(page[rows]), 5))
        at = areas[rows] > 0
        page[rows][at] = clean[at]
    return sum(cv2.connectedComponents(np.sign(areas[rows]))[0] - 1 for rows in _bands(gray))


def _empty(ink: Ink, width: int, height: int) -> Mask:
    """Where on a page of that size there is no print near."""
    reach = 2 * round(ink.size) + 1
    near = cv2.dilate(ink.mask, np.ones((reach, reach), np.uint8))
    return np.asarray(cv2.resize(near ^ 1, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def _bands(gray: Gray) -> Iterator[slice]:
    height = max(_OVERLAP, _BAND // gray.shape[1])
    return (slice(top, min(gray.shape[0], top + height)) for top in range(0, gray.shape[0], height))


def _all_specks(gray: Gray, largest: int) -> Iterator[Areas]:
    """The specks, band by band."""
    for rows in _bands(gray):
        first = max(0, rows.start - _OVERLAP)
        areas = _specks(gray[first : rows.stop + _OVERLAP], largest)
        yield areas[rows.start - first : rows.stop - first]


def _specks(gray: Gray, largest: int) -> Areas:
    """Small islands of black and of white, the area of each at its pixels. What touches a letter is a part of it."""
    near = np.ones((_NEAR, _NEAR), np.uint8)
    calm = cv2.medianBlur(np.ascontiguousarray(gray), 5)  # for black specks must not stand out from white ones
    found = np.zeros(gray.shape, np.uint8)
    for apart in (cv2.subtract(cv2.dilate(calm, near), gray), cv2.subtract(gray, cv2.erode(calm, near))):
        islands = np.asarray(apart > _SHARP, np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(islands, None, None, None, 8, cv2.CV_32S)
        area = stats[:, cv2.CC_STAT_AREA]
        small = np.where(area <= largest, area, 0).astype(np.uint8)
        small[0] = 0
        found = np.maximum(found, small[labels])
    return found


def _largest_specks(ink: Ink) -> tuple[int, int]:
    """Beside print and elsewhere, in pixels of the page: parts of what a full stop of its usual letters has."""
    mask = cv2.medianBlur(ink.mask, 3)
    outline = int(mask.sum()) - int(cv2.erode(mask, np.ones((3, 3), np.uint8)).sum())
    stroke = 2 * int(mask.sum()) / max(1, outline) / ink.scale
    beside, elsewhere = (min(_MOST, int(part * stroke * stroke)) for part in _OF_A_STOP)
    return beside, elsewhere
