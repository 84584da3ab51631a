"""The pairs of a name and a value in a table: in its cells, beside each other, or a row of names over one of values."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from server.field_labels import TOTALS, normal
from server.field_lines import Pair, pairs
from server.field_shapes import is_known, is_money, is_name, is_prose, is_shaped

_SHARE = 4
"""One cell in so many of a column has to be a known name for the others to be names, too."""

Rows = Sequence[Sequence[str]]


def table_pairs(rows: Rows) -> list[tuple[int, Pair]]:
    """The pairs with the index of the row they are in, from the top. Time is linear in the cells."""
    reading = _Reading(rows)
    found = [*reading.in_cells(), *reading.below_names(), *reading.beside_names(), *reading.beside_colons()]
    return sorted(found, key=lambda each: each[:1])


class _Reading:
    """What the cells of one table are, and which of them are part of a pair already."""

    def __init__(self, rows: Rows) -> None:
        self._rows = [[" ".join(cell.split()) for cell in row] for row in rows]
        self._taken: set[tuple[int, int]] = set()
        self._names = [[self._is_label(cell) for cell in row] for row in self._rows]
        self._totalled = any(normal(cell) in TOTALS for row in self._rows for cell in row)
        self._given = rows

    def in_cells(self) -> Iterator[tuple[int, Pair]]:
        """Pairs that one cell holds."""
        for r, row in enumerate(self._given):
            for c, cell in enumerate(row):
                if self._names[r][c]:
                    continue
                for line in cell.split("\n"):
                    for pair in pairs(line):
                        if pair.value:
                            self._taken.add((r, c))
                            yield r, pair

    def below_names(self) -> Iterator[tuple[int, Pair]]:
        """Pairs of a row that holds nothing but names and the row below it; one of them, else it is a table's head."""
        heads = [self._is_head(r) for r in range(len(self._rows))]
        for r in range(len(self._rows) - 1):
            alone = r + 2 == len(self._rows) or heads[r + 2]
            if heads[r] and not heads[r + 1] and alone:
                for c in range(len(self._rows[r])):
                    yield from self._join(r, (r, c), (r + 1, c))

    def beside_names(self) -> Iterator[tuple[int, Pair]]:
        """Pairs of two columns, and of rows that hold no more than a name and its value."""
        width = max(map(len, self._rows), default=0)
        for c in range(width - 1):
            filled = [r for r, row in enumerate(self._rows) if c + 1 < len(row) and row[c] and row[c + 1]]
            known = [r for r in filled if self._names[r][c]]
            headed = known == filled[:1] and len(filled) > 2
            if not known or headed or _SHARE * len(known) < len(filled):
                continue
            for r in filled:
                cell, value = self._rows[r][c], self._rows[r][c + 1]
                item = self._totalled and (width > 2 or is_money(value))
                if self._names[r][c] or (
                    (len(known) > 1 or len(filled) < 3) and is_name(cell) and not is_shaped(cell.split()) and not item
                ):
                    yield from self._join(r, (r, c), (r, c + 1))
        for r, row in enumerate(self._rows):
            full = [c for c, cell in enumerate(row) if cell]
            if len(full) == 2 and self._names[r][full[0]] and is_shaped(row[full[1]].split()):
                yield from self._join(r, (r, full[0]), (r, full[1]))

    def beside_colons(self) -> Iterator[tuple[int, Pair]]:
        """Pairs of a cell that ends with a colon and the next one in the row that holds something."""
        for r, row in enumerate(self._rows):
            full = [c for c, cell in enumerate(row) if cell]
            for c, value in pairwise(full):
                if row[c].endswith((":", "：")) and is_name(row[c]):
                    yield from self._join(r, (r, c), (r, value))

    def _join(self, r: int, name: tuple[int, int], value: tuple[int, int]) -> Iterator[tuple[int, Pair]]:
        label, text = self._cell(name), self._cell(value)
        if not label or not text or self._names[value[0]][value[1]] or {name, value} & self._taken:
            return
        if is_prose(text) and not is_known(label):
            return
        text = text.lstrip(".…_· ")
        if any(map(str.isalnum, text)):
            self._taken |= {name, value}
            yield r, Pair(label.rstrip(":： "), text, is_known(label))

    def _cell(self, place: tuple[int, int]) -> str:
        row = self._rows[place[0]]
        return row[place[1]] if place[1] < len(row) else ""

    def _is_head(self, r: int) -> bool:
        cells = [c for c, cell in enumerate(self._rows[r]) if cell]
        return len(cells) > 1 and all(self._names[r][c] and (r, c) not in self._taken for c in cells)

    @staticmethod
    def _is_label(cell: str) -> bool:
        return is_known(cell) or (cell.endswith((":", "：")) and is_name(cell))
