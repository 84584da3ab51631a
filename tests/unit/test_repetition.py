"""Loops at the end of a text, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engines.repetition import ends_in_a_loop, is_endless

PROSE = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness."


@pytest.mark.parametrize("unit", ["a", "ab", "the end. ", "one line\n", PROSE, "0 1 2 3 4 5 6 7 8 9 " * 10])
def test_a_unit_again_and_again_is_a_loop(unit: str) -> None:
    assert ends_in_a_loop(PROSE + unit * 60)
    assert ends_in_a_loop(unit * 60 + unit[: len(unit) // 2])


@pytest.mark.parametrize("text", ["", PROSE, PROSE + "." * 30, "ha " * 12, "\n".join(f"{n}." for n in range(999))])
def test_ordinary_text_is_none(text: str) -> None:
    assert not ends_in_a_loop(text)


def test_what_was_repeated_earlier_is_none() -> None:
    assert not ends_in_a_loop("la" * 500 + PROSE)


@given(st.text(min_size=1, max_size=50), st.text(max_size=200))
def test_any_unit_is_found_after_any_text(unit: str, text: str) -> None:
    if unit.strip():
        assert ends_in_a_loop(text + unit * 100)


def test_a_long_text_takes_no_longer_than_its_tail() -> None:
    assert not ends_in_a_loop("ab" * 4_000_000 + "".join(map(str, range(10_000))))


def test_while_it_goes_on_much_more_of_it_is_needed() -> None:
    row = "<tr><td></td><td></td></tr>"
    assert is_endless(PROSE + row * 300)
    assert not is_endless(PROSE + row * 250)
    assert not is_endless(PROSE * 7)
    assert not is_endless("")
