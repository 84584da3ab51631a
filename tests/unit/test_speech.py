"""Text as it comes, token by token: whole characters, and nothing from a stop text on."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engines.speech import Detokeniser, Stopper


def by_bytes(tokens: Sequence[int]) -> str:
    """As of a tokenizer whose tokens are bytes."""
    return bytes(tokens).decode("utf-8", "replace")


def with_spaces(tokens: Sequence[int]) -> str:
    """As of one that puts a space before every token but the first."""
    return " ".join("abcdefgh"[token] for token in tokens)


@given(st.text(max_size=20))
def test_characters_come_whole_and_none_is_lost(text: str) -> None:
    tokens = list(text.encode("utf-8", "replace"))
    detokeniser = Detokeniser(by_bytes)
    pieces = [detokeniser.feed(token) for token in tokens]
    assert all("\ufffd" not in piece or "\ufffd" in text for piece in pieces)
    assert "".join(pieces) + detokeniser.rest() == by_bytes(tokens)


def test_half_a_character_at_the_end_is_told_in_the_end() -> None:
    detokeniser = Detokeniser(by_bytes)
    assert [detokeniser.feed(token) for token in "aЁ".encode()[:2]] == ["a", ""]
    assert detokeniser.rest() == "\ufffd"


@given(st.lists(st.integers(0, 7), max_size=10))
def test_a_tokens_text_may_depend_on_the_one_before_it(tokens: list[int]) -> None:
    detokeniser = Detokeniser(with_spaces)
    assert "".join(map(detokeniser.feed, tokens)) + detokeniser.rest() == with_spaces(tokens)


@pytest.mark.parametrize(
    ("stops", "pieces", "said", "rest", "stopped"),
    [
        ((), ["ab", "c"], ["ab", "c"], "", False),
        (("END",), ["a", "EN", "D", "b"], ["a", "", "", ""], "", True),
        (("END",), ["a", "EN", "Db", "c"], ["a", "", "", ""], "", True),
        (("END",), ["aE", "Nb"], ["a", "ENb"], "", False),
        (("END",), ["aE", "N"], ["a", ""], "EN", False),
        (("b", "ab"), ["xab"], ["x"], "", True),
        (("aab",), ["aa", "ab"], ["", "a"], "", True),
    ],
)
def test_text_is_held_back_while_it_may_become_a_stop_text(
    stops: tuple[str, ...], pieces: list[str], said: list[str], rest: str, stopped: bool
) -> None:
    stopper = Stopper(stops)
    assert [stopper.feed(piece) for piece in pieces] == said
    assert (stopper.rest(), stopper.stopped) == (rest, stopped)


@given(st.text("ab", max_size=12), st.lists(st.text("ab", min_size=1, max_size=3), max_size=3), st.integers(1, 4))
def test_however_it_is_cut_the_first_stop_text_ends_it(text: str, stops: list[str], size: int) -> None:
    stopper = Stopper(stops)
    said = "".join(stopper.feed(text[start : start + size]) for start in range(0, len(text), size))
    places = [text.find(stop) for stop in stops if stop in text]
    if not places:
        assert said + stopper.rest() == text
    else:
        assert stopper.stopped
        assert not any(stop in said for stop in stops)
        assert text.startswith(said)
        if size == 1:  # a longer piece may hold an earlier one that ends later
            assert len(said) in places
