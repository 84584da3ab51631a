"""A model's states: every pair of them is either a move of the table or refused."""

from itertools import product

import pytest

from server.states import MOVES, IllegalMoveError, ModelState, move

LEGAL = {
    ("idle", "loading"),
    ("loading", "ready"),
    ("loading", "failed"),
    ("loading", "idle"),
    ("ready", "busy"),
    ("ready", "draining"),
    ("ready", "loading"),
    ("busy", "ready"),
    ("busy", "draining"),
    ("busy", "loading"),
    ("draining", "loading"),
    ("draining", "idle"),
    ("failed", "loading"),
}


def test_the_states_are_those_of_the_design() -> None:
    assert [state.value for state in ModelState] == ["absent", "idle", "loading", "ready", "busy", "draining", "failed"]


@pytest.mark.parametrize(("old", "new"), list(product(ModelState, ModelState)))
def test_a_move_is_made_exactly_when_it_is_legal(old: ModelState, new: ModelState) -> None:
    if (old.value, new.value) in LEGAL:
        assert move(old, new) is new
    else:
        with pytest.raises(IllegalMoveError, match=f"^{old} → {new}$"):
            move(old, new)


def _reachable(start: ModelState) -> set[ModelState]:
    found, ahead = {start}, [start]
    while ahead:
        for state in MOVES[ahead.pop()] - found:
            found.add(state)
            ahead.append(state)
    return found


def test_every_state_can_come_about() -> None:
    assert _reachable(ModelState.IDLE) | _reachable(ModelState.ABSENT) == set(ModelState)


def test_only_an_absent_model_is_stuck() -> None:
    assert [state for state in ModelState if not MOVES[state]] == [ModelState.ABSENT]


def test_a_model_can_be_made_ready_from_every_state_but_absent() -> None:
    cannot = [state for state in ModelState if ModelState.READY not in _reachable(state)]
    assert cannot == [ModelState.ABSENT]
