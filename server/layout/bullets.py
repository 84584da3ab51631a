"""Bullets that a recogniser did not read: dots and dashes before a line, found in the image.

Recognisers trained on text lines often leave "•" out; without it a list is only oddly broken text.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from server.layout.geometry import Rect

_BEFORE, _AFTER = 2.5, 2.5  # line heights before and after the line's left edge that are looked at


def find_bullets(gray: NDArray[Any], rects: Sequence[Rect]) -> list[float | None]:
    """For each line's box the x of a bullet before its text, px, or None.

    A mark counts only where another line has one at the same x: a single one may be dirt.
    """
    found = [_bullet(gray, rect) for rect in rects]
    ordered = sorted((x, number) for number, x in enumerate(found) if x is not None)
    confirmed: list[float | None] = [None] * len(rects)
    for (x, number), (next_x, following) in pairwise(ordered):
        if next_x - x < 0.4 * (rects[number][3] - rects[number][1]):
            confirmed[number], confirmed[following] = x, next_x
    return confirmed


def _bullet(gray: NDArray[Any], rect: Rect) -> float | None:
    height, width = gray.shape
    h = rect[3] - rect[1]
    x0, x1 = max(0, int(rect[0] - _BEFORE * h)), min(width, int(rect[0] + _AFTER * h))
    y0, y1 = max(0, int(rect[1])), min(height, int(rect[3]) + 1)
    if h < 8 or x1 - x0 < h or y1 - y0 < 8:
        return None
    _, mask = cv2.threshold(gray[y0:y1, x0:x1], 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    if 2 * int(np.count_nonzero(mask)) > mask.size:
        mask = 1 - mask
    edges = np.flatnonzero(np.diff(mask.any(axis=0).astype(np.int8), prepend=0, append=0))
    marks = edges.reshape(-1, 2).tolist()  # [start, end) of each stretch of columns with ink
    text_from = rect[0] - x0
    for number, (start, end) in enumerate(marks[:-1]):
        clear_before = start - (marks[number - 1][1] if number else -h)
        clear_after = marks[number + 1][0] - end
        if start > text_from + 0.4 * h:
            break
        if min(clear_before, clear_after) > 0.3 * h and _is_bullet(mask[:, start:end], h):
            return float(x0 + start)
    return None


def _is_bullet(mark: NDArray[Any], h: float) -> bool:
    """A dot or a dash at the middle of a line of height h."""
    rows = np.flatnonzero(mark.any(axis=1))
    tall, wide = int(rows[-1] - rows[0] + 1), mark.shape[1]
    middle = (rows[0] + rows[-1] + 1) / 2 / mark.shape[0]
    if not 0.28 < middle < 0.75:
        return False
    dot = 0.12 * h < tall < 0.5 * h and 0.6 < wide / tall < 1.7 and np.count_nonzero(mark) > 0.5 * tall * wide
    dash = tall < 0.14 * h and 0.25 * h < wide < 1.1 * h
    return bool(dot or dash)
