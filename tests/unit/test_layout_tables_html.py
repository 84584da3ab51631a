"""HTML tables written and read back, with nothing but the standard library."""

import ast
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import server.layout.tables_html
from server.layout.tables_html import MAX_CELLS, Cell, grid_of, rows_of, to_html

CELL_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])).map(lambda it: " ".join(it.split()))


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELL_TEXT, min_size=n, max_size=n), min_size=1)))
def test_what_was_written_is_read_back(rows: list[list[str]]) -> None:
    cells = [Cell(r, c, text) for r, row in enumerate(rows) for c, text in enumerate(row)]
    assert rows_of(to_html(cells)) == rows


@given(st.text(st.sampled_from('<>/="& \ntdhrablespanow0123456789#;!-x')))
def test_any_text_is_read_as_equally_long_rows(html: str) -> None:
    assert len({len(row) for row in rows_of(html)}) <= 1
    assert len({len(row) for row in rows_of(f"<table><tr><td>{html}")}) <= 1


@pytest.mark.parametrize(
    ("html", "rows"),
    [
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", [["a", "b"], ["c", "d"]]),
        ("<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>", [["a"], ["b"]]),
        ("<table><tr><td>a<br/>b &amp; <b>c</b> &lt;d&gt;</td></tr></table>", [["a\nb & c <d>"]]),
        ("<td>no row</td>", [["no row"]]),
        ("before <table><tr><td>a</td></tr></table> after", [["a"]]),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", [["a", "b"], ["c", ""]]),
        ("<table><tr><td>x <table><tr><td>in</td><td>ner</td></tr></table> y</td><td>z</td></tr></table>",
         [["x in ner y", "z"]]),
        ('<table><tr><td rowspan="0" colspan="-3">a</td><td colspan="x">b</td></tr></table>', [["a", "b"]]),
        ("<TABLE><TR><TD COLSPAN=3>a</TD></TR><tr><td>b</td><td\n>1 < 2 > 0</td></tr></TABLE>",
         [["a", "", ""], ["b", "1 < 2 > 0", ""]]),
        ("<table><tr><td>a<![x[<![1<!-- b --></td><td/></tr></table>", [["a<![x[<![1", ""]]),
        ("<table><tr><td>&#50;&#" + "9" * 5000 + ";</td></tr></table>", [["2&#" + "9" * 5000 + ";"]]),
        ("", []),
    ],
)  # fmt: skip
def test_tables_as_models_write_them(html: str, rows: list[list[str]]) -> None:
    assert rows_of(html) == rows


def test_spans_leave_their_text_in_the_first_slot() -> None:
    html = to_html([Cell(0, 0, "a", 2, 1), Cell(0, 1, "b", 1, 2), Cell(1, 1, "c"), Cell(1, 2, "d")])
    assert html == ('<table><tr><td rowspan="2">a</td><td colspan="2">b</td></tr><tr><td>c</td><td>d</td></tr></table>')
    assert rows_of(html) == [["a", "b", ""], ["", "c", "d"]]


def test_a_row_that_is_covered_from_above_keeps_its_columns() -> None:
    html = '<table><tr><td>a</td><td rowspan="3">b</td></tr><tr><td>c</td></tr><tr></tr></table>'
    assert rows_of(html) == [["a", "b"], ["c", ""], ["", ""]]


def test_absurd_spans_cost_little_and_lose_no_text() -> None:
    started = time.process_time()
    rows = rows_of("<table>" + '<tr><td colspan="999999999" rowspan="99999999">a</td><td>b</td></tr>' * 500)
    assert sum(map(len, rows)) <= 2 * MAX_CELLS
    assert all("b" in " ".join(row) for row in rows[:10] + rows[-10:])
    assert time.process_time() - started < 2


def test_time_is_linear() -> None:
    started = time.process_time()
    rows_of("<table><tr>" + "<td>" * 100_000 + "&lt;" * 100_000 + "<" * 100_000)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "unit", ["<a ", "<a", "a", "<a b='", "<table", "<td", "<!--", "<!", "<?", "</", "<td a ", "&#9", " "]
)
def test_what_is_never_closed_takes_no_longer(unit: str) -> None:
    """Anything that is not linear would run for minutes, into the limit that every test has."""
    rows_of("<table><tr><td>" + unit * (400_000 // len(unit)))
    rows_of("<table><tr><td " + unit * (400_000 // len(unit)) + ">")
    rows_of("<table><tr><td><" + unit * (400_000 // len(unit)))


def test_the_http_process_gets_no_numpy_from_it() -> None:
    for module in (server.layout, server.layout.tables_html):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
        names = {alias.name for node in imports for alias in node.names}
        names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


@st.composite
def tilings(draw: st.DrawFn) -> list[Cell]:
    """Cells that cover a rectangle: halved again and again, across or down."""
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    left, done = [(0, 0, rows, columns)], []
    while left:
        row, column, height, width = left.pop()
        down = draw(st.integers(0, height - 1)) if height > 1 else 0
        across = draw(st.integers(0, width - 1)) if width > 1 and not down else 0
        if down:
            left += [(row, column, down, width), (row + down, column, height - down, width)]
        elif across:
            left += [(row, column, height, across), (row, column + across, height, width - across)]
        else:
            done.append(Cell(row, column, f"{row},{column}", height, width))
    return done


@given(tilings())
def test_columns_stay_aligned_whatever_spans(cells: list[Cell]) -> None:
    grid = grid_of(to_html(cells))

    height = 1 + max(cell.row for cell in cells)  # a last row in which no cell begins is not written
    width = max(cell.column + cell.colspan for cell in cells)
    assert {len(row) for row in grid.rows} == {width}
    assert len(grid.rows) == height
    for cell in cells:
        assert grid.rows[cell.row][cell.column] == cell.text
    written = [replace(cell, rowspan=min(cell.rowspan, height - cell.row)) for cell in cells]
    assert set(grid.merged) == {cell for cell in written if cell.rowspan * cell.colspan > 1}


SPANS = st.tuples(st.text("ab", max_size=2), st.integers(0, 5), st.integers(0, 5))


@given(st.lists(st.lists(SPANS, max_size=4), max_size=6))
def test_merged_cells_lie_inside_and_never_over_each_other(rows: list[list[tuple[str, int, int]]]) -> None:
    cells = "".join(
        "<tr>" + "".join(f'<td rowspan="{down}" colspan="{across}">{text}</td>' for text, down, across in row) + "</tr>"
        for row in rows
    )
    grid = grid_of(f"<table>{cells}</table>")
    taken = [
        (row, column)
        for cell in grid.merged
        for row in range(cell.row, cell.row + cell.rowspan)
        for column in range(cell.column, cell.column + cell.colspan)
    ]

    assert len(taken) == len(set(taken))
    assert all(row < len(grid.rows) and column < len(grid.rows[row]) for row, column in taken)
    assert all(grid.rows[cell.row][cell.column] == cell.text for cell in grid.merged)


def test_in_a_table_past_its_bounds_nothing_is_merged() -> None:
    assert grid_of("<table>" + '<tr><td colspan="1000" rowspan="9">a</td></tr>' * 500).merged == []
