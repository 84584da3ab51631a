"""A job's states: every pair of them is either a move of the table or refused, and leaves one event or none."""

from itertools import product
from pathlib import Path

import pytest

from server.jobs.database import Database
from server.jobs.job import FINISHED, MOVES, JobState
from server.jobs.store import JobStore
from tests.unit.job_parts import hand_in

LEGAL = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "queued"),
    ("running", "done"),
    ("running", "failed"),
    ("running", "cancelled"),
}
WAYS = {
    JobState.QUEUED: [],
    JobState.RUNNING: [JobState.RUNNING],
    JobState.DONE: [JobState.RUNNING, JobState.DONE],
    JobState.FAILED: [JobState.RUNNING, JobState.FAILED],
    JobState.CANCELLED: [JobState.CANCELLED],
}
"""To each state from the first."""


@pytest.mark.parametrize(("old", "new"), list(product(JobState, JobState)))
def test_a_move_is_made_exactly_when_it_is_legal(tmp_path: Path, old: JobState, new: JobState) -> None:
    store = JobStore(Database(tmp_path / "jobs.sqlite3"))
    hand_in(store)
    for state in WAYS[old]:
        assert store.move("a", state)
    before, events = store.job("a"), store.since("a", 0)[1]
    moved = store.move("a", new, seconds=2)
    after, told = store.job("a"), store.since("a", len(events))[1]
    if (old.value, new.value) in LEGAL:
        assert moved == after
        assert (after.state, after.seconds) == (new, before.seconds + 2)
        assert [(event.kind, event.data["state"]) for event in told] == [("state", new)]
        assert (after.finished is not None) == (new in FINISHED)
    else:
        assert (moved, after, told) == (None, before, [])


def test_the_finished_states_are_those_that_lead_nowhere() -> None:
    assert {"done", "failed", "cancelled"} == FINISHED
    assert MOVES.keys() == set(JobState)


def test_a_job_that_is_not_there_does_not_move(tmp_path: Path) -> None:
    assert JobStore(Database(tmp_path / "jobs.sqlite3")).move("a", JobState.RUNNING) is None
