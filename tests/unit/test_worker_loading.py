"""What a worker says when its engine is at fault, over a socket without a process."""

import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from server import protocol, worker
from server.documents import Page
from server.engines.base import CannotLoadError, Loading, Options, PageInput
from tests.unit.fakes import ENTRY


class Unloadable:
    """An engine without what it needs."""

    concurrency = 1
    batches = False
    withdraws = False

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


class Unspeakable(Unloadable):
    """An engine that loads, and whose page cannot be told in JSON."""

    batches = True

    def load(self, loading: Loading) -> None:
        """Nothing to do."""

    def recognise(self, pages: Sequence[PageInput], options: Options) -> Iterable[Page | Exception]:
        for page in pages:
            yield Page(page.number, 1, 1, engine_result={"box": object()} if page.number == 2 else None)

    def close(self) -> None:
        """Nothing to do."""


def test_a_page_that_cannot_be_sent_is_answered_and_no_other_suffers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(worker, "create", lambda _: Unspeakable(Exception()))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for number in (2, 3):
            asked = PageInput(number, tmp_path, 1, 1)
            ours.sendall(protocol.encode(protocol.Recognise(number, (asked,), {}, f"r{number}")))
        ours.sendall(protocol.encode(protocol.Close()))
        assert worker.serve(ENTRY, theirs) == 0
        said = [protocol.decode(line) for line in ours.recv(100_000).splitlines()]
    answers = {each.id: each for each in said if isinstance(each, protocol.Recognised | protocol.NotRecognised)}
    assert isinstance(answers[2], protocol.NotRecognised)
    assert "not JSON serializable" in answers[2].detail
    assert isinstance(answers[3], protocol.Recognised)
