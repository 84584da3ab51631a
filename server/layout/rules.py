"""Rulings: the drawn lines of a page, and the cell grids that they form.

Long horizontal and vertical strokes are what survives a morphological opening with a long, one pixel thin element
(the usual first step of ruled-table recognition, e.g. Gatos, Danatsas, Pratikakis, Perantonis 2005).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from server.layout.geometry import Rect, Run, centre, union
from server.layout.ink import Gray, SmallPage

_NEAR = 5.0  # small px: strokes this close are one stroke, or touch
_MOST = 300  # strokes per direction: a page with more shows a texture, not a table


@dataclass(frozen=True, slots=True)
class Grid:
    """A ruled table's cells: page px positions of its strokes, and (row, column, rowspan, colspan) of each cell."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    cells: tuple[tuple[int, int, int, int], ...]

    @property
    def rect(self) -> Rect:
        """The outer frame."""
        return self.xs[0], self.ys[0], self.xs[-1], self.ys[-1]


@dataclass(frozen=True, slots=True)
class Rulings:
    """The drawn lines of a page, px: its grids (one of a single cell is a frame), and all horizontal strokes."""

    grids: tuple[Grid, ...]
    horizontal: tuple[Rect, ...]


def find_rulings(page: SmallPage, runs: Sequence[Run], line_height: float) -> Rulings:
    """Strokes at least two text lines long, and the grids of those that cross or touch."""
    height = line_height / page.scale
    across = _strokes(page.ink, max(25, round(1.8 * height)), horizontal=True)
    down = _strokes(page.ink, max(20, round(1.5 * height)), horizontal=False)
    across = _outside_text(across, runs, page.scale)
    if len(across) > _MOST or len(down) > _MOST:
        return Rulings((), ())
    grids = []
    for h_ids, v_ids in _touching(across, down):
        grid = _grid([across[i] for i in h_ids], [down[i] for i in v_ids])
        if grid is not None:
            grids.append(_scaled(grid, page.scale))

    def scaled(rect: Rect) -> Rect:
        return rect[0] * page.scale, rect[1] * page.scale, rect[2] * page.scale, rect[3] * page.scale

    return Rulings(tuple(grids), tuple(scaled(stroke) for stroke in across))


def _strokes(ink: Gray, length: int, *, horizontal: bool) -> list[Rect]:
    """Thin straight strokes of at least `length` small px; a slight slope or a gap of a few px does not break them."""
    if length > ink.shape[horizontal]:
        return []
    long, wide = ((length, 1), (1, 3)) if horizontal else ((1, length), (3, 1))
    thick = cv2.dilate(ink, np.ones(wide[::-1], np.uint8))
    opened = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones(long[::-1], np.uint8))
    bridge = (9, 1) if horizontal else (1, 9)
    opened = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones(bridge[::-1], np.uint8))
    outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for x, y, w, h in map(cv2.boundingRect, outlines):
        thickness = h if horizontal else w
        if thickness <= 10 and max(w, h) >= length:  # 10 small px: 2.5 mm, or a stroke still sloping a little
            found.append((float(x), float(y), float(x + w), float(y + h)))
    return found


def _outside_text(strokes: list[Rect], runs: Sequence[Run], scale: float) -> list[Rect]:
    """Without those that run through the middle of a text line: letters of a large or touching type."""
    if not runs or not strokes:
        return strokes
    boxes = np.array([run.rect for run in runs]) / scale
    margin = 0.2 * (boxes[:, 3] - boxes[:, 1])
    kept = []
    for stroke in strokes:
        x, y = centre(stroke)
        inside = (boxes[:, 0] < x) & (x < boxes[:, 2])
        inside &= (boxes[:, 1] + margin < y) & (y < boxes[:, 3] - margin)
        # A stroke much longer than the text that it passes is a ruling with text on it.
        widths = boxes[inside, 2] - boxes[inside, 0]
        if not inside.any() or stroke[2] - stroke[0] > 1.1 * widths.max():
            kept.append(stroke)
    return kept


def _touching(across: list[Rect], down: list[Rect]) -> list[tuple[list[int], list[int]]]:
    """Groups of at least two horizontal and two vertical strokes that touch each other, as indices."""
    if len(across) < 2 or len(down) < 2:
        return []
    h, v = np.array(across), np.array(down)
    meet = (
        (h[:, None, 0] - _NEAR <= v[None, :, 2])
        & (v[None, :, 0] <= h[:, None, 2] + _NEAR)
        & (h[:, None, 1] - _NEAR <= v[None, :, 3])
        & (v[None, :, 1] <= h[:, None, 3] + _NEAR)
    )
    groups = []
    unseen = set(range(len(across)))
    while unseen:
        h_ids, v_ids, front = set[int](), set[int](), {unseen.pop()}
        while front:
            h_ids |= front
            v_ids |= set(np.nonzero(meet[sorted(front)].any(axis=0))[0].tolist())
            front = set(np.nonzero(meet[:, sorted(v_ids)].any(axis=1))[0].tolist()) - h_ids
        unseen -= h_ids
        if len(h_ids) >= 2 and len(v_ids) >= 2:
            groups.append((sorted(h_ids), sorted(v_ids)))
    return groups


def _positions(values: Sequence[float]) -> list[float]:
    """Sorted positions, those within `_NEAR` of the one before taken as one."""
    kept: list[list[float]] = []
    for value in sorted(values):
        if kept and value - kept[-1][-1] <= _NEAR:
            kept[-1].append(value)
        else:
            kept.append([value])
    return [sum(group) / len(group) for group in kept]


def _grid(across: list[Rect], down: list[Rect]) -> Grid | None:
    frame = union([*across, *down])
    xs = _positions([centre(stroke)[0] for stroke in down])
    ys = _positions([centre(stroke)[1] for stroke in across])
    # Tables open at a side: strokes that run on beyond the outermost crossing stroke close a cell there.
    xs = _closed(xs, frame[0], frame[2])
    ys = _closed(ys, frame[1], frame[3])
    if len(xs) < 2 or len(ys) < 2 or (len(xs) - 1) * (len(ys) - 1) > 20_000:
        return None
    right = _edges([(centre(s)[0], s[1], s[3]) for s in down], xs, ys)
    below = _edges([(centre(s)[1], s[0], s[2]) for s in across], ys, xs)
    return Grid(tuple(xs), tuple(ys), tuple(_cells(right, below, len(ys) - 1, len(xs) - 1)))


def _closed(positions: list[float], first: float, last: float) -> list[float]:
    if not positions:
        return positions
    before = [first] if positions[0] - first > 4 * _NEAR else []
    after = [last] if last - positions[-1] > 4 * _NEAR else []
    return [*before, *positions, *after]


def _edges(strokes: list[tuple[float, float, float]], at: list[float], along: list[float]) -> list[list[bool]]:
    """[i][j]: whether strokes at position `at[i]` cover most of the way from `along[j]` to `along[j + 1]`."""
    marks = np.array(along)
    gaps = np.diff(marks)
    edges = []
    for position in at:
        covered = np.zeros(len(gaps))
        for where, start, end in strokes:
            if abs(where - position) <= 1.5 * _NEAR:
                covered += np.clip(np.minimum(marks[1:], end) - np.maximum(marks[:-1], start), 0, None)
        edges.append((covered >= 0.6 * gaps).tolist())
    return edges


def _cells(
    right: list[list[bool]], below: list[list[bool]], rows: int, columns: int
) -> list[tuple[int, int, int, int]]:
    """Rectangles of slots with no stroke between them, from the top left."""
    taken = [[False] * columns for _ in range(rows)]
    cells = []
    for row in range(rows):
        for column in range(columns):
            if taken[row][column]:
                continue
            end = column + 1
            while end < columns and not right[end][row] and not taken[row][end]:
                end += 1
            bottom = row + 1
            while bottom < rows and all(
                not below[bottom][c] and not taken[bottom][c] and (c == column or not right[c][bottom])
                for c in range(column, end)
            ):
                bottom += 1
            for r in range(row, bottom):
                taken[r][column:end] = [True] * (end - column)
            cells.append((row, column, bottom - row, end - column))
    return cells


def _scaled(grid: Grid, scale: float) -> Grid:
    return Grid(tuple(x * scale for x in grid.xs), tuple(y * scale for y in grid.ys), grid.cells)
