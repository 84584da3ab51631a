"""Which text of a table's cell is a number, read so that nothing of it is lost. Pure, standard library only."""

import re
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = 15
"""Decimal digits that a double, and so a spreadsheet, keeps (ECMA-376, 18.18.22: IEEE 754 in practice)."""
_LONGEST = 40  # characters; a longer text is no number, and is not looked at further

_SPACE = "[ \\u00a0\\u2009\\u202f]"
_WHOLE = "(?:0|[1-9][0-9]*+)"
_SHAPES = (
    # a point or a comma before the decimals: 12, 12.50, 1234,5
    (re.compile(rf"(?P<whole>{_WHOLE})(?:(?P<mark>[.,])(?P<decimals>[0-9]++))?+"), False),
    # English: 1,234.56 and 1,234,567
    (re.compile(r"(?P<whole>[1-9][0-9]{0,2}+(?:,[0-9]{3})++)\.(?P<decimals>[0-9]++)"), True),
    (re.compile(r"(?P<whole>[1-9][0-9]{0,2}+(?:,[0-9]{3}){2,}+)(?P<decimals>)"), True),
    # Russian, French, SI: 1 234,56
    (re.compile(rf"(?P<whole>[1-9][0-9]{{0,2}}+(?:{_SPACE}[0-9]{{3}})++)(?:[.,](?P<decimals>[0-9]++))?+"), True),
    # German: 1.234,56
    (re.compile(r"(?P<whole>[1-9][0-9]{0,2}+(?:\.[0-9]{3})++),(?P<decimals>[0-9]++)"), True),
)
_PERCENT = re.compile(rf"{_SPACE}?+%$")


@dataclass(frozen=True, slots=True)
class CellNumber:
    """A number and the spreadsheet's format code (ECMA-376, 18.8.30) that shows it with the digits that were written."""

    value: float
    format: str


def number_of(text: str) -> CellNumber | None:
    """The number that a cell's text is, or None where it is none or could be something else.

    None, among others, for leading zeros ("007"), more than 15 digits, dates, "1,234" and "1.234" (thousands or
    decimals?), and a written plus. "12,5 %" is 0.125 with the format "0.0%".
    """
    if len(text) > _LONGEST:
        return None
    unsigned = text[1:] if text[:1] in {"-", "−"} else text
    per_cent = _PERCENT.search(unsigned)
    digits = unsigned[: per_cent.start()] if per_cent else unsigned
    found = next(((match, grouped) for shape, grouped in _SHAPES if (match := shape.fullmatch(digits))), None)
    if found is None:
        return None
    match, grouped = found
    whole, decimals = re.sub("[^0-9]", "", match["whole"]), match["decimals"] or ""
    ambiguous = not grouped and len(decimals) == 3 and whole != "0" and len(whole) <= 3
    if ambiguous or len(whole) + len(decimals) > _DIGITS:
        return None
    value = Decimal(f"{whole}.{decimals or 0}")
    if unsigned != text:
        if not value:
            return None
        value = -value
    shown = ("#,##0" if grouped else "0") + ("." + "0" * len(decimals) if decimals else "")
    return CellNumber(float(value / 100 if per_cent else value), shown + ("%" if per_cent else ""))
