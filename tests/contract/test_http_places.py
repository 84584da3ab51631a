"""More models than may be loaded: they take turns, no document is cut off, and probes notice nothing."""

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from tests.contract import samples
from tests.contract.running import Later, Server, wait_for

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed"),
]
Start = Callable[..., Server]


@pytest.fixture
def server(start: Start) -> Server:
    """One model at a time, of two; whoever waits for the other one waits for as long as that takes."""
    return start(MODELS="pp-ocr,tesseract", MAX_LOADED_MODELS="1", PDF_DPI="72", QUEUE_MAX_WAIT_S="600").ready()


@contextmanager
def watched(server: Server) -> Iterator[None]:
    """Fails when ever more than one worker lives or the server is not ready."""
    end = Event()

    def watch() -> list[str]:
        seen = []
        with server.new_client(token=None) as anyone:
            while not end.wait(0.01):
                workers = _workers(server) & _workers(server)  # in both: they live together, between the two looks
                ready = anyone.get("/health/ready")
                if len(workers) > 1 or ready.status_code != 200:
                    seen.append(f"workers {workers}, ready {ready.text}")
        return seen

    watching = Later(watch)
    try:
        yield
    finally:
        end.set()
    assert watching.result() == []


def _workers(server: Server) -> set[int]:
    return {pid for pid in server.processes_of("-m server.worker") if _parent(pid) == server.pid}


def _parent(pid: int) -> int | None:
    """Its parent's pid: what a worker starts itself looks like it until it runs its own program."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def read(server: Server, model: str) -> str:
    """The text of a page that both models read."""
    reply = server.ocr(samples.png(), model_name=model, **({"lang": "eng"} if model == "tesseract" else {}))
    assert reply.status_code == 200, reply.text
    text: str = reply.json()["text"]
    return text


def test_two_models_take_turns_in_one_place(server: Server) -> None:
    with watched(server):
        for model in ("tesseract", "pp-ocr", "tesseract", "tesseract", "pp-ocr"):
            assert read(server, model) == samples.WORDS
            assert server.client.get("/models").json()["loaded_models"] == [model]
    turns = [(line["model"], line["makes_room_for"]) for line in server.log() if line["event"] == "model makes room"]
    assert turns == [("pp-ocr", "tesseract"), ("tesseract", "pp-ocr")] * 2
    summary = server.health()
    assert (summary["status"], summary["models"]["tesseract"]) == ("healthy", "idle")


def test_both_at_once_lose_nothing(server: Server) -> None:
    with watched(server):
        requests = [Later(lambda model=model: read(server, model)) for model in ("pp-ocr", "tesseract") * 4]
        assert [request.result() for request in requests] == [samples.WORDS] * 8
    assert server.stop() == 0
    server.assert_nothing_left()


def test_a_long_document_is_not_cut_off(server: Server) -> None:
    worker = server.worker()
    with server.engine_stopped():
        document = Later(lambda: server.ocr(samples.pdf(14)))
        wait_for(server.is_busy, "a page is in work")
        other = Later(lambda: read(server, "tesseract"))
        [waiting] = wait_for(lambda: _waiting(server), "the other model waits")
        assert waiting == "waiting for room: taken by pp-ocr"
    reply = document.result()
    assert reply.status_code == 200
    assert [page["verdict"] for page in reply.json()["pages"]] == ["ok"] * 14
    assert other.result() == samples.WORDS
    ends = [line for line in server.log() if line["event"] == "worker ends"]
    assert [(end["model"], end["pages"]) for end in ends] == [("pp-ocr", 14)]
    assert worker is not None
    assert worker["restarts"] == 0


def _waiting(server: Server) -> list[str]:
    return [row["reason"] for row in server.client.get("/models").json()["models"] if row["reason"]]


def test_a_model_unloaded_by_a_caller_is_missed(server: Server) -> None:
    assert server.client.post("/models/pp-ocr/unload").json()["state"] == "idle"
    reply = server.client.get("/health/ready")
    assert (reply.status_code, reply.json()["phase"]) == (503, "idle")
    assert read(server, "pp-ocr") == samples.WORDS
    assert server.client.get("/health/ready").status_code == 200


def test_shutting_down_while_a_model_waits_for_room(server: Server) -> None:
    with server.engine_stopped():
        document = Later(lambda: server.ocr(samples.pdf(14)))
        wait_for(server.is_busy, "a page is in work")
        assert server.client.post("/models/tesseract/load").json()["state"] == "loading"
        server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    assert document.result().status_code == 200
    server.assert_nothing_left()
