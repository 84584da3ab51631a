"""Evens out a page's paper and darkens its ink, where shadows, yellowed paper or faint print ask for it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from server.preprocess.ink import DARK_PAGE, Gray, find_ink

Image = NDArray[np.uint8]
"""H×W×3, RGB."""

_CELLS = 160  # of the page's longer side; paper is looked at cell by cell
_REACH = 7  # cells: within so many there is paper between the ink
_EVEN = 0.9  # the darkest paper to the lightest
_BRIGHT = 215
_FULL = 130  # grey levels between paper and ink
_DARK_PART = 0.35  # of the paper's: what is darker than that is no paper in the shade
_BAND = 256  # rows at a time


def even_out(page: Image, gray: Gray) -> bool:
    """Make paper white and ink black, in place; False where they are so already."""
    if np.median(gray) < DARK_PAGE:
        return False
    paper = _paper(gray)
    darkest, usual = (float(value) for value in np.percentile(paper, (5, 95)))
    ink = _ink_level(gray, paper)
    if ink is None or (darkest >= _EVEN * usual and usual >= _BRIGHT and usual - ink >= _FULL):
        return False
    paper = np.maximum(paper, _DARK_PART * usual)
    black = min(ink, 0.8 * usual) / usual if usual - ink < _FULL else 0.0  # of white
    height, width = gray.shape
    for top in range(0, height, _BAND):
        rows = slice(top, min(height, top + _BAND))
        page[rows] = np.clip((page[rows] / _at(rows, paper, width, height) - black) * (255 / (1 - black)), 0, 255)
    return True


def _at(rows: slice, paper: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """How light the paper is at each pixel of some rows of a page of that size; a third axis is for the colours."""
    places = (np.arange(rows.start, rows.stop) + 0.5) * (len(paper) / height) - 0.5
    above = np.clip(np.floor(places), 0, len(paper) - 1).astype(np.int64)
    below = np.minimum(above + 1, len(paper) - 1)
    share = np.clip(places - above, 0, 1).astype(np.float32)[:, np.newaxis]
    cells = paper[above] * (1 - share) + paper[below] * share
    return np.asarray(cv2.resize(cells, (width, len(cells)), interpolation=cv2.INTER_LINEAR))[:, :, np.newaxis]


def _paper(gray: Gray) -> NDArray[np.float32]:
    """How light the paper is, cell by cell."""
    height, width = gray.shape
    scale = min(1.0, _CELLS / max(height, width))
    cells = cv2.resize(
        gray, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    closed = cv2.morphologyEx(cells, cv2.MORPH_CLOSE, np.ones((_REACH, _REACH), np.uint8))
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), _REACH / 3), np.float32)


def _ink_level(gray: Gray, paper: NDArray[np.float32]) -> float | None:
    """How dark characters are, as on the lightest paper; None where there are none."""
    ink = find_ink(gray)
    if ink is None:
        return None
    height, width = ink.mask.shape
    small = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
    rows, columns = np.nonzero(ink.mask)
    cells = paper[rows * paper.shape[0] // height, columns * paper.shape[1] // width]
    shares = small[rows, columns] / np.maximum(1, cells)
    return float(np.percentile(shares, 20) * np.percentile(paper, 95))
