"""Figures: regions of ink that are neither text nor table.

On a strongly reduced page everything that differs from the paper is marked, text and tables are taken out, what
lies close together is joined, and what is large enough is a figure (run-length smearing, Wong, Casey, Wahl 1982, with
connected components in place of runs).
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from server.layout.geometry import Rect, Run, area, intersection, union
from server.layout.ink import Gray, SmallPage, reduced
from server.layout.tables import is_numeric

_LONG_SIDE = 300  # px
_MIN_WIDTH, _MIN_HEIGHT, _MIN_AREA = 0.08, 0.045, 0.012  # of the page's
_MIN_SOLID = 5  # px of the reduced page
_DRAWN = 0.03  # of a frame's inside: more than a line or two
_LABEL = 8  # characters of an axis label
_CONTRAST = 28  # gray levels away from the paper


def find_figures(page: SmallPage, runs: Sequence[Run], tables: Sequence[Rect], frames: Sequence[Rect]) -> list[Rect]:
    """Regions on the straightened page, px, from the top; `frames` are drawn boxes that may hold a figure."""
    factor = max(1, round(max(page.gray.shape) / _LONG_SIDE))
    tiny, ink = reduced(page.gray, factor), reduced(page.ink, factor)
    marked = ((np.abs(tiny.astype(np.float32) - _paper(tiny)) > _CONTRAST) | (ink > 60)).astype(np.uint8)
    scale = page.scale * factor
    # what was read without a letter or a digit in it may be a bar of a chart, taken for a character
    text = [run for run in runs if any(map(str.isalnum, run.text))]
    for rect in [*(run.rect for run in text), *tables]:
        x0, y0, x1, y1 = (value / scale for value in rect)
        marked[max(0, int(y0)) : max(0, int(y1) + 1), max(0, int(x0)) : max(0, int(x1) + 1)] = 0
    found = [
        _with_labels(frame, runs)
        for frame in frames
        if _large_enough(frame, page) and _share(marked, frame, scale) > _DRAWN and not _is_background(frame, text)
    ]
    marked = cv2.morphologyEx(marked, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    marked = cv2.morphologyEx(marked, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(marked)
    solid = [
        (x * scale, y * scale, (x + w) * scale, (y + h) * scale)
        for x, y, w, h, pixels in stats[1:].tolist()
        if min(w, h) >= _MIN_SOLID and pixels > 0.25 * w * h
    ]
    for rect in _groups(solid):
        if _large_enough(rect, page) and not _is_background(rect, text):
            found.append(_with_labels(rect, runs))
    return sorted(_outermost(found), key=lambda rect: (rect[1], rect[0]))


def _groups(rects: Sequence[Rect]) -> list[Rect]:
    """The regions, those joined that stand no further apart than the smaller one's longer side: a chart's bars."""
    groups: list[Rect] = []
    for rect in rects:
        joined = rect
        while near := [other for other in groups if _near(joined, other)]:
            groups = [other for other in groups if other not in near]
            joined = union([joined, *near])
        groups.append(joined)
    return groups


def _near(one: Rect, other: Rect) -> bool:
    reach = min(max(rect[2] - rect[0], rect[3] - rect[1]) for rect in (one, other))
    return intersection(_grown(one, reach), other) > 0


def _large_enough(rect: Rect, page: SmallPage) -> bool:
    height, width = (side * page.scale for side in page.gray.shape)
    w, h = rect[2] - rect[0], rect[3] - rect[1]
    return bool(w > _MIN_WIDTH * width and h > _MIN_HEIGHT * height and w * h > _MIN_AREA * width * height)


def _share(marked: Gray, frame: Rect, scale: float) -> float:
    """How much of a frame's inside is marked."""
    x0, y0, x1, y1 = (int(value / scale) for value in frame)
    inside = marked[max(0, y0 + 2) : max(0, y1 - 1), max(0, x0 + 2) : max(0, x1 - 1)]
    return float(inside.mean()) if inside.size else 0.0


def _paper(gray: Gray) -> NDArray[np.float32]:
    """The paper's gray at each pixel: a quadratic surface through most of them, which follows shade and vignette."""
    height, width = gray.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    ys, xs = ys / max(height, 1) - 0.5, xs / max(width, 1) - 0.5
    terms = np.stack([np.ones_like(xs), xs, ys, xs * xs, xs * ys, ys * ys], axis=-1)
    sample = terms[::5, ::5].reshape(-1, 6)
    values = gray[::5, ::5].reshape(-1).astype(np.float32)
    surface = np.zeros(6, np.float32)
    surface[0] = np.median(values)
    for limit in (60, 40, 25, 20):
        near = np.abs(values - sample @ surface) < limit
        if near.sum() < 50:
            break
        surface = np.linalg.lstsq(sample[near], values[near], rcond=None)[0]
    return np.asarray(terms @ surface, np.float32)


def _is_background(rect: Rect, runs: Sequence[Run]) -> bool:
    """Whether text covers so much of a region that it is a tinted panel, a frame or the page itself."""
    covered = sum(intersection(rect, run.rect) for run in runs)
    return covered > 0.2 * area(rect)


def _with_labels(rect: Rect, runs: Sequence[Run]) -> Rect:
    """A figure with the numbers close around it: a chart's axes."""
    labels = [
        run.rect
        for run in runs
        if len(run.text) <= _LABEL and is_numeric(run.text) and intersection(run.rect, _grown(rect, 2 * run.height)) > 0
    ]
    return union([rect, *labels])


def _grown(rect: Rect, by: float) -> Rect:
    return rect[0] - by, rect[1] - by, rect[2] + by, rect[3] + by


def _outermost(rects: Sequence[Rect]) -> list[Rect]:
    kept: list[Rect] = []
    for rect in sorted(rects, key=area, reverse=True):
        if all(intersection(rect, other) < 0.8 * area(rect) for other in kept):
            kept.append(rect)
    return kept
