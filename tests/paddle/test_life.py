"""A worker's life: many callers, reloads, recycling, crashes, hangs, memory; and what is said about it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.contract.running import Later, Server, wait_for
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.patience import LOAD_S, PATIENT, loaded, ocr

MODEL = "paddleocr-vl-1.5"
TITLE = encoded(page("a", ("title", "number")))
OTHER = encoded(page("other words", ("title", "left")))


def read(server: Server, data: bytes, **options: str) -> dict[str, Any]:
    fields = {"model_name": MODEL, "max_new_tokens": "4", **options}
    reply = ocr(server, data, **fields)
    assert reply.status_code == 200, reply.text
    result: dict[str, Any] = reply.json()
    return result


def pid_of(server: Server, other_than: int = 0) -> int:
    def look() -> int | None:
        found = server.worker(MODEL)
        return found["pid"] if found and found["pid"] != other_than else None

    return wait_for(look, "a worker", LOAD_S) or 0


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture
def alive(start: Callable[..., Server], weights: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server with the model loaded; afterwards its log holds not one static-graph error, and only JSON."""
    servers = []

    def begin(**variables: str) -> Server:
        server = loaded(start(PADDLEX_HOME=str(weights), PRELOAD=MODEL, **PATIENT, **variables))
        servers.append(server)
        return server

    yield begin
    for server in servers:
        assert not [line for line in server.log() if "static graph" in str(line)]


def test_many_callers_and_a_model_that_comes_and_goes(alive: Callable[..., Server]) -> None:
    """Loaded in the background, asked by many threads, recycled, unloaded, loaded again: always the same text."""
    server = alive(WORKER_MAX_PAGES="20")
    expected = [read(server, data)["markdown"] for data in (TITLE, OTHER)]
    assert expected[0] != expected[1]
    for _ in range(2):
        with ThreadPoolExecutor(8) as callers:
            found = list(callers.map(lambda number: read(server, (TITLE, OTHER)[number % 2])["markdown"], range(24)))
        assert found == expected * 12
        assert server.client.post(f"/models/{MODEL}/unload").json()["state"] == "idle"
        time.sleep(1)  # the callers' threads are gone, and so is the worker
        assert server.client.post(f"/models/{MODEL}/load").status_code in {200, 202}


def test_pages_of_several_requests_go_through_the_pipeline_together(alive: Callable[..., Server]) -> None:
    """Each comes out as if it were alone; requests with other options do not mix with them."""
    server = alive()
    full, table = page("first", size=(500, 700)), page("second", ("table", "in_table", "figure"), (500, 700))
    documents = [pdf(full, table), pdf(table, full), encoded(full), encoded(table)] * 2
    options = [{}, {}, {}, {}, *[{"use_chart_recognition": "true", "prettify_markdown": "false"}] * 4]
    alone = [read(server, data, **each) for data, each in zip(documents, options, strict=True)]
    with ThreadPoolExecutor(8) as callers:
        together = list(callers.map(lambda number: read(server, documents[number], **options[number]), range(8)))
    assert [reply["markdown"] for reply in together] == [reply["markdown"] for reply in alone]
    assert [reply["text"] for reply in together] == [reply["text"] for reply in alone]


def test_every_line_is_structured_and_has_its_request(alive: Callable[..., Server]) -> None:
    """Paddle and PaddleX bring handlers of their own, and log from threads of their own."""
    server = alive()
    asked = ocr(
        server, pdf(page("a", ("title",)), page("b", ("title",))), model_name=MODEL, max_new_tokens="4", top_p="0.5"
    )
    assert asked.status_code == 200
    assert asked.json()["warnings"] == ["top_p has no effect with PADDLE_VL_RECOGNISER=native"]
    request_id = asked.headers["x-request-id"]

    def of_the_request(source: str) -> list[dict[str, Any]]:
        return [line for line in server.log() if (line.get("request_id"), line.get("source")) == (request_id, source)]

    # a page's line comes after its answer, and what was said before that line comes before it
    wait_for(lambda: len(of_the_request("server.worker")) >= 2, "a line for each page")
    read_lines = of_the_request("server.worker")
    assert [line["event"].split(" in ")[0] for line in read_lines] == ["page 1 read", "page 2 read"]
    assert {line["model"] for line in read_lines} == {MODEL}
    assert any("`top_p` is currently not supported" in line["event"] for line in of_the_request("py.warnings"))
    assert any(line.get("source") == "paddlex" and line["event"].startswith("Creating model") for line in server.log())


def test_a_killed_worker_costs_no_page(alive: Callable[..., Server]) -> None:
    server = alive()
    document = pdf(*(page(f"number {number}", ("title", "left", "right")) for number in range(6)))
    expected = read(server, document, max_new_tokens="12")
    pid = pid_of(server)
    reading = [Later(lambda: read(server, document, max_new_tokens="12")) for _ in range(2)]
    wait_for(lambda: server.metric("ocr_pages_total") > 6, "a page has been read", LOAD_S)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: all(each.done for each in reading), "the replies", LOAD_S)
    for each in reading:
        result = each.result()
        assert result["status"] == "success"
        assert result["markdown"] == expected["markdown"]
    assert pid_of(server, other_than=pid)
    found = server.worker(MODEL)
    assert found
    assert found["restarts"] == 1
    assert any(line["event"] == "worker died" and line["how"] == "killed by SIGKILL" for line in server.log())


def test_a_worker_that_hangs_is_replaced(alive: Callable[..., Server]) -> None:
    """Frozen while it waits, so that the next page finds it so."""
    server = alive(PAGE_TIMEOUT_S="20")
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(3) as callers:
        results = list(callers.map(lambda _: read(server, TITLE)["status"], range(3)))
    assert results == ["success"] * 3
    assert pid_of(server, other_than=pid)


def test_a_worker_that_grows_too_large_is_replaced_between_pages(alive: Callable[..., Server]) -> None:
    server = alive(WORKER_MAX_RSS_MB="128")
    pids = set()
    for _ in range(3):
        pids.add(pid_of(server))
        assert read(server, TITLE)["status"] == "success"
        wait_for(lambda: server.client.get("/models").json()["loaded_models"], "loaded again", LOAD_S)
    assert len(pids) > 1
    ends = [line for line in server.log() if line["event"] == "worker ends"]
    assert ends
    assert all(line["rss_bytes"] > 128 << 20 for line in ends)


def test_two_hundred_requests_in_a_row_take_no_more_memory_than_fifty(alive: Callable[..., Server]) -> None:
    server = alive()
    pid, held = pid_of(server), []
    for number in range(200):
        assert read(server, (TITLE, OTHER)[number % 2])["status"] == "success"
        if number in {49, 199}:
            held.append(rss_mb(pid))
    assert held[1] < held[0] * 1.1
    assert pid_of(server) == pid
