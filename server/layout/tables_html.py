"""Tables as HTML: written from cells, and read back from any engine's HTML, standard library only."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape, unescape

MAX_COLUMNS = 1000
"""A row is never expanded beyond this: `colspan="999999999"` must not cost memory."""

MAX_CELLS = 200_000
"""Slots of one expanded table, for the same reason."""

# Not `html.parser`: it raises at `<![x[`, and takes minutes over 100,000 characters of `<a `. A tag ends before the next
# one, and what a name has matched is never given back ("*+"), so that no character is looked at again and again.
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)([^<>]*+)>|<![^<>]*+>")
_SPAN = re.compile(r"\b(rowspan|colspan)\s*+=\s*+[\"']?+([0-9]++)", re.IGNORECASE)
_HUGE = re.compile(r"&(?=#[0-9]{9})")  # no character's number; `int` refuses thousands of digits


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: `row` and `column` of its first slot, counted from 0. A newline in `text` is a line break."""

    row: int
    column: int
    text: str
    rowspan: int = 1
    colspan: int = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's rows, and those of its cells that span several slots: inside of the rows, no two over each other."""

    rows: list[list[str]]
    merged: list[Cell]


def to_html(cells: Iterable[Cell]) -> str:
    """The cells as one `<table>` without line breaks between its tags; text is escaped."""
    rows: dict[int, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.row, []).append(cell)
    parts = ["<table>"]
    for number in range(max(rows, default=-1) + 1):
        parts.append("<tr>")
        parts += (_cell_html(cell) for cell in sorted(rows.get(number, ()), key=lambda it: it.column))
        parts.append("</tr>")
    parts.append("</table>")
    return "".join(parts)


def _cell_html(cell: Cell) -> str:
    spans = "".join(
        f' {name}="{span}"' for name, span in (("rowspan", cell.rowspan), ("colspan", cell.colspan)) if span > 1
    )
    return f"<td{spans}>{escape(cell.text, quote=False).replace(chr(10), '<br>')}</td>"


def rows_of(html: str) -> list[list[str]]:
    """The table's rows, as `grid_of` has them."""
    return grid_of(html).rows


def grid_of(html: str) -> Grid:
    """The table's rows of equal length, spans expanded: the text in the first slot, empty strings in the others.

    Takes any string and never raises; what stands outside of cells is ignored, several tables follow each other, and
    a table inside a cell gives its text to that cell. `<br>` is a newline. Time is linear in the input: past
    `MAX_CELLS` slots every row is one cell, rows stay of unequal length, and nothing is `merged`.
    """
    reader = _Reader()
    done = 0
    for tag in _TAG.finditer(html):
        reader.data(html[done : tag.start()])
        done = tag.end()
        if tag[1]:
            reader.end(tag[2].lower())
        elif tag[2]:
            reader.start(tag[2].lower(), tag[3])
    reader.data(html[done:])
    reader.end_cell()
    return _expand(reader.rows)


def _expand(rows: Sequence[Sequence[tuple[str, int, int]]]) -> Grid:
    grid: list[list[str]] = []
    spans: list[Cell] = []
    hanging: dict[int, int] = {}  # column → rows for which a cell from above still occupies it
    budget = MAX_CELLS
    for row in rows:
        if budget <= 0:
            grid.append([" ".join(text for text, _, _ in row)])
            continue
        line: list[str] = []
        below: dict[int, int] = {}
        for text, rowspan, colspan in row:
            while len(line) in hanging:
                line.append("")
            if len(line) >= MAX_COLUMNS:
                line[-1] = f"{line[-1]} {text}".strip()
                continue
            start = len(line)
            line += [text, *[""] * (min(colspan, MAX_COLUMNS - start) - 1)]
            slots = range(start, len(line))
            if rowspan > 1:
                below.update(dict.fromkeys(slots, rowspan - 1))
            if (rowspan > 1 or len(slots) > 1) and hanging.keys().isdisjoint(slots):
                spans.append(Cell(len(grid), start, text, rowspan, len(slots)))
        line += [""] * (max(hanging, default=-1) + 1 - len(line))
        hanging = {column: left - 1 for column, left in hanging.items() if left > 1}
        hanging |= {column: max(left, hanging.get(column, 0)) for column, left in below.items()}
        budget -= len(line) + 1
        grid.append(line)
    width = max(map(len, grid), default=0)
    if width * len(grid) > 2 * MAX_CELLS or budget <= 0:
        spans = []
    if width * len(grid) <= 2 * MAX_CELLS:
        grid = [line + [""] * (width - len(line)) for line in grid]
    inside = (replace(cell, rowspan=min(cell.rowspan, len(grid) - cell.row)) for cell in spans)
    return Grid([line for line in grid if line], [cell for cell in inside if cell.rowspan > 1 or cell.colspan > 1])


class _Reader:
    """Collects (text, rowspan, colspan) per cell and row. A cell ends where the next one, a row or the table does."""

    def __init__(self) -> None:
        self.rows: list[list[tuple[str, int, int]]] = []
        self._text: list[str] | None = None
        self._spans = (1, 1)
        self._depth = 0  # of tables

    def start(self, tag: str, attributes: str) -> None:
        """A start tag, or one that is its own end."""
        if tag == "table":
            self._depth += 1
        if self._depth > 1:  # a table within a cell: its text belongs to the cell
            if tag in ("tr", "td", "th", "br"):
                self.data(" ")
        elif tag == "tr":
            self.end_cell()
            self.rows.append([])
        elif tag in ("td", "th"):
            self.end_cell()
            values = {name.lower(): digits for name, digits in _SPAN.findall(attributes)}
            self._spans = (_span(values.get("rowspan", "")), _span(values.get("colspan", "")))
            self._text = []
        elif tag == "br":
            self.data("\n")
        elif tag in ("p", "div", "li"):
            self.data(" ")

    def end(self, tag: str) -> None:
        """An end tag."""
        if tag == "table":
            self._depth = max(0, self._depth - 1)
            if self._depth == 0:
                self.end_cell()
        elif tag in ("td", "th", "tr", "thead", "tbody") and self._depth <= 1:
            self.end_cell()

    def data(self, data: str) -> None:
        """Text between tags."""
        if self._text is not None and data:
            self._text.append(unescape(_HUGE.sub("&amp;", data)))

    def end_cell(self) -> None:
        """Closes the open cell, if there is one."""
        if self._text is None:
            return
        if not self.rows:
            self.rows.append([])
        lines = ("".join(self._text)).split("\n")
        text = "\n".join(" ".join(line.split()) for line in lines).strip()
        self.rows[-1].append((text, *self._spans))
        self._text = None


def _span(digits: str) -> int:
    return max(1, min(int(digits[:6] or "1"), MAX_COLUMNS))
