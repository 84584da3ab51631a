"""What a worker says when its engine is at fault, over a socket without a process."""

import errno
import socket
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from server import protocol, worker
from server.chat import Chat, ChatSampling, Ending, Part, Said, Turn
from server.documents import Page
from server.engines.base import CannotLoadError, Loading, Options, PageInput
from server.errors import BadRequest
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


@pytest.mark.parametrize(
    ("error", "free", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 1 << 30, "out_of_space"),
        (ValueError("encoder error -2 when writing image file"), 100, "out_of_space"),  # how Pillow tells of it
        (ValueError("too small"), 1 << 30, None),
        (OSError(errno.ENOENT, "No such file"), 1 << 30, None),
    ],
)
def test_a_full_disk_is_not_the_pages_fault(
    error: Exception, free: int, code: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.ppm"
    page.touch()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    message = protocol.Recognise(7, (PageInput(1, page, 1, 1),), {}, "req")
    assert worker._failed(message, error).code == code


class Talkative(Unspeakable):
    """An engine that repeats what it is told, or refuses it."""

    def __init__(self, concurrency: int, batches: bool) -> None:
        self.concurrency = concurrency
        self.batches = batches

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        assert wanted()
        text = chat.turns[-1].parts[0].text
        if text == "refuse":
            raise BadRequest("no")
        for letter in text:
            say(Said(letter))
        return Ending("stop", 1, len(text), 0.5)


@pytest.mark.parametrize(("concurrency", "batches"), [(1, False), (4, False), (4, True)])
def test_chats_are_answered_among_pages_whichever_way_those_are_read(
    concurrency: int, batches: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(worker, "create", lambda _: Talkative(concurrency, batches))
    ours, theirs = socket.socketpair()
    ticket = tmp_path / "ticket"
    ticket.touch()

    def asked(number: int, text: str) -> bytes:
        chat = Chat((Turn("user", (Part(text),)),), ChatSampling(), ticket)
        return protocol.encode(protocol.Answer(number, chat, f"r{number}"))

    with ours, theirs:
        ours.sendall(asked(1, "ab"))
        ours.sendall(protocol.encode(protocol.Recognise(3, (PageInput(3, tmp_path, 1, 1),), {}, "r3")))
        ours.sendall(asked(4, "refuse"))
        ours.sendall(asked(5, "c"))
        ours.sendall(protocol.encode(protocol.Close()))
        assert worker.serve(ENTRY, theirs) == 0
        said = [protocol.decode(line) for line in ours.recv(100_000).splitlines()]
    of = {number: [each for each in said if getattr(each, "id", None) == number] for number in (1, 3, 4, 5)}
    assert of[1] == [
        protocol.More(1, Said("a")),
        protocol.More(1, Said("b")),
        protocol.Answered(1, Ending("stop", 1, 2, 0.5)),
    ]
    assert [type(each) for each in of[3]] == [protocol.Recognised]
    assert of[4] == [protocol.NotRecognised(4, "no", BadRequest.code)]
    assert of[5][-1] == protocol.Answered(5, Ending("stop", 1, 1, 0.5))
    assert {number for each in said if isinstance(each, protocol.Begun) for number in each.ids} == {1, 3, 4, 5}


def test_an_engine_without_a_chat_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(worker, "create", lambda _: Unspeakable(Exception()))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(protocol.encode(protocol.Answer(1, Chat((), ChatSampling(), tmp_path / "ticket"), "r1")))
        ours.sendall(protocol.encode(protocol.Close()))
        assert worker.serve(ENTRY, theirs) == 0
        [_, _, failed] = [protocol.decode(line) for line in ours.recv(100_000).splitlines()]
    assert failed == protocol.NotRecognised(1, "TypeError: the engine has no chat", None)
