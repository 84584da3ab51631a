"""Tables without a grid of rulings: text that stands in rows and columns.

Its columns are what remains covered where gaps run through most of the rows (alignment and white-space evidence as in
Kieninger 1998 and Wang, Phillips, Haralick 2004).
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from server.layout.geometry import Run, union, visual_rows
from server.layout.tables import Table, cells_of, is_numeric, stacked
from server.layout.tables_evidence import Candidate, is_tabular
from server.layout.tables_html import Cell
from server.layout.text import glue

Row = Sequence[Run]
Span = tuple[int, int]
"""The first column of a cell, and how many columns it reaches into."""


def tabular_parts(runs: Sequence[Run], line_height: float) -> list[Table | list[Run]]:
    """Tables and what stands between them, from the top; empty where there is no table.

    Rows far apart are not of one table, and rows of a single cell at its ends are not of the table.
    """
    parts: list[Table | list[Run]] = []
    held = 0
    for section in _sections([cells_of(row, line_height) for row in visual_rows(runs)], line_height):
        rows = _logical_rows(section, line_height)
        wide = [number for number, row in enumerate(rows) if len(row) > 1]
        table = aligned_table(rows[wide[0] : wide[-1] + 1], line_height) if wide else None
        if table is None:
            _extend(parts, rows)
            continue
        _extend(parts, rows[: wide[0]])
        parts.append(table)
        held += len(table.sources)
        _extend(parts, rows[wide[-1] + 1 :])
    return parts if held >= 0.5 * len(runs) else []


def _sections(rows: Sequence[Row], line_height: float) -> list[list[Row]]:
    """Rows parted where the gap is large by itself and against the other gaps."""
    gaps = [below[0].rect[1] - above[0].rect[3] for above, below in pairwise(rows)]
    usual = median(gaps) if gaps else 0.0
    sections = [[row] for row in rows[:1]]
    for number, (gap, row) in enumerate(zip(gaps, rows[1:], strict=True), 1):
        # A head set apart from its rows is no section: a moderate gap needs three rows on both its sides.
        enough = len(sections[-1]) >= 3 and len(rows) - number >= 3
        if gap > max(2.5 * line_height, 3 * usual) or (enough and gap > max(1.3 * line_height, 1.8 * usual)):
            sections.append([])
        sections[-1].append(row)
    return sections


def _extend(parts: list[Table | list[Run]], rows: Sequence[Row]) -> None:
    runs = [cell for row in rows for cell in row]
    if not runs:
        return
    if parts and isinstance(last := parts[-1], list):
        last += runs
    else:
        parts.append(runs)


def aligned_table(rows: Sequence[Row], line_height: float, *, ruled: bool = False) -> Table | None:
    """The table that rows of cells form, or None.

    With `ruled` there are rulings above and below, and less evidence is asked for.
    """
    several = [row for row in rows if len(row) > 1]
    if len(several) < (2 if ruled else 3) or len(several) < 0.6 * len(rows):
        return None
    columns = _columns(rows, line_height)
    if len(columns) < 2:
        return None
    places = [[_place(cell, columns) for cell in row] for row in rows]
    if not is_tabular(Candidate(rows, places, columns, ruled), line_height):
        return None
    cells = [cell for row in rows for cell in row]
    return Table(
        tuple(_cells(rows, places, len(columns))),
        union(cell.rect for cell in cells),
        tuple(i for cell in cells for i in cell.sources),
    )


def _columns(rows: Sequence[Row], line_height: float) -> list[tuple[float, float]]:
    """x intervals that are covered in more than a tenth of the rows, with the gaps between them."""
    start = min(cell.rect[0] for row in rows for cell in row)
    step = line_height / 4
    # Coverage changes at cell edges only: sweep over them.
    events = sorted(event for row in rows for cell in row for event in ((cell.rect[0], 1), (cell.rect[2], -1)))
    few = 0.12 * len(rows)
    columns: list[tuple[float, float]] = []
    cover, opened = 0, start
    for x, change in events:
        before, cover = cover, cover + change
        if before <= few < cover:
            opened = x
        elif cover <= few < before:
            if columns and opened - columns[-1][1] < step:
                columns[-1] = (columns[-1][0], x)
            else:
                columns.append((opened, x))
    return columns


def _place(cell: Run, columns: Sequence[tuple[float, float]]) -> Span:
    shared = [min(end, cell.rect[2]) - max(start, cell.rect[0]) for start, end in columns]
    reached = [i for i, width in enumerate(shared) if width > 0]
    if not reached:
        middle = (cell.rect[0] + cell.rect[2]) / 2
        nearest = min(range(len(columns)), key=lambda i: abs(sum(columns[i]) / 2 - middle))
        return nearest, 1
    return reached[0], reached[-1] - reached[0] + 1


def _logical_rows(rows: Sequence[Row], line_height: float) -> list[Row]:
    """Rows of the table: lines that only go on with cells of the row above are joined to it."""
    joined: list[Row] = []
    for number, row in enumerate(rows):
        if number and _goes_on(joined[-1], rows[number - 1], row, line_height):
            joined[-1] = stacked([joined[-1], row])
        else:
            joined.append(row)
    return joined


def _goes_on(entry: Row, above: Row, row: Row, line_height: float) -> bool:
    """Whether a row has words below words only, none of them in the first column, and no space above."""
    if len(row) > len(entry) / 2 or row[0].rect[0] < entry[0].rect[0] + 2 * line_height:
        return False
    if row[0].rect[1] - above[0].rect[3] > 0.7 * line_height:
        return False
    return all(
        not is_numeric(cell.text)
        and any(
            min(cell.rect[2], other.rect[2]) > max(cell.rect[0], other.rect[0]) and not is_numeric(other.text)
            for other in entry[1:]
        )
        for cell in row
    )


def _cells(rows: Sequence[Row], places: Sequence[Sequence[Span]], columns: int) -> list[Cell]:
    """One cell per row and column: what reaches into the next column stands in its first."""
    texts = [[""] * columns for _ in rows]
    for line, row, row_places in zip(texts, rows, places, strict=True):
        for cell, (column, _) in zip(row, row_places, strict=True):
            line[column] = glue(line[column], cell.text)
    return [Cell(r, c, text) for r, line in enumerate(texts) for c, text in enumerate(line)]
