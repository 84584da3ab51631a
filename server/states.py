"""The states of a model on this server, and the legal moves between them."""

from enum import StrEnum


class ModelState(StrEnum):
    """Where a model stands."""

    ABSENT = "absent"  # this machine lacks what it needs; nothing can load it
    IDLE = "idle"  # could be loaded
    LOADING = "loading"  # its worker starts, or starts again after it died
    READY = "ready"  # loaded, and nothing to do
    BUSY = "busy"  # loaded, pages in work
    DRAINING = "draining"  # takes no new page; its worker ends when the pages in work are done
    FAILED = "failed"  # could not be loaded; the reason is kept


MOVES: dict[ModelState, frozenset[ModelState]] = {
    ModelState.ABSENT: frozenset(),
    ModelState.IDLE: frozenset({ModelState.LOADING}),
    ModelState.LOADING: frozenset({ModelState.READY, ModelState.FAILED, ModelState.IDLE}),
    ModelState.READY: frozenset({ModelState.BUSY, ModelState.DRAINING, ModelState.LOADING}),
    ModelState.BUSY: frozenset({ModelState.READY, ModelState.DRAINING, ModelState.LOADING}),
    ModelState.DRAINING: frozenset({ModelState.LOADING, ModelState.IDLE}),
    ModelState.FAILED: frozenset({ModelState.LOADING}),
}
"""READY or BUSY → LOADING is a worker that died; LOADING → IDLE is an unload before it was loaded."""


class IllegalMoveError(Exception):
    """A state change that `MOVES` does not hold: a mistake in this program."""


def move(old: ModelState, new: ModelState) -> ModelState:
    """The new state. Raises IllegalMoveError."""
    if new not in MOVES[old]:
        raise IllegalMoveError(f"{old} → {new}")
    return new
