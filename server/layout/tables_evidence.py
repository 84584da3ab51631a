"""Whether rows of cells are a table, or two columns of text that happen to stand beside each other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from server.layout.geometry import Run, centre
from server.layout.tables import is_numeric

_ITEM = re.compile(r"^(?:[•◦▪■●○·*–—-]|\(?\w{1,2}[.)])\s")
_PROSE = 18  # characters: cells of words are shorter, lines of the narrowest columns longer


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rows of cells; `places` holds each cell's first column and how many columns it reaches into.

    `columns` are the columns' x intervals, px; `ruled` says that there are rulings above and below.
    """

    rows: Sequence[Sequence[Run]]
    places: Sequence[Sequence[tuple[int, int]]]
    columns: Sequence[tuple[float, float]]
    ruled: bool

    def by_column(self) -> list[list[Run]]:
        """The cells that begin in each column, from the top."""
        cells: list[list[Run]] = [[] for _ in self.columns]
        for row, places in zip(self.rows, self.places, strict=True):
            for cell, (column, _) in zip(row, places, strict=True):
                cells[column].append(cell)
        return cells


def is_tabular(candidate: Candidate, line_height: float) -> bool:
    """Whether cells fill rows and columns regularly, and their texts are those of a table."""
    columns = candidate.by_column()
    if not _is_regular(candidate) or not all(columns):
        return False
    numeric = [sum(is_numeric(cell.text) for cell in cells) / len(cells) for cells in columns]
    prose = [
        share < 0.5 and _is_prose(cells, end - start)
        for share, cells, (start, end) in zip(numeric, columns, candidate.columns, strict=True)
    ]
    amounts = sum(share >= 0.6 for share in numeric)
    if sum(prose) >= 2 and amounts < 2:
        return False
    later = [cell for cells in columns[1:] for cell in cells]
    if sum(bool(_ITEM.match(cell.text)) for cell in later) > 0.3 * len(later):
        return False  # two lists side by side
    if len(columns) > 2 or candidate.ruled:
        return True
    return _are_pairs(candidate, columns[0], prose, amounts, line_height)


def _is_regular(candidate: Candidate) -> bool:
    """Whether few cells share a place or reach across columns, and about half of the places are filled."""
    conflicts = sum(len(places) - len({column for column, _ in places}) for places in candidate.places)
    spanning = sum(span > 1 for places in candidate.places for _, span in places)
    total = sum(map(len, candidate.rows))
    places = len(candidate.columns) * len(candidate.rows)
    return conflicts <= 0.15 * total and spanning <= 0.25 * total and total >= 0.45 * places


def _are_pairs(
    candidate: Candidate, labels: Sequence[Run], prose: Sequence[bool], amounts: int, line_height: float
) -> bool:
    """Whether two columns belong together row by row: labels or amounts, or rows set apart from each other."""
    if prose[0] and not amounts:
        return False
    if amounts or sum(cell.text.endswith((":", "：")) for cell in labels) >= 0.5 * len(labels):
        return True
    # Lines at a text's pitch are two columns of text.
    middles = [centre(row[0].rect)[1] for row in candidate.rows]
    pitch = median(below - above for above, below in pairwise(middles))
    return len(middles) >= 4 and pitch > 2.2 * line_height and not any(prose)


def _is_prose(cells: Sequence[Run], width: float) -> bool:
    """Whether a column's cells are lines of running text: long, and filling the column."""
    if len(cells) < 3:
        return False
    return median(len(cell.text) for cell in cells) >= _PROSE and median(cell.width for cell in cells) >= 0.75 * width
