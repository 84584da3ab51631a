"""Tables with horizontal rulings only, as printed ones mostly have them: above, below the head, below the last row."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.layout.geometry import Rect, Run, centre, visual_rows
from server.layout.tables import Table, cells_of, stacked
from server.layout.tables_aligned import aligned_table


@dataclass(frozen=True, slots=True)
class Stack:
    """Horizontal rulings of one width above each other: the heights `ys` between x0 and x1, px."""

    x0: float
    x1: float
    ys: tuple[float, ...]

    @property
    def rect(self) -> Rect:
        """From the first ruling to the last."""
        return self.x0, self.ys[0], self.x1, self.ys[-1]


def stacks(rulings: Sequence[Rect], line_height: float) -> list[Stack]:
    """At least three rulings that begin and end at the same x, give or take half a line height; most rulings first.

    Two alone may be a frame, or the rules below a page's head and above its foot.
    """
    groups: list[list[Rect]] = []
    for ruling in sorted(rulings, key=lambda it: (it[1], it[0])):
        for group in groups:
            if max(abs(ruling[0] - group[0][0]), abs(ruling[2] - group[0][2])) < 0.5 * line_height:
                group.append(ruling)
                break
        else:
            groups.append([ruling])
    found = []
    for group in groups:
        ys = tuple(centre(ruling)[1] for ruling in group)
        if len(group) > 2 and ys[-1] - ys[0] > 2 * line_height:
            found.append(Stack(min(it[0] for it in group), max(it[2] for it in group), ys))
    return sorted(found, key=lambda stack: -len(stack.ys))


def striped_table(stack: Stack, runs: Sequence[Run], line_height: float) -> Table | None:
    """The table in the longest run of spaces between rulings that all hold rows of several cells."""
    best: list[list[list[Run]]] = []
    current: list[list[list[Run]]] = []
    for rows in _bands(stack, runs, line_height):
        tabular = bool(rows) and sum(len(row) > 1 for row in rows) >= 0.5 * len(rows)
        current = [*current, rows] if tabular else []
        if sum(map(len, current)) > sum(map(len, best)):
            best = current
    # Where each space between rulings begins with its only cell of the first column, it is one row of the table.
    edge = min((cell.rect[2] for rows in best for cell in rows[0][:1]), default=0.0)
    single = len(best) > 2 and all(sum(row[0].rect[0] < edge for row in rows) == 1 for rows in best)
    rows = [stacked(rows) for rows in best] if single else [row for rows in best for row in rows]
    return aligned_table(rows, line_height, ruled=True)


def _bands(stack: Stack, runs: Sequence[Run], line_height: float) -> list[list[list[Run]]]:
    """The rows of cells between each ruling and the next."""
    bands: list[list[Run]] = [[] for _ in stack.ys[1:]]
    number = 0
    for run in sorted(runs, key=lambda it: centre(it.rect)[1]):
        while number < len(bands) - 1 and centre(run.rect)[1] > stack.ys[number + 1]:
            number += 1
        bands[number].append(run)
    return [[cells_of(row, line_height) for row in visual_rows(band)] for band in bands]
