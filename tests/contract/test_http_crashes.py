"""Processes that are killed or hang: the server answers on, says what happened, and mends itself."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from reportlab.pdfgen.canvas import Canvas

from tests import makers
from tests.contract import samples
from tests.contract.running import PAGES_AT_ONCE, Later, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server to be hurt; each test leaves it ready."""
    with Server(PDF_DPI="72", PAGE_TIMEOUT_S="20") as running:
        yield running.ready()


def _worker(server: Server, other_than: int = 0) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = server.worker()
        return found if found and found["pid"] != other_than else None

    return wait_for(look, "a worker")


def _stopped_in_mid_page(server: Server, other_than: int = 0) -> int:
    """The worker's pid, frozen while a page is in work."""
    pid: int = _worker(server, other_than)["pid"]

    def caught() -> bool:
        if not server.is_busy():
            return False
        os.kill(pid, signal.SIGSTOP)
        if server.is_busy():
            return True
        os.kill(pid, signal.SIGCONT)  # it had just finished
        return False

    wait_for(caught, "a page is in work")
    return pid


def _full_page() -> bytes:
    """A page that takes long enough to be caught in work."""

    def draw(canvas: Canvas, _: int) -> None:
        canvas.setFont("Helvetica", 14)
        for line in range(8):
            canvas.drawString(20, 20 + 40 * line, "Sheets in great number " * 9)

    return makers.pdf(1, (1440, 1440), draw)


def _fork_server(server: Server) -> int:
    """Its children have its command line too."""
    return next(pid for pid in server.processes_of("multiprocessing.forkserver") if _parent(pid) == server.pid)


def _parent(pid: int) -> int:
    """0 for a process that has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


class _Probe:
    """Asks /health/live over and over, on connections of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._enough = False
        self._asking = Later(self._ask)

    def _ask(self) -> list[int]:
        found = []
        with self._server.new_client(timeout_s=20) as client:
            while not self._enough:
                found.append(client.get("/health/live").status_code)
        return found

    def assert_never_failed(self) -> None:
        self._enough = True
        assert set(self._asking.result()) == {200}


def _assert_works(server: Server) -> None:
    reply = server.ocr(samples.png())
    assert (reply.status_code, reply.json().get("text")) == (200, samples.WORDS)


def test_worker_killed_in_mid_page(server: Server) -> None:
    """The page is tried once more, on a new worker: the caller notices nothing."""
    probe = _Probe(server)
    before = _worker(server)["restarts"]
    request = Later(lambda: server.ocr(samples.pdf(30)))
    os.kill(_stopped_in_mid_page(server), signal.SIGKILL)
    reply = request.result()
    assert reply.status_code == 200
    assert [page["verdict"] for page in reply.json()["pages"]] == ["ok"] * 30
    assert _worker(server)["restarts"] == server.metric("ocr_worker_restarts_total") == before + 1
    _assert_works(server)
    probe.assert_never_failed()


def test_worker_killed_twice_on_one_page(server: Server) -> None:
    probe = _Probe(server)
    request = Later(lambda: server.ocr(_full_page()))
    first = _stopped_in_mid_page(server)
    os.kill(first, signal.SIGKILL)
    os.kill(_stopped_in_mid_page(server, other_than=first), signal.SIGKILL)
    problem = assert_problem(request.result(), 503, "engine_crashed")
    assert problem["retry_after"] >= 1
    _assert_works(server)
    probe.assert_never_failed()


def test_worker_killed_while_idle(server: Server) -> None:
    before = _worker(server)
    os.kill(before["pid"], signal.SIGKILL)
    after = _worker(server, other_than=before["pid"])  # with no request to ask for it
    assert after["restarts"] == before["restarts"] + 1
    assert server.client.get("/health/ready").status_code == 200
    _assert_works(server)


def test_worker_that_hangs(server: Server) -> None:
    """It outlives the page's time, is ended, and the page is tried once more."""
    probe = _Probe(server)
    request = Later(lambda: server.ocr(samples.pdf(20)))  # so many that it is caught at one of them
    pid = _stopped_in_mid_page(server)
    reply = request.result()
    assert reply.status_code == 200
    assert [page["text"] for page in reply.json()["pages"]] == [f"Sheet {number}" for number in range(1, 21)]
    assert _worker(server)["pid"] != pid
    assert pid not in server.processes()
    _assert_works(server)
    probe.assert_never_failed()


def test_fork_server_killed(server: Server) -> None:
    killed = _fork_server(server)
    os.kill(killed, signal.SIGKILL)
    replies = [server.ocr(samples.pdf(1)) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200], replies[0].text
    assert _fork_server(server) != killed


def test_reader_killed(server: Server) -> None:
    """The child that holds a document dies: another takes its place, and no page is lost."""
    with server.engine_stopped():  # or else it may have read all pages before the child is found
        request = Later(lambda: server.ocr(samples.pdf(12)))
        wait_for(server.is_busy, "a page is in work")
        fork_server = _fork_server(server)
        [reader] = [pid for pid in server.processes_of("multiprocessing.forkserver") if pid != fork_server]
        os.kill(reader, signal.SIGKILL)
    body = request.result().json()
    assert body["status"] == "success"
    assert [page["verdict"] for page in body["pages"]] == ["ok"] * 12
    _assert_works(server)


def test_nothing_outlives_a_killed_server(start: Start) -> None:
    """Not the workers, not what they run, not the page pool; and the next server clears away the spool."""
    server = start(PDF_DPI="72").ready()
    with server.engine_stopped():  # up to the last moment, or else it might be through before the other one begins
        requests = [Later(lambda: server.ocr(samples.pdf(40)))]
        if shutil.which("tesseract"):
            requests.append(Later(lambda: server.ocr(samples.pdf(100), model_name="tesseract", lang="eng")))
            wait_for(
                lambda: any("tesseract " in each and " tsv" in each for each in server.processes().values()),
                "tesseract runs",
            )
        wait_for(server.is_busy, "a page is in work")
        assert len(server.processes()) >= 5
        assert server.spooled()
    server.process.kill()
    server.process.wait()
    for request in requests:
        with pytest.raises(httpx2.TransportError):
            request.result()
    wait_for(lambda: not server.processes(), "all processes end")
    [spool] = server.tmp.glob("offline-ocr-spool-*")

    successor = start(PRELOAD="none", tmp=server.tmp).live()
    assert not spool.exists()
    assert successor.stop() == 0
    successor.assert_nothing_left()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("limit", "requests"), [({"WORKER_MAX_PAGES": "2"}, 8), ({"WORKER_MAX_RSS_MB": "128"}, 3)])
def test_workers_are_replaced_between_pages(start: Start, limit: dict[str, str], requests: int) -> None:
    server = start(**limit).ready()
    seen = {_worker(server)["pid"]}
    for _ in range(requests // 2):
        _assert_works(server)
        seen.add(_worker(server)["pid"])
    together = [Later(lambda: server.ocr(samples.png())) for _ in range(requests - requests // 2)]
    replies = [each.result() for each in together]
    assert [(reply.status_code, reply.json().get("text")) for reply in replies] == [(200, samples.WORDS)] * len(replies)
    seen.add(_worker(server)["pid"])
    ended = [line for line in server.log() if line["event"] == "worker ends"]
    assert len(ended) >= (requests // 2 if "WORKER_MAX_RSS_MB" in limit else requests // 3)
    assert all(line["pages"] >= 1 for line in ended)  # else it would be replaced for ever
    assert all(line["pages"] <= 1 + PAGES_AT_ONCE for line in ended)  # so many may be in work together
    assert len(seen) >= 2
    assert _worker(server)["restarts"] == 0  # that counts those that died
    wait_for(lambda: sum("server.worker" in each for each in server.processes().values()) == 1, "one worker is left")
