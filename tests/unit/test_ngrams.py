"""The guard against runs of tokens that come again."""

from hypothesis import given
from hypothesis import strategies as st

from server.engines.ngrams import banned


def test_the_end_of_a_run_that_was_there_may_not_come_again() -> None:
    assert banned([1, 2, 3, 9, 1, 2], 3, 90) == {3}
    assert banned([1, 2, 3, 1, 2, 4, 1, 2], 3, 90) == {3, 4}


def test_a_run_that_began_before_the_window_is_forgotten() -> None:
    generated = [1, 2, 3, 9, 9, 9, 1, 2]
    assert banned(generated, 3, 8) == {3}
    assert banned(generated, 3, 7) == set()


def test_less_than_a_run_bans_nothing() -> None:
    assert banned([1, 1], 3, 90) == set()
    assert banned([], 1, 90) == set()
    assert banned([5, 6], 1, 90) == {5, 6}


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 5), st.integers(1, 70))
def test_a_token_is_banned_when_with_it_a_run_would_be_there_twice(
    generated: list[int], size: int, window: int
) -> None:
    for token in range(4):
        longer = [*generated, token]
        begins = range(max(0, len(generated) - window), len(generated) - size + 1)
        twice = any(longer[begin : begin + size] == longer[-size:] for begin in begins)
        assert (token in banned(generated, size, window)) == twice
