"""Whose turn it is among jobs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.jobs.store import Waiting
from server.jobs.turns import JOBS_AT_ONCE, LONG_JOBS_AT_ONCE, SHORT_PAGES, choose, urgency
from server.page_task import Urgency

LONG = SHORT_PAGES + 1


def job(name: str, owner: str = "o", pages: int | None = 1) -> Waiting:
    """A job; the letter tells its age."""
    return Waiting(name, owner, "m", ord(name), pages)


@pytest.mark.parametrize(
    ("waiting", "running", "turn"),
    [
        ([], [], None),
        ([job("b"), job("a")], [], "a"),
        ([job("a", pages=LONG), job("b")], [], "b"),
        ([job("a"), job("b", "p")], [job("c")], "b"),  # an owner with less at work
        ([job("a"), job("b", "p", LONG)], [job("c")], "b"),
        ([job("a", pages=LONG)], [job("b", pages=LONG), job("c", pages=LONG)], None),
        ([job("a", pages=LONG), job("d")], [job("b", pages=LONG), job("c", pages=LONG)], "d"),
        ([job("a", pages=None)], [job("b", pages=LONG), job("c", pages=LONG)], "a"),  # nobody knows yet
        ([job("a")], [job(name) for name in "bcde"], None),
    ],
)
def test_turns(waiting: list[Waiting], running: list[Waiting], turn: str | None) -> None:
    chosen = choose(waiting, running)
    assert (chosen and chosen.id) == turn


def test_what_is_short() -> None:
    assert urgency(job("a", pages=SHORT_PAGES)) is Urgency.SHORT_JOB
    assert urgency(job("a", pages=LONG)) is Urgency.LONG_JOB
    assert urgency(job("a", pages=None)) is Urgency.SHORT_JOB


jobs = st.lists(
    st.builds(job, st.characters(min_codepoint=33), st.sampled_from("opq"), st.sampled_from((None, 1, LONG))),
    max_size=8,
)


@given(jobs)
def test_everybody_has_a_turn_and_never_too_many_at_once(waiting: list[Waiting]) -> None:
    waiting, done = list(waiting), []
    running: list[Waiting] = []
    while waiting or running:
        while turn := choose(waiting, running):
            waiting.remove(turn)
            running.append(turn)
        assert 1 <= len(running) <= JOBS_AT_ONCE
        assert sum(urgency(each) is Urgency.LONG_JOB for each in running) <= LONG_JOBS_AT_ONCE
        done.append(running.pop(0))
    assert not waiting
