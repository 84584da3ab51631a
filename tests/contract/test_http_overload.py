"""More work than there is room for, work that nobody wants any more, and what is left of it afterwards: nothing."""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract import samples
from tests.contract.running import TOKEN, Later, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]

CLIENTS = 30
QUEUE = 8
ROUNDS = 3
LONG = 300  # pages: more than are read while the tests look away


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with a short queue, in which nobody waits too long while the worker stands still."""
    with Server(QUEUE_MAX_PAGES=str(QUEUE), QUEUE_MAX_WAIT_S="600", PDF_DPI="72") as running:
        yield running.ready()


def _round(server: Server) -> Counter[int]:
    """All clients while the worker stands still, so that the queue is sure to fill; every one is answered."""
    with server.engine_stopped():
        requests = [Later(lambda: server.ocr(samples.png())) for _ in range(CLIENTS)]
        wait_for(lambda: sum(request.done for request in requests) == CLIENTS - QUEUE, "all others are refused")
    statuses: Counter[int] = Counter()
    for request in requests:
        reply = request.result()
        if reply.status_code != 200:
            assert_problem(reply, 429, "queue_full")
            assert int(reply.headers["retry-after"]) >= 1
        else:
            assert reply.json()["text"] == samples.WORDS
        statuses[reply.status_code] += 1
    return statuses


def _wait_idle(server: Server) -> None:
    wait_for(lambda: server.health()["queue_pages"] == 0, "the queue is empty")


def test_overload_is_refused_and_leaves_nothing(server: Server) -> None:
    _round(server)  # what is allocated once
    _wait_idle(server)
    files, memory = server.open_files(), server.rss_mb()
    children = wait_for(lambda: _settled(server), "the page pool's children end")
    for _ in range(ROUNDS):
        assert _round(server) == {200: QUEUE, 429: CLIENTS - QUEUE}
    _wait_idle(server)
    wait_for(lambda: _settled(server) == children, "the page pool's children end")
    wait_for(lambda: server.open_files() <= files, f"open files are {files} again, not {server.open_files()}")
    assert server.spooled() == []
    print(f"RSS of the HTTP process: {memory:.1f} MB before, {server.rss_mb():.1f} MB after")
    assert server.rss_mb() < memory + 15


def _settled(server: Server) -> frozenset[int] | None:
    """The server's processes when none of them reads a document."""
    found = server.processes()
    return frozenset(found) if sum("multiprocessing.forkserver" in each for each in found.values()) == 1 else None


@pytest.fixture(scope="module")
def long() -> bytes:
    """A document of `LONG` pages."""
    return samples.repeated(samples.pdf(12), LONG)


def _upload(server: Server, data: bytes, request_id: str) -> socket.socket:
    """A request whose answer nobody has read yet."""
    connection = socket.create_connection(("127.0.0.1", server.port), 30)
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + data + b"\r\n--b--\r\n"
    head = (
        f"POST /ocr HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nX-Request-ID: {request_id}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


def test_a_caller_who_hangs_up_stops_the_work(server: Server, long: bytes) -> None:
    before = server.metric("ocr_pages_total")
    with _upload(server, long, "gone-1"):
        wait_for(lambda: server.metric("ocr_pages_total") > before, "the first page is done")
    _wait_idle(server)
    done = server.metric("ocr_pages_total") - before
    assert 1 <= done < LONG / 2
    _assert_all_is_quiet(server)

    def lines() -> list[dict[str, Any]]:
        return [line for line in server.log() if line.get("request_id") == "gone-1"]

    wait_for(lambda: any(line["event"] == "request" for line in lines()), "the request's line")
    assert {line["level"] for line in lines()} == {"info"}
    assert [line["status"] for line in lines() if line["event"] == "request"] == [499]


def test_a_caller_who_hangs_up_in_mid_upload(server: Server) -> None:
    files = server.open_files()
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        head = f"POST /ocr HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nContent-Length: 5000000\r\n\r\n"
        connection.sendall(head.encode() + bytes(100_000))
        wait_for(lambda: server.health()["queue_pages"] == 1, "the request has its place")
    _wait_idle(server)
    wait_for(lambda: server.open_files() <= files, "the connection's file is closed")
    _assert_all_is_quiet(server)


def _assert_all_is_quiet(server: Server) -> None:
    wait_for(lambda: server.spooled() == [], "the spool is empty")
    wait_for(lambda: server.health()["models"]["pp-ocr"] == "ready", "the engine is idle")
    wait_for(lambda: _settled(server), "the page pool's children end")
    assert [line for line in server.log() if line["level"] in {"error", "critical"}] == []
    assert server.ocr(samples.png()).status_code == 200


def test_a_long_document_leaves_room_for_others(server: Server, long: bytes) -> None:
    before = server.metric("ocr_pages_total")
    with _upload(server, long, "gone-2"):
        wait_for(lambda: server.metric("ocr_pages_total") > before, "the first page is done")
        assert server.ocr(samples.png()).status_code == 200
        assert server.metric("ocr_pages_total") - before < LONG  # it did not wait for the long one's end
    _wait_idle(server)


def test_a_request_that_takes_too_long(start: Start) -> None:
    server = start(REQUEST_TIMEOUT_S="1", PDF_DPI="72").ready()
    with socket.create_connection(("127.0.0.1", server.port), 30) as stalled:  # its body never comes
        head = f"POST /ocr HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nContent-Length: 5000\r\n\r\n"
        stalled.sendall(head.encode() + b"{")
        assert stalled.recv(65536).startswith(b"HTTP/1.1 504 ")
    _wait_idle(server)
    problem = assert_problem(server.ocr(samples.pdf(200)), 504, "deadline_exceeded")
    assert "1 s" in problem["detail"]
    _wait_idle(server)
    _assert_stopped(server)


def _assert_stopped(server: Server) -> None:
    wait_for(lambda: server.health()["models"]["pp-ocr"] == "ready", "the engine is idle")
    assert server.metric("ocr_pages_total") < 100
    wait_for(lambda: server.spooled() == [], "the spool is empty")
    wait_for(lambda: _settled(server), "the page pool's children end")
