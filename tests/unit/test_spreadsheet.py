"""Tables and fields as a workbook: whole, harmless, the same bytes for the same document."""

import io
import resource
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.documents import Block, BlockFormat, Document, FileType, Page, Verdict
from server.layout.tables_html import Cell, to_html
from server.spreadsheet import CUT, MAX_TEXT, workbook


def table(*cells: Cell) -> Block:
    """A table's block."""
    return Block("table", (0, 0, 10, 10), to_html(cells), BlockFormat.TABLE_HTML, 0)


def rows(*texts: list[str]) -> Block:
    """A table without spans."""
    return table(*(Cell(r, c, text) for r, row in enumerate(texts) for c, text in enumerate(row)))


def text(content: str) -> Block:
    """A block of text with a confidence."""
    return Block("text", (10, 20, 30, 60), content, BlockFormat.TEXT, 0, 0.75)


def document(*pages: tuple[Block, ...]) -> Document:
    """A PDF of pages with these blocks."""
    made = tuple(Page(number, 100, 100, blocks=blocks) for number, blocks in enumerate(pages, 1))
    return Document(FileType.PDF, len(made), made)


def opened(content: bytes) -> Any:
    """The workbook as a program that knows nothing of ours reads it."""
    return openpyxl.load_workbook(io.BytesIO(content))


def values(sheet: Any) -> list[list[Any]]:
    """All cells of a sheet."""
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_every_table_has_a_sheet_and_the_fields_have_one() -> None:
    book = opened(workbook(document((rows(["a", "b"], ["c", "d"]), text("Order: 7")), (), (rows(["e"]), rows(["f"])))))

    assert book.sheetnames == ["fields", "p1 t1", "p3 t2", "p3 t3"]
    assert values(book["p1 t1"]) == [["a", "b"], ["c", "d"]]
    assert values(book["p3 t3"]) == [["f"]]
    assert values(book["fields"]) == [
        ["name", "value", "page", "bbox", "confidence"],
        ["Order", "7", 1, "10 20 30 60", 0.75],
    ]


@pytest.mark.parametrize(
    "nothing",
    [document(), document((text("words"),)), Document(FileType.PDF, 1, (Page(1, 0, 0, verdict=Verdict.FAILED),))],
)
def test_without_tables_and_fields_the_workbook_says_so(nothing: Document) -> None:
    [sheet] = opened(workbook(nothing)).worksheets

    assert values(sheet) == [["No tables and no fields were found in this document."]]


def test_cells_that_span_are_merged() -> None:
    spans = table(Cell(0, 0, "a", 2, 1), Cell(0, 1, "b", 1, 2), Cell(1, 1, "c"), Cell(1, 2, "d"), Cell(2, 0, "e", 9, 3))
    sheet = opened(workbook(document((spans,))))["p1 t1"]

    assert sorted(map(str, sheet.merged_cells.ranges)) == ["A1:A2", "A3:C3", "B1:C1"]
    assert values(sheet) == [["a", "b", None], [None, "c", "d"], ["e", None, None]]


def test_numbers_are_numbers_and_shown_as_written() -> None:
    sheet = opened(workbook(document((rows(["1 234,56", "12,5 %", "-5"], ["007", "01.02.2024", "1,234"]),))))["p1 t1"]

    assert [(cell.value, cell.number_format) for cell in sheet[1]] == [
        (1234.56, "#,##0.00"),
        (0.125, "0.0%"),
        (-5, "0"),
    ]
    assert [cell.data_type for cell in sheet[2]] == ["s", "s", "s"]


@pytest.mark.parametrize(
    "formula", ["=1+1", "+A1", "-A1", "@SUM(A1)", '=HYPERLINK("https://evil.example")', "#N/A", "="]
)
def test_no_text_is_a_formula_or_an_error(formula: str) -> None:
    content = workbook(document((rows([formula]), text(f"Total: {formula} x"))))
    [cell] = opened(content)["p1 t1"][1]

    assert (cell.value, cell.data_type) == (formula, "s")
    assert cell.quotePrefix == (formula[0] in "=+-@")
    sheets = [part for name, part in _parts(content).items() if name.startswith("xl/worksheets/")]
    assert not any(b"<f>" in part or b"<f " in part for part in sheets)


def test_what_xml_cannot_hold_is_left_out_and_long_text_is_cut_in_sight() -> None:
    sheet = opened(workbook(document((rows(["a\x00\x08\x0e\ud800\uffffb", "x" * 40_000, "y" * MAX_TEXT]),))))["p1 t1"]
    odd, long, full = (cell.value for cell in sheet[1])

    assert odd == "ab"
    assert long == "x" * (MAX_TEXT - len(CUT)) + CUT
    assert full == "y" * MAX_TEXT


def test_lines_within_a_cell_stay_lines() -> None:
    assert values(opened(workbook(document((rows(["a\nb"]),))))["p1 t1"]) == [["a\nb"]]


def _parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_nothing_in_it_says_when_it_was_made() -> None:
    content = workbook(document((rows(["a", "1,5"]), text("Order: 7"))))

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    core = _parts(content)["docProps/core.xml"].decode()
    assert core.count("1980-01-01T00:00:00Z") == 2
    assert core.count("dcterms:") == 6  # two elements and their types, no other time
    assert content == workbook(document((rows(["a", "1,5"]), text("Order: 7"))))


cells = st.builds(Cell, st.integers(0, 5), st.integers(0, 5), st.text(max_size=5), st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=50, deadline=None)
@given(st.lists(cells, max_size=12))
def test_any_table_gives_a_workbook_that_opens_and_whose_merged_cells_do_not_overlap(given_cells: list[Cell]) -> None:
    content = workbook(document((table(*given_cells),)))
    sheet = opened(content).worksheets[0]
    taken = [slot for merged in sheet.merged_cells.ranges for slot in merged.cells]

    assert len(taken) == len(set(taken))
    assert all(row <= max(sheet.max_row, 1) for row, _ in taken)


def test_no_file_is_left_where_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    workbook(document((rows(["a"]),)))
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_left_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    whole = document((rows(["small"]), rows(*([str(number) * 10] for number in range(5000)))))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            workbook(whole)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list(tmp_path.iterdir()) == []
