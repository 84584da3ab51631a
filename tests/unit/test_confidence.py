"""How far a page's text can be trusted: always between 0 and 1, and made as docs/api.md says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.confidence import Basis, Confidence, heuristic, of_page, worst
from server.documents import Page, Verdict

READABLE = [Verdict.OK, Verdict.TRUNCATED, Verdict.REPETITION]
GOOD_TEXT = "Invoice No. 17, due 2024-05-01: total 1,250.00"

texts = st.text(max_size=60)
sizes = st.integers(0, 5000)
shares = st.floats(0, 1)


def page(
    text: str = GOOD_TEXT,
    token: float | None = None,
    verdict: Verdict = Verdict.OK,
    width: int = 800,
    height: int = 600,
) -> Page:
    """A page as an engine returns it."""
    return Page(1, width, height, text=text, token_confidence=token, verdict=verdict)


@given(texts, sizes, sizes)
def test_the_heuristic_is_between_0_and_1(text: str, width: int, height: int) -> None:
    assert 0 <= heuristic(text, width, height) <= 1


@given(texts, st.none() | st.floats(-1, 2), st.sampled_from(Verdict), sizes, sizes)
def test_a_confidence_is_between_0_and_1(
    text: str, token: float | None, verdict: Verdict, width: int, height: int
) -> None:
    assert 0 <= of_page(page(text, token, verdict, width, height)).value <= 1


@given(texts, shares, st.sampled_from(READABLE), sizes, sizes)
def test_token_probabilities_weigh_seven_parts_of_ten(
    text: str, token: float, verdict: Verdict, width: int, height: int
) -> None:
    found = of_page(page(text, token, verdict, width, height))

    assert found.basis is Basis.TOKEN_AND_HEURISTIC
    assert found.value == pytest.approx(0.7 * token + 0.3 * heuristic(text, width, height), abs=5.1e-5)


@given(texts, st.sampled_from(READABLE), sizes, sizes)
def test_without_them_it_is_the_heuristic_alone(text: str, verdict: Verdict, width: int, height: int) -> None:
    found = of_page(page(text, None, verdict, width, height))

    assert found.basis is Basis.HEURISTIC
    assert found.value == pytest.approx(heuristic(text, width, height), abs=5.1e-5)


@given(texts, shares, shares)
def test_better_tokens_never_make_it_worse(text: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert of_page(page(text, low)).value <= of_page(page(text, high)).value


@pytest.mark.parametrize("token", [None, 0.0, 0.9])
def test_a_blank_page_is_certain(token: float | None) -> None:
    assert of_page(page("", token, Verdict.BLANK)) == Confidence(1.0, Basis.HEURISTIC)


@pytest.mark.parametrize("token", [None, 1.0])
def test_a_failed_page_has_none_to_speak_of(token: float | None) -> None:
    assert of_page(page(GOOD_TEXT, token, Verdict.FAILED)) == Confidence(0.0, Basis.HEURISTIC)


def test_a_good_page_is_worth_its_numbers() -> None:
    assert heuristic(GOOD_TEXT, 800, 600) == 1.0
    assert of_page(page(token=0.8)) == Confidence(0.86, Basis.TOKEN_AND_HEURISTIC)


@pytest.mark.parametrize(
    ("text", "width", "height", "expected"),
    [
        ("", 800, 600, 0.0),
        (" \n\t\u00a0", 800, 600, 0.0),
        ("a" * 40, 800, 600, 0.75),  # one character dominates: no variety
        ("abcdefghij", 800, 600, 0.875),  # half of the full length
        ("\u2592\u2593" * 20, 800, 600, 0.75),  # nothing legible
        (GOOD_TEXT, 200, 4000, 0.875),  # the shorter side has half of the full size
    ],
)
def test_each_part_is_a_quarter(text: str, width: int, height: int, expected: float) -> None:
    assert heuristic(text, width, height) == pytest.approx(expected)


def test_short_words_are_not_punished_for_a_repeated_letter() -> None:
    assert heuristic("aaa", 400, 400) == pytest.approx((3 / 20 + 1 + 1 + 1) / 4)


@given(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=40))
def test_letters_and_digits_of_every_script_are_legible(text: str) -> None:
    assert heuristic(text, 0, 0) * 4 >= 1


@given(st.lists(st.builds(Confidence, shares, st.sampled_from(Basis)), min_size=1, max_size=5))
def test_a_document_is_as_good_as_its_worst_page(pages: list[Confidence]) -> None:
    found = worst(pages)

    assert found in pages
    assert all(found.value <= other.value for other in pages)


def test_no_pages_give_no_confidence() -> None:
    assert worst([]) == Confidence(0.0, Basis.HEURISTIC)
