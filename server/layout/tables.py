"""A table as the layout analysis finds it, and what the ways to find one share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from server.layout.geometry import Rect, Run, union, visual_rows
from server.layout.tables_html import Cell
from server.layout.text import continue_line, glue

_NUMERIC = re.compile(r"^[\s\d.,:;%()+\-–—−*/$€£₽¥°<>=~±×№#]*\d[\s\d.,:;%()+\-–—−*/$€£₽¥°<>=~±×]*[^\W\d_]{0,4}\.?$")
_EMPTY = re.compile(r"^[\s\-–—−.·xX✓✔+]{0,3}$")


@dataclass(frozen=True, slots=True)
class Table:
    """Cells, the rectangle around them (px) and the indices of the lines that are in them."""

    cells: tuple[Cell, ...]
    rect: Rect
    sources: tuple[int, ...]


def is_numeric(text: str) -> bool:
    """Whether a cell holds a number, an amount, a date, or a dash in the place of one."""
    return bool(_NUMERIC.match(text) or _EMPTY.match(text))


def row_texts(runs: Sequence[Run]) -> list[str]:
    """The texts of the visual rows, from the top."""
    texts = []
    for row in visual_rows(runs):
        text = ""
        for run in row:
            text = glue(text, run.text)
        texts.append(text)
    return texts


def cells_of(row: Sequence[Run], line_height: float) -> list[Run]:
    """Runs of one visual row, those of one cell joined: words stand closer than half a line height."""
    cells: list[Run] = []
    for run in row:
        if cells and run.rect[0] - cells[-1].rect[2] < 0.5 * line_height:
            last = cells[-1]
            cells[-1] = Run(glue(last.text, run.text), union((last.rect, run.rect)), last.sources + run.sources)
        else:
            cells.append(run)
    return cells


def stacked(rows: Sequence[Sequence[Run]]) -> list[Run]:
    """Visual rows as one row of a table: cells that overlap in x are one cell of several lines."""
    cells: list[Run] = []
    for cell in (cell for row in rows for cell in row):
        for number, above in enumerate(cells):
            if min(above.rect[2], cell.rect[2]) > max(above.rect[0], cell.rect[0]):
                text = continue_line(above.text, cell.text)
                cells[number] = Run(text, union((above.rect, cell.rect)), above.sources + cell.sources)
                break
        else:
            cells.append(cell)
    return sorted(cells, key=lambda it: it.rect[0])
