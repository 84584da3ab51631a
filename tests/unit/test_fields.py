"""Fields of pages: what is found, what is left alone, where it is, and that a long page takes no longer per line."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.documents import BBox, Block, BlockFormat, Page
from server.field_lines import pairs
from server.fields import fields
from server.layout.tables_html import Cell, to_html
from tests.unit.field_corpus import KNOWN, UNSEEN, Sample


def page(*blocks: tuple[str, BBox], confidence: float | None = 0.9) -> Page:
    """A page of blocks of text."""
    made = (Block("text", box, text, BlockFormat.TEXT, n, confidence) for n, (text, box) in enumerate(blocks))
    return Page(3, 1000, 1400, blocks=tuple(made))


def lines(text: str) -> Page:
    """A page with one block of text, 100 px for each line."""
    return page((text, (10, 0, 500, 100 * (text.count("\n") + 1))))


def table(*rows: list[str]) -> Page:
    """A page with one table, 100 px for each row."""
    html = to_html(Cell(r, c, text) for r, row in enumerate(rows) for c, text in enumerate(row))
    block = Block("table", (10, 0, 500, 100 * len(rows)), html, BlockFormat.TABLE_HTML, 0, 0.9)
    return Page(3, 1000, 1400, blocks=(block,))


def found(page: Page) -> list[tuple[str, str]]:
    """Names and values."""
    return [(field.name, field.value) for field in fields(page)]


# --- the corpus


def _rates(samples: Sequence[Sample]) -> tuple[float, float]:
    """Precision and recall over all fields of the samples."""
    right = given = wanted = 0
    for sample in samples:
        has, wants = Counter(found(sample.page())), Counter(sample.fields)
        right += (has & wants).total()
        given += has.total()
        wanted += wants.total()
    return right / given, right / wanted


def test_precision_and_recall_on_pages_that_the_rules_were_made_for() -> None:
    precision, recall = _rates(KNOWN)

    assert precision >= 0.99
    assert recall >= 0.97


def test_precision_and_recall_on_pages_that_were_kept_away_from_the_rules() -> None:
    precision, recall = _rates(UNSEEN)

    assert precision >= 0.95
    assert recall >= 0.85


def test_the_corpus_is_as_large_and_as_various_as_it_claims() -> None:
    names = [sample.name for sample in (*KNOWN, *UNSEEN)]

    assert len(names) == len(set(names)) >= 30
    assert sum(len(sample.fields) for sample in (*KNOWN, *UNSEEN)) >= 250
    for kind in (
        "english",
        "russian",
        "german",
        "chinese",
        "invoice",
        "receipt",
        "form",
        "contract",
        "letter",
        "prose",
    ):
        assert sum(kind in name for name in names) >= 2, kind


# --- lines


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Invoice Number: INV-2024-001", [("Invoice Number", "INV-2024-001")]),
        ("Invoice Date:January 15, 2024", [("Invoice Date", "January 15, 2024")]),
        ("DATE : 12/01/2018", [("DATE", "12/01/2018")]),
        ("- Colour: red", [("Colour", "red")]),
        ("Date: 2024-01-05  Due: 2024-02-05", [("Date", "2024-01-05"), ("Due", "2024-02-05")]),
        ("ИНН 7707083893 КПП 773601001", [("ИНН", "7707083893"), ("КПП", "773601001")]),
        ("ИНН/КПП: 7707083893/773601001", [("ИНН/КПП", "7707083893/773601001")]),
        ("Счет № 17 от 5 февраля 2024 г.", [("Счет №", "17")]),
        ("ООО «Альфа» (ИНН 7707083893, КПП 773601001)", [("ИНН", "7707083893"), ("КПП", "773601001")]),
        ("Итого 5 190,00 руб.", [("Итого", "5 190,00 руб.")]),
        ("Total Due ........ $1,234.00", [("Total Due", "$1,234.00")]),
        ("Total Due..........$1,234.00", [("Total Due", "$1,234.00")]),
        ("Имя ______ Иванов", [("Имя", "Иванов")]),
        ("Name: ____________ Date: ____________", [("Name", ""), ("Date", "")]),
        ("First Name: John Last Name: Smith", [("First Name", "John"), ("Last Name", "Smith")]),
        ("Width: 3 Height of door: 7", [("Width", "3"), ("Height of door", "7")]),
        ("Time: 12:30", [("Time", "12:30")]),
        ("Website: https://example.com/a:b", [("Website", "https://example.com/a:b")]),
        ("姓名：张三 性别：男", [("姓名", "张三"), ("性别", "男")]),
        ("Ημερομηνία: 15/03/2024", [("Ημερομηνία", "15/03/2024")]),
        ("IBAN DE89 3704 0044 0532 0130 00", [("IBAN", "DE89 3704 0044 0532 0130 00")]),
        ("Bill to:", [("Bill to", "")]),
        ("Tax (20%)", [("Tax (20%)", "")]),
        ("Subject: fw: offer 5", [("Subject", "fw: offer 5")]),
        ("INVOICE Invoice Number: 5", [("Invoice Number", "5")]),
    ],
)  # fmt: skip
def test_pairs_of_a_line(line: str, expected: list[tuple[str, str]]) -> None:
    assert [(pair.name, pair.value) for pair in pairs(line)] == expected


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            ":",
            "::",
            "：",
            ": x",
            ".....",
            "12:30",
            "At 12:30 we left",
            "https://example.com",
            "C:\\temp",
            "std::vector",
        ),
        *("Note: see below", "Please note: see below", "The result: seven", "He said: go", "Table 2: Exports", "a: b"),
        *("Section 3: Scope", "We ask: why", "Total recall of goods", "Date palms grow here", "scale 1:100", "3:1"),
        *(
            "Introduction ........ 3",
            "And then ... nothing",
            "Внимание: важно",
            "Он сказал: нет",
            "他说：好",
            "注意：小心",
        ),
        "Fees: The Client shall pay the fees that are set out in the schedule within thirty days.",
        "This agreement, which is long, has the following effect: none",
    ],
)
def test_other_lines_hold_no_pair(line: str) -> None:
    assert pairs(line) == []


# --- neighbours


def test_a_block_of_names_and_the_block_of_values_beside_it() -> None:
    columns = page(("Name:\nMood\nAge:", (10, 0, 100, 90)), ("Ann\nGood\n41", (300, 2, 400, 92)))

    assert [(field.name, field.value, field.bbox) for field in fields(columns)] == [
        ("Name", "Ann", (10, 0, 400, 32)),
        ("Mood", "Good", (10, 30, 400, 62)),
        ("Age", "41", (10, 60, 400, 92)),
    ]


def test_a_column_of_amounts_that_came_as_one_line_is_parted_again() -> None:
    names = ("Subtotal\nTax (20%)\nTotal Due", (620, 747, 734, 853))

    assert found(page(names, ("$141.00 $28.20 $169.20", (1015, 747, 1109, 853)))) == [
        ("Subtotal", "$141.00"),
        ("Tax (20%)", "$28.20"),
        ("Total Due", "$169.20"),
    ]


def test_two_columns_of_text_are_no_form() -> None:
    columns = page(("The river\nran on\nName", (10, 0, 100, 90)), ("and we\nwent\nhome", (300, 2, 400, 92)))

    assert ("The river", "and we") not in found(columns)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((300, 0, 400, 30), [("Total", "5")]),
        ((300, 25, 400, 55), []),  # neither beside nor below
        ((12, 35, 100, 65), [("Total", "5")]),
        ((12, 90, 100, 120), []),  # too far below
        ((980, 0, 999, 30), []),  # too far right
    ],
)
def test_a_value_is_beside_its_name_or_below(value: BBox, expected: list[tuple[str, str]]) -> None:
    assert found(page(("Total", (10, 0, 100, 30)), ("5", value))) == expected


def test_one_value_belongs_to_one_name() -> None:
    assert found(page(("Total", (10, 0, 100, 30)), ("Sum:", (200, 0, 290, 30)), ("5", (300, 0, 400, 30)))) == [
        ("Sum", "5")
    ]


# --- tables


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Name", "Ann"], ["Mood", "Good"]], [("Name", "Ann"), ("Mood", "Good")]),
        ([["Name:", "Ann", "Phone:", "5"]], [("Name", "Ann"), ("Phone", "5")]),
        ([["ИНН 7707083893", "КПП 773601001"]], [("ИНН", "7707083893"), ("КПП", "773601001")]),
        ([["", "", "Total", "7"]], [("Total", "7")]),
        ([["Invoice No", "Date"], ["17", "1.2.2024"]], [("Invoice No", "17"), ("Date", "1.2.2024")]),
        ([["Date", "Amount"], ["1.2.2024", "5"], ["2.2.2024", "6"]], []),
        ([["Country", "Exports"], ["France", "5"], ["Italy", "6"], ["Spain", "7"]], []),
        ([["Tea", "2.50"], ["Cake", "3.20"], ["Total", "5.70"]], [("Total", "5.70")]),
    ],
)  # fmt: skip
def test_pairs_of_a_table(rows: list[list[str]], expected: list[tuple[str, str]]) -> None:
    assert found(table(*rows)) == expected


# --- where, and how sure


def test_a_field_says_its_page_its_strip_of_the_block_and_the_blocks_confidence() -> None:
    [_, second] = fields(lines("Order: 7\nDue: 8"))

    assert (second.page, second.bbox, second.confidence) == (3, (10, 100, 500, 200), 0.9)
    assert fields(table(["Name:", "Ann"], ["Age:", "41"]))[1].bbox == (10, 100, 500, 200)
    assert fields(page(("Order: 7", (0, 0, 10, 10)), confidence=None))[0].confidence is None


def test_only_known_names_count_in_headings() -> None:
    heading = Block("doc_title", (0, 0, 10, 10), "Python: An Introduction", BlockFormat.TEXT, 0)
    number = Block("paragraph_title", (0, 20, 10, 30), "Счет № 17 от 5 мая", BlockFormat.TEXT, 1)

    assert found(Page(1, 10, 10, blocks=(heading, number))) == [("Счет №", "17")]


def test_figures_and_formulas_hold_no_fields() -> None:
    odd = [Block("x", (0, 0, 9, 9), "Name: a", form, 0) for form in (BlockFormat.IMAGE, BlockFormat.LATEX)]

    assert fields(Page(1, 10, 10, blocks=tuple(odd))) == []


# --- laws

PIECES = st.sampled_from(
    ["Name", "Total", "ИНН", "5", "1,50", ":", "：", " ", "\n", "...", "__", "(", "№", "a", "姓名", "-", "/"]
)


@example("Name\n:")
@example("Name:5：Name")
@example("№:Name:")
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_gives_names_and_values_that_stand_in_it_in_this_order(text: str) -> None:
    for form in (BlockFormat.TEXT, BlockFormat.TABLE_HTML):
        block = Block("text", (0, 0, 100, 100), text, form, 0)
        for field in fields(Page(1, 100, 100, blocks=(block,))):
            assert field.name.strip()
            assert any(map(str.isalnum, field.value))
            x0, y0, x1, y1 = field.bbox
            assert 0 <= x0 <= x1 <= 100
            assert 0 <= y0 <= y1 <= 100
    for line in text.splitlines():
        plain, at = _letters(line), 0
        for pair in pairs(line):
            for part in (pair.name, pair.value):
                at = plain.index(_letters(part), at) + len(_letters(part))


def _letters(text: str) -> str:
    """The text without what may part names from values."""
    return "".join(character for character in text if not (character.isspace() or character in ":：._…·"))


def _work(call: Callable[[], object]) -> int:
    """How many lines of Python of the modules about fields are run by a call."""
    count = 0

    def local(_frame: object, event: str, _argument: object) -> object:
        nonlocal count
        count += event == "line"
        return local

    def trace(frame: object, _event: str, _argument: object) -> object:
        name = Path(frame.f_code.co_filename).name  # type: ignore[attr-defined]
        return local if name.startswith("field") else None

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a ",
            "a: ",
            ": ",
            "Total ",
            "Total: ",
            "ИНН ",
            "ИНН 1 ",
            "1 ",
            "..... ",
            ". ",
            "Total 1 ",
            "Total 1 a ",
            "Note: ",
            "Date ",
        ),
        *("姓名：张三 ", "Name: John\n", "Name\n", "Bill to:\n", "x\n", "Name:\nx\n", "(", "Invoice No: 5 Date "),
    ],
)
def test_work_grows_no_faster_than_the_text(unit: str) -> None:
    small, large = (_work(lambda times=times: fields(lines(unit * times))) for times in (100, 400))

    assert large <= 5 * small


@pytest.mark.parametrize("text", ["Total", "Name:", "Total 5", "x"])
def test_work_grows_no_faster_than_the_blocks_wherever_they_are(text: str) -> None:
    def crowd(count: int, down: int) -> Page:
        return page(*((text, (n % 7, n * down, 60, n * down + 30)) for n in range(count)))

    for down in (0, 31):
        small, large = (_work(lambda count=count: fields(crowd(count, down))) for count in (100, 400))  # noqa: B023

        assert large <= 5 * small


def test_work_grows_no_faster_than_a_row_of_names_over_a_row_of_other_things() -> None:
    def crowd(count: int) -> Page:
        names = [("Name:", (n, 0, n + 1, 30)) for n in range(count)]
        return page(*names, *(("x", (5000 + n, 31, 5001 + n, 61)) for n in range(count)))

    small, large = (_work(lambda count=count: fields(crowd(count))) for count in (100, 400))

    assert large <= 5 * small


@pytest.mark.parametrize("row", [["Total", "5"], ["Name:", "x"], ["Total:"] * 50, ["a"] * 50])
def test_work_grows_no_faster_than_the_table(row: list[str]) -> None:
    small, large = (_work(lambda count=count: fields(table(*[row] * count))) for count in (10, 40))

    assert large <= 5 * small


def test_a_page_of_ten_thousand_lines_and_a_line_of_a_megabyte_are_read() -> None:
    assert len(fields(lines("Name: John\n" * 10_000))) == 10_000
    assert len(fields(lines("ИНН 7707083893 " * 70_000))) == 70_000
