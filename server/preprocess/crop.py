"""What of a page can be cut off: black borders that a scanner leaves, and empty margins. Never ink."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from server.preparation import Box
from server.preprocess.ink import Gray, Mask, darker, find_ink, shrunk
from server.preprocess.lines import find_lines

_CONTRAST = 12  # fainter than this is no ink
_LEAST_INK = 4  # px: a smaller speck, if it is not larger in the page itself, is dust
_BLACK = 80
_THICK = 1 / 80  # of the shorter side: strokes are thinner than a border
_FRINGE = 7  # px of a border that are not quite black
_INHABITED = 12, 1 / 50  # px, and part of the page: what is light and surrounded by black has been printed
_MARGIN = 1 / 50  # of the longer side, left around the ink
_ALL_BORDER = 0.5  # of a row or column
_WORTH = 0.04  # of the page
_PAPER = 64  # grey levels from its darkest part to its lightest


def find_content(gray: Gray) -> Box | None:
    """The part of the page to keep; None where cutting the rest off is not worth it, or there is nothing to keep."""
    small, scale = shrunk(gray)
    border = _border(small)
    calm = np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.uint8)
    ink = darker(calm, _CONTRAST) & (border ^ 1)
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(ink, np.uint8), None, None, None, 8, cv2.CV_32S)
    x, y, width, height, _ = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= _LEAST_INK].T
    if not len(x):
        return None
    near = max(8, round(max(small.shape) * _MARGIN))
    left, right = _with_margin(x.min(), (x + width).max(), border.mean(axis=0), near)
    top, bottom = _with_margin(y.min(), (y + height).max(), border.mean(axis=1), near)
    if (right - left) * (bottom - top) > (1 - _WORTH) * small.size:
        return None
    beyond = border ^ 1
    beyond[top:bottom, left:right] = 0
    if not _is_plain(calm[beyond.astype(np.bool_)]) and not _is_text(gray):
        return None
    tall, wide = gray.shape
    return (
        int(left / scale),
        int(top / scale),
        min(wide, math.ceil(right / scale)),
        min(tall, math.ceil(bottom / scale)),
    )


def _with_margin(start: int, end: int, border: NDArray[np.float64], near: int) -> tuple[int, int]:
    """From where to where to keep: the ink, and as much around it, up to `near`, as is paper.

    `border` is the share of each row or column that is border.
    """
    low, high = max(0, start - near), min(len(border), end + near)
    before, after = (np.flatnonzero(part > _ALL_BORDER) for part in (border[low:start], border[end:high]))
    return low + (int(before[-1]) + 1 if len(before) else 0), end + int(after[0]) if len(after) else high


def _is_text(gray: Gray) -> bool:
    """Whether it is a page of text: what has no ink on it is paper then, lit as it may be."""
    ink = find_ink(gray)
    return ink is not None and find_lines(ink).are_clear


def _is_plain(pixels: Gray) -> bool:
    """Whether that is nothing but paper, and no part of a picture."""
    low, high = np.percentile(pixels, (1, 99)) if pixels.size else (0, 0)
    return bool(high - low <= _PAPER)


def _border(gray: Gray) -> Mask:
    """What is black, thicker than any stroke, at the page's edge, and plain: a dark band with print in it is no border."""
    black = np.asarray(gray < _BLACK, np.uint8)
    thick = max(9, round(min(gray.shape) * _THICK))
    clean = cv2.morphologyEx(black, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))  # of white specks
    framed = cv2.copyMakeBorder(clean, thick, thick, thick, thick, cv2.BORDER_REPLICATE)
    plain = cv2.morphologyEx(framed, cv2.MORPH_OPEN, np.ones((thick, thick), np.uint8))
    count, labels = cv2.connectedComponents(np.asarray(plain[thick:-thick, thick:-thick]))
    at_edge = np.zeros(count, np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_edge[edge] = True
    at_edge[0] = False
    for number in labels[_printed(black)]:
        at_edge[number] = False
    border = np.asarray(at_edge[labels], np.uint8)
    return np.asarray(cv2.dilate(border, np.ones((_FRINGE, _FRINGE), np.uint8)), np.uint8)


def _printed(black: Mask) -> NDArray[np.bool_]:
    """What lies next to something light that is small and stands in the black."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - black, None, None, None, 4, cv2.CV_32S)
    area = stats[:, cv2.CC_STAT_AREA]
    small = (area >= _INHABITED[0]) & (area <= _INHABITED[1] * black.size)
    small[0] = False
    reach = np.ones((2 * _FRINGE + 1, 2 * _FRINGE + 1), np.uint8)
    return np.asarray(cv2.dilate(np.asarray(small[labels], np.uint8), reach), np.bool_)
