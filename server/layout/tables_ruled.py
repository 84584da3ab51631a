"""Tables whose cells are given by drawn lines."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from server.layout.geometry import Run, centre, visual_rows
from server.layout.rules import Grid
from server.layout.tables import Table, is_numeric, row_texts
from server.layout.tables_html import Cell
from server.layout.text import join_lines


def ruled_table(grid: Grid, runs: Sequence[Run]) -> Table | None:
    """The table that a grid of strokes makes of the runs inside it, or None where the grid is no table."""
    if len(grid.xs) < 3 or len(grid.cells) < 3:
        return None
    grid = _with_text_rows(grid, _bands(grid, runs))
    held = _held(grid, runs)
    filled = [cell for cell in held if cell]
    if len(filled) < 3 or len(filled) < 0.2 * len(held):
        return None  # a chart's grid, an empty form's boxes, a texture
    if sum(len(cell) for cell in filled if _is_page_like(cell)) > 0.3 * len(runs):
        return None  # frames around parts of a page, not cells
    cells = tuple(
        Cell(row, column, join_lines(row_texts(inside)), rowspan, colspan)
        for (row, column, rowspan, colspan), inside in zip(grid.cells, held, strict=True)
    )
    return Table(cells, grid.rect, tuple(i for run in runs for i in run.sources))


def _held(grid: Grid, runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in each of the grid's cells."""
    owner = {
        (r, c): index
        for index, (row, column, rowspan, colspan) in enumerate(grid.cells)
        for r in range(row, row + rowspan)
        for c in range(column, column + colspan)
    }
    held: list[list[Run]] = [[] for _ in grid.cells]
    for run in runs:
        held[owner[_interval(grid.ys, centre(run.rect)[1]), _fullest(grid.xs, run.rect[0], run.rect[2])]].append(run)
    return held


def _bands(grid: Grid, runs: Sequence[Run]) -> list[list[list[Run]]]:
    """The visual rows of text between each horizontal ruling and the next."""
    bands: list[list[Run]] = [[] for _ in grid.ys[1:]]
    for run in runs:
        bands[_interval(grid.ys, centre(run.rect)[1])].append(run)
    return [visual_rows(band) for band in bands]


def _with_text_rows(grid: Grid, bands: Sequence[Sequence[Sequence[Run]]]) -> Grid:
    """The grid with a boundary between the text rows of a band that holds several rows of the table.

    Many tables rule their columns, and their rows only now and then.
    """
    cuts: list[list[float]] = []
    for rows in bands:
        several = _holds_rows(grid, rows)
        cuts.append([_between(above, below) for above, below in pairwise(rows)] if several else [])
    if not any(cuts):
        return grid
    starts = [0]  # the new number of each old row
    for cut in cuts:
        starts.append(starts[-1] + len(cut) + 1)
    cells = []
    for row, column, rowspan, colspan in grid.cells:
        if rowspan == 1:
            cells += [(r, column, 1, colspan) for r in range(starts[row], starts[row + 1])]
        else:
            cells.append((starts[row], column, starts[row + rowspan] - starts[row], colspan))
    ys = [y for start, cut in zip(grid.ys, cuts, strict=False) for y in (start, *cut)]
    return Grid(grid.xs, (*ys, grid.ys[-1]), tuple(sorted(cells)))


def _holds_rows(grid: Grid, rows: Sequence[Sequence[Run]]) -> bool:
    """Whether lines between two rulings are rows of a table: nearly every column has a short text in each."""
    if len(rows) < 2:
        return False
    filled = [{_fullest(grid.xs, run.rect[0], run.rect[2]) for run in row} for row in rows]
    columns = len(set[int]().union(*filled))
    texts = [run.text for row in rows for run in row]
    short = median(map(len, texts)) <= 20
    numeric = sum(map(is_numeric, texts)) >= 0.5 * len(texts)
    full = sum(map(len, filled)) >= 0.75 * columns * len(rows)
    return columns >= 2 and full and short and (numeric or len(rows) > 2)


def _between(above: Sequence[Run], below: Sequence[Run]) -> float:
    return (median(centre(run.rect)[1] for run in above) + median(centre(run.rect)[1] for run in below)) / 2


def _interval(edges: Sequence[float], value: float) -> int:
    return min(max(bisect_right(edges, value) - 1, 0), len(edges) - 2)


def _is_page_like(runs: Sequence[Run]) -> bool:
    """Whether a cell holds columns of its own, or more lines than a cell has."""
    rows = visual_rows(runs)
    several = sum(len(row) > 1 for row in rows)
    return len(rows) > 12 or (len(rows) >= 4 and several >= 3 and several > 0.4 * len(rows))


def _fullest(edges: Sequence[float], start: float, end: float) -> int:
    """The interval between edges that holds most of start…end."""
    return max(
        range(_interval(edges, start), _interval(edges, end) + 1),
        key=lambda i: min(edges[i + 1], end) - max(edges[i], start),
    )
