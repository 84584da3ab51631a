"""The same document again: the stored result; at the same time: one reading. Never another caller's, never a stale one."""

import base64
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from tests import makers
from tests.contract import samples
from tests.contract.running import TOKEN, Later, Server, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]

OTHER = "tok-of-another-caller"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(PDF_DPI="72", CACHE_MB="1", API_TOKENS=f"{TOKEN},{OTHER}") as running:
        yield running.ready()


def post(
    server: Server, data: bytes, token: str = TOKEN, headers: dict[str, str] | None = None, **fields: str
) -> httpx2.Response:
    with server.new_client(token) as client:
        reply = client.post("/ocr", files={"file": ("a", data)}, data=fields, headers=headers or {})
    assert reply.status_code == 200, reply.text
    return reply


def sent(server: Server, data: bytes) -> socket.socket:
    """The same as `post`, on a connection of its own, to be closed whenever the caller leaves."""
    request = server.client.build_request("POST", "/ocr", files={"file": ("a", data)})
    body = request.read()
    lines = [b"%s: %s" % each for each in request.headers.raw]
    connection = socket.create_connection(("127.0.0.1", server.port), 60)
    connection.sendall(b"\r\n".join([b"POST /ocr HTTP/1.1", *lines, b"", body]))
    return connection


def opened(server: Server) -> float:
    """How many documents have been opened."""
    return server.metric('ocr_stage_seconds_count{stage="open"}')


def wait_until_opened(server: Server, number: float) -> None:
    """Until so many have been opened, and wait for an engine that stands still, or for another request that does."""
    wait_for(lambda: opened(server) == number and server.is_at_rest(), f"{number} documents are opened")


def gone(server: Server) -> int:
    """How many callers were gone before their reply, as the log tells."""
    return sum(line.get("status") == 499 for line in server.log())


def pages_read(server: Server) -> float:
    return server.metric("ocr_page_seconds_count")


def stable(reply: httpx2.Response) -> dict[str, object]:
    changing = {"timing", "elapsed_sec", "timestamp", "request_id"}
    return {name: value for name, value in reply.json().items() if name not in changing}


def test_the_same_again_is_not_read_again(server: Server) -> None:
    data = samples.pdf(3, word="Again")
    first = post(server, data)
    read = pages_read(server)
    second = post(server, data)
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert stable(first) == stable(second)
    assert pages_read(server) == read
    assert first.json()["request_id"] != second.json()["request_id"]


def test_what_was_not_made_ready_is_not_what_was(server: Server) -> None:
    data = samples.pdf(1, word="Ready")
    found = [post(server, data, **fields) for fields in ({}, {"preprocess": "crop"}, {"preprocess": "crop"})]
    assert [reply.headers["x-cache"] for reply in found] == ["miss", "miss", "hit"]
    assert ["preprocessing" in reply.json()["pages"][0] for reply in found] == [False, True, True]
    assert stable(found[1]) == stable(found[2])


def test_paddlexs_wire_format_reads_from_the_cache_too(server: Server) -> None:
    body = {"file": base64.b64encode(samples.pdf(2, word="Layout")).decode(), "visualize": True, "logId": "mine"}
    first, second = (server.client.post("/layout-parsing", json=body) for _ in range(2))
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.json() == second.json()
    assert server.spooled() == []


def with_figure(word: str) -> bytes:
    """A page with a figure on it, which takes some 300 kB of the cache."""
    page = Image.new("RGB", (600, 700), "white")
    page.paste(samples.noise(300, 300), (150, 300))
    page.paste(makers.text_image(word), (20, 20))
    return makers.encode(page, "PNG")


def test_figures_and_every_format_come_from_the_cache_as_well(server: Server) -> None:
    data = with_figure("Figure below")
    zips = [post(server, data, headers={"Accept": "text/html"}) for _ in range(2)]
    assert [each.headers["x-cache"] for each in zips] == ["miss", "hit"]
    assert zips[0].text == zips[1].text
    assert "<img" in zips[0].text  # there is a figure on it
    assert post(server, data, formats="csv,md").headers["x-cache"] == "hit"  # forms are made anew


@pytest.mark.parametrize(
    "fields",
    [{"pages": "2"}, {"model_name": "tesseract", "lang": "eng"}],
    ids=["pages", "model"],
)
def test_what_asks_for_something_else_is_read(server: Server, fields: dict[str, str]) -> None:
    data = samples.pdf(2, word="Else")
    post(server, data)
    assert post(server, data, **fields).headers["x-cache"] == "miss"
    assert post(server, data, **fields).headers["x-cache"] == "hit"


def test_other_bytes_are_read(server: Server) -> None:
    assert post(server, samples.png("One")).headers["x-cache"] == "miss"
    assert post(server, samples.png("Two")).headers["x-cache"] == "miss"


def test_each_caller_has_a_cache_of_his_own(server: Server) -> None:
    data = samples.png("Secret 1")
    post(server, data)
    assert post(server, data, token=OTHER).headers["x-cache"] == "miss"
    assert post(server, data).headers["x-cache"] == "hit"


def test_a_caller_may_want_it_read_anew_or_not_stored(server: Server) -> None:
    data = samples.png("Anew")
    assert post(server, data, headers={"Cache-Control": "no-store"}).headers["x-cache"] == "miss"
    assert post(server, data).headers["x-cache"] == "miss"  # it was not
    assert post(server, data, headers={"Cache-Control": "no-cache"}).headers["x-cache"] == "miss"
    assert post(server, data).headers["x-cache"] == "hit"


def test_a_page_that_failed_is_tried_again(server: Server) -> None:
    data = makers.damaged_tiff(["white", "red"], damaged=1)
    first = post(server, data)
    assert first.json()["status"] == "partial"
    assert post(server, data).headers["x-cache"] == "miss"


def test_requests_at_the_same_time_share_one_reading(server: Server) -> None:
    data = samples.pdf(2, word="Shared")
    read, before = pages_read(server), opened(server)
    with server.engine_stopped():
        requests = [Later(lambda: post(server, data)) for _ in range(4)]
        wait_until_opened(server, before + 4)
        assert server.metric("ocr_queue_pages") == 5  # two pages, and three that have joined
    replies = [request.result() for request in requests]
    assert sorted(reply.headers["x-cache"] for reply in replies) == ["miss", "shared", "shared", "shared"]
    assert len({str(stable(reply)) for reply in replies}) == 1
    assert pages_read(server) == read + 2
    assert server.spooled() == []
    assert server.health()["queue_pages"] == 0


def test_who_came_first_may_leave_without_ending_it_for_the_others(server: Server) -> None:
    data = samples.pdf(2, word="Leaves")
    read, before, left = pages_read(server), opened(server), gone(server)
    with server.engine_stopped():
        with sent(server, data):
            wait_until_opened(server, before + 1)
            assert server.metric("ocr_queue_pages") == 2  # the first is in
            staying = Later(lambda: post(server, data))
            wait_until_opened(server, before + 2)
            assert server.metric("ocr_queue_pages") == 3  # the second has joined
        wait_for(lambda: gone(server) == left + 1, "the first has left")
    reply = staying.result()
    assert (reply.headers["x-cache"], reply.json()["status"]) == ("shared", "success")
    assert pages_read(server) == read + 2
    wait_for(lambda: server.health()["queue_pages"] == 0, "all places are given back")
    assert server.spooled() == []


def test_when_all_leave_it_ends(server: Server) -> None:
    data = samples.pdf(200, word="All")
    with sent(server, data):
        wait_for(lambda: server.health()["queue_pages"] > 1, "it is in work")
    wait_for(lambda: server.health()["queue_pages"] == 0, "all places are given back")
    wait_for(lambda: server.spooled() == [], "the spool is empty")


def test_who_leaves_a_batch_half_way_takes_everything_with_him(server: Server) -> None:
    named = [("file", (f"{number}.pdf", samples.pdf(1 + 7 * number, word=f"Half{number}"))) for number in range(4)]
    headers = {"Accept": "application/x-ndjson"}
    for _ in range(3):
        with server.new_client() as client, client.stream("POST", "/ocr/batch", files=named, headers=headers) as reply:
            next(reply.iter_lines())
    wait_for(lambda: server.health()["queue_pages"] == 0, "all places are given back")
    wait_for(lambda: server.spooled() == [], "the spool is empty")
    assert not [line for line in server.log() if line["level"] in {"error", "critical"}]


def test_it_never_takes_more_than_it_may(server: Server) -> None:
    documents = [with_figure(word) for word in ("One", "Two", "Three", "Four", "Five")]
    for data in documents:
        assert post(server, data).headers["x-cache"] == "miss"
    sizes = [path.stat().st_size for path in (server.folder / "data" / "cache").iterdir()]
    assert 2 <= len(sizes) < 5
    assert sum(sizes) <= 1 << 20
    assert post(server, documents[-1]).headers["x-cache"] == "hit"
    assert post(server, documents[0]).headers["x-cache"] == "miss"


def test_it_outlives_the_server_and_not_its_time(start: Start, tmp_path: Path) -> None:
    data = samples.png("Outlives")
    environment = {"CACHE_MB": "1", "DATA_DIR": str(tmp_path)}
    server = start(**environment).ready()
    post(server, data)
    server.stop()
    assert post(start(**environment, PRELOAD="none").live(), data).headers["x-cache"] == "hit"
    late = start(**environment, PRELOAD="none", RESULT_TTL_S="1").live()
    wait_for(lambda: not list(tmp_path.glob("cache/*")), "what is too old is removed")
    assert post(late, data).headers["x-cache"] == "miss"


def test_a_damaged_file_is_read_again(start: Start) -> None:
    server = start(CACHE_MB="1").ready()
    data = samples.png("Damaged")
    post(server, data)
    for path in server.folder.glob("data/cache/*"):
        path.write_bytes(path.read_bytes()[:40])
    assert post(server, data).headers["x-cache"] == "miss"
    assert post(server, data).headers["x-cache"] == "hit"


def test_it_can_be_switched_off(start: Start) -> None:
    server = start(CACHE_MB="0").ready()
    for _ in range(2):
        assert "x-cache" not in post(server, samples.png()).headers
    assert not (server.folder / "data" / "cache").exists()
