"""What a worker says of an engine that cannot be loaded, over a socket without a process."""

import socket
from collections.abc import Iterable, Sequence

import pytest

from server import protocol, worker
from server.documents import Page
from server.engines.base import CannotLoadError, Loading, Options, PageInput
from tests.unit.fakes import ENTRY


class Unloadable:
    """An engine without what it needs."""

    concurrency = 1
    batches = False

    def __init__(self, error: Exception) -> None:
        self._error = error

    def load(self, loading: Loading) -> None:
        raise self._error

    def recognise(self, pages: Sequence[PageInput], options: Options) -> Iterable[Page | Exception]:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CannotLoadError("The GPU does not fit: use another image."), "The GPU does not fit: use another image."),
        (
            ImportError("libGL.so.1: cannot open shared object file"),
            "ImportError: libGL.so.1: cannot open shared object file",
        ),
    ],
)
def test_why_a_model_cannot_be_loaded(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "create", lambda _: Unloadable(error))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert worker.serve(ENTRY, theirs) == 1
        assert protocol.decode(ours.recv(10_000)) == protocol.LoadFailed(said)
