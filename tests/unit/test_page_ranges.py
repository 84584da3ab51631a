"""`pages` of a request → page numbers; and how large a PDF page may be drawn."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import BadPageRange, TooManyPages
from server.page_ranges import check, page_numbers
from server.render import MAX_SIDE, fitting_scale


@pytest.mark.parametrize(
    ("ranges", "numbers"),
    [
        (None, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("  ", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("1-3,7", [1, 2, 3, 7]),
        ("7,1-3", [1, 2, 3, 7]),
        (" 2 , 4-4 ", [2, 4]),
        ("1-4,2-3,3-6,6", [1, 2, 3, 4, 5, 6]),
        ("9", [9]),
        ("009", [9]),
    ],
)
def test_ranges_become_numbers(ranges: str | None, numbers: list[int]) -> None:
    assert page_numbers(ranges, total=9, limit=9) == numbers


@pytest.mark.parametrize(
    "ranges",
    [
        "0",
        "10",
        "1-10",
        "3-1",
        "-1",
        "1-",
        "-",
        ",",
        "1,",
        "1,,2",
        "a",
        "1 2",
        "1.5",
        "1-2-3",
        "+1",
        "٣",
        "²",
        "9" * 5000,
    ],
)
def test_what_is_no_range_of_the_document_is_refused(ranges: str) -> None:
    with pytest.raises(BadPageRange) as caught:
        page_numbers(ranges, total=9, limit=9)
    assert len(caught.value.detail) < 200


def test_the_refusal_says_which_pages_there_are() -> None:
    with pytest.raises(BadPageRange, match=r"'2-12'.*1-9"):
        page_numbers("1,2-12", total=9, limit=9)


@pytest.mark.parametrize("ranges", [None, "1-4", "1,2,3,5", "1-3,7-9"])
def test_more_pages_than_the_limit_are_refused(ranges: str | None) -> None:
    with pytest.raises(TooManyPages, match="limit is 3"):
        page_numbers(ranges, total=9, limit=3)


def test_a_page_named_twice_counts_once() -> None:
    assert page_numbers("1-3,1-3,2", total=9, limit=3) == [1, 2, 3]


def test_a_claimed_million_pages_cost_nothing() -> None:
    everything = ",".join(["1-1000000"] * 6000)
    with pytest.raises(TooManyPages, match="1000000 pages"):
        page_numbers(everything, total=1_000_000, limit=2000)
    assert page_numbers("999999-1000000", total=1_000_000, limit=2000) == [999_999, 1_000_000]


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)).map(sorted), min_size=1))
def test_numbers_are_the_union_in_order(parts: list[list[int]]) -> None:
    text = ",".join(f"{first}-{last}" for first, last in parts)
    union = {number for first, last in parts for number in range(first, last + 1)}
    assert page_numbers(text, total=30, limit=30) == sorted(union)


@given(st.text(alphabet="0123456789-, ", max_size=20))
def test_any_text_gives_pages_of_the_document_or_a_refusal(text: str) -> None:
    try:
        numbers = page_numbers(text, total=12, limit=12)
    except BadPageRange:
        return
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, 13))


SIDES = st.floats(min_value=1e-3, max_value=1e30)


@given(SIDES, SIDES, st.integers(10_000, 500_000_000), st.integers(36, 600))
def test_a_page_is_drawn_within_the_limits(width: float, height: float, max_pixels: int, dpi: int) -> None:
    scale = fitting_scale(width, height, max_pixels, dpi)
    wide, high = math.ceil(width * scale), math.ceil(height * scale)
    assert 1 <= wide <= MAX_SIDE + 1
    assert 1 <= high <= MAX_SIDE + 1
    assert wide * high <= max_pixels
    assert 0 < scale <= dpi / 72


def test_an_a4_page_is_drawn_at_the_full_resolution() -> None:
    assert fitting_scale(595.28, 841.89, 64_000_000, 200) == 200 / 72


@pytest.mark.parametrize("ranges", ["0", "3-2", "1-", "a", ",", "1,,2", "\u0661", "\t1"])
def test_what_is_no_list_of_pages_is_refused_whatever_the_document(ranges: str) -> None:
    with pytest.raises(BadPageRange, match=r"Write page numbers and ranges, as in 1-3,7\.$"):
        check(ranges)


@pytest.mark.parametrize("ranges", [None, "", " ", "1", "999999999", " 2 , 4-4 "])
def test_any_list_of_pages_may_fit_some_document(ranges: str | None) -> None:
    check(ranges)
