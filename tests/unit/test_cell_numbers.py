"""Text of cells that is a number, and text that only looks like one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cell_numbers import CellNumber, number_of


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("0", 0, "0"),
        ("12", 12, "0"),
        ("-5", -5, "0"),
        ("−5", -5, "0"),
        ("12.50", 12.5, "0.00"),
        ("12,5", 12.5, "0.0"),
        ("0.125", 0.125, "0.000"),
        ("1234.567", 1234.567, "0.000"),
        ("1,234.56", 1234.56, "#,##0.00"),
        ("1,234,567", 1234567, "#,##0"),
        ("1 234,56", 1234.56, "#,##0.00"),
        ("1\u00a0234\u00a0567,89", 1234567.89, "#,##0.00"),
        ("12\u202f345", 12345, "#,##0"),
        ("-1 250,00", -1250, "#,##0.00"),
        ("1.234,56", 1234.56, "#,##0.00"),
        ("50%", 0.5, "0%"),
        ("12,5 %", 0.125, "0.0%"),
        ("33.3%", 0.333, "0.0%"),
        ("-7\u00a0%", -0.07, "0%"),
        ("123456789012345", 123456789012345, "0"),
    ],
)
def test_a_number_is_read_with_the_digits_it_is_written_with(text: str, value: float, shown: str) -> None:
    assert number_of(text) == CellNumber(value, shown)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "-",
            "%",
            "abc",
            "12a",
            "1e5",
            "inf",
            "nan",
            "0x10",
            "½",
            "١٢",
            "+5",
            "(5)",
            "5-",
            "--5",
            "$5",
            "5 €",
        ),
        *("007", "00", "00,5", "1,234", "1.234", "-12.345", "12,345", "1,23,456", "1,2345.6", "1.234.567", "1 23"),
        *("01.02.2024", "2024-01-05", "1/2", "12:30", "1..2", "1,2.3,4", "5 - 6", "12 34", "1234567890123456"),
        *("0,1234567890123456", "-0", "-0.00", "=1", "1\n2", " 5", "5 ", "+7 (495) 123-45-67", "9" * 100_000),
    ],
)
def test_what_would_lose_something_or_could_be_something_else_stays_text(text: str) -> None:
    assert number_of(text) is None


@given(st.text("0123456789.,- \u00a0%−", max_size=20))
def test_every_digit_that_was_written_is_in_the_number(text: str) -> None:
    found = number_of(text)
    if found is not None:
        value = Decimal(repr(found.value)) * (100 if "%" in text else 1)
        decimals = found.format.rstrip("%").partition(".")[2]
        digits = "".join(character for character in text if character.isdigit())
        assert f"{abs(value):.{len(decimals)}f}".replace(".", "") == digits
        assert (value < 0) == text.startswith(("-", "−"))


def test_what_a_spreadsheet_shows_is_what_was_written() -> None:
    for text in ("1,234.56", "12.50", "0.125", "1,234,567"):
        found = number_of(text)
        assert found
        decimals = found.format.partition(".")[2]
        assert f"{found.value:{',' if ',' in found.format else ''}.{len(decimals)}f}" == text
