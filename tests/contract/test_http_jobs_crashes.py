"""Jobs through the server's end: killed at any moment, told to stop, or beside another server on the same folder."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract import jobs, samples
from tests.contract.running import PAGES_AT_ONCE, Server, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


def _kill(server: Server) -> None:
    """SIGKILL for the server's session, and for what it started in others."""
    for pid in [server.pid, *server.processes()]:
        try:
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        except ProcessLookupError:  # gone with the one before
            continue
    server.process.wait()
    wait_for(lambda: not server.processes(), "all processes end")


def _stored(folder: Path) -> int:
    with jobs.database(folder) as database:
        [count] = database.execute("SELECT count(*) FROM pages").fetchone()
    return int(count)


def _begun(server: Server) -> int:
    """How many pages were stored when this server took the job up."""
    line = wait_for(lambda: next((each for each in server.log() if each["event"] == "job runs"), None), "the job runs")
    return int(line["done"])


@pytest.mark.long
@pytest.mark.timeout(300)  # half a minute where nothing else runs
def test_a_long_job_through_three_kills_and_a_stop(start: Start, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    document, few = jobs.long_document()
    servers = [start(DATA_DIR=str(tmp_path), PDF_DPI="72", SHUTDOWN_GRACE_S="20").ready()]
    job = jobs.hand_in(servers[0].client, document)
    follower = jobs.Follower(job, lambda: servers[-1].url, seed)
    for share in range(1, 5):
        server = servers[-1]
        begun = _begun(server)
        until = moments.randrange(begun + 5, max(begun + 6, share * jobs.LONG // 5))
        wait_for(lambda until=until: _stored(tmp_path) >= until, f"{until} pages are stored", 110)
        counted = jobs.counted_pages(server)
        if share < 4:
            _kill(server)
        else:
            assert server.stop() == 0
            server.assert_nothing_left()
            with jobs.database(tmp_path) as database:
                assert database.execute("SELECT state, restarts FROM jobs").fetchall() == [("queued", 0)]
        # what it has read was stored, but for the pages that were in work, and those that wait in the line
        assert begun + counted - _stored(tmp_path) <= 2 + PAGES_AT_ONCE
        servers.append(start(DATA_DIR=str(tmp_path), PDF_DPI="72").live())

    last = servers[-1].ready()
    found = jobs.ended(last.client, job)
    assert (found["total_pages"], found["processed_pages"], found["failed_pages"]) == (jobs.LONG, jobs.LONG, 0)
    assert jobs.counted_pages(last) == jobs.LONG - _begun(last)
    reply = jobs.result(last.client, job)
    short = last.ocr(few, "0.pdf").json()
    expected = [jobs.as_of(short["pages"], number) for number in range(1, jobs.LONG + 1)]
    assert [jobs.timeless(page) for page in reply["pages"]] == expected
    assert set(reply) == set(short)
    assert (reply["status"], reply["total_pages"], reply["processed_pages"]) == ("success", jobs.LONG, jobs.LONG)
    assert reply["text"] == "\n\f".join(page["text"] for page in expected)
    assert reply["confidence_per_page"] == [page["confidence"] for page in expected]
    assert reply["confidence"] == min(reply["confidence_per_page"])
    assert [page["page_number"] for page in reply["timing"]["pages"]] == list(range(1, jobs.LONG + 1))
    jobs.assert_complete(follower.ended(), list(range(1, jobs.LONG + 1)))
    assert follower.connections > 10
    assert not (tmp_path / "jobs" / job["id"]).exists()
    assert [line for server in servers for line in server.log() if line["level"] in {"error", "critical"}] == []


@pytest.mark.timeout(300)
def test_two_servers_on_one_folder(start: Start, tmp_path: Path) -> None:
    """One runs the jobs of both. The other takes over when it ends, also by a page that ends every server.

    Of the five ends that such a page takes, four are written into the jobs' file here.
    """
    pair = [start(DATA_DIR=str(tmp_path), PDF_DPI="72") for _ in range(2)]  # at the same time, on an empty folder
    for server in pair:
        server.ready()
    jobs_of_both = [jobs.hand_in(server.client, jobs.small_pages(jobs.LONG)) for server in pair]
    for job in jobs_of_both:
        jobs.under_way(pair[0].client, job)
    [runner] = [server for server in pair if any(line["event"] == "job runs" for line in server.log())]
    other = pair[1 - pair.index(runner)]
    with runner.engine_stopped():  # or else a slow caller might find them read
        for job in jobs_of_both:  # what one cancels, the other stops to read
            assert other.client.delete(job["links"]["self"]).json()["state"] == "cancelled"
    wait_for(lambda: not runner.is_busy(), "the engine is free")
    assert jobs.counted_pages(runner) < jobs.LONG
    assert jobs.counted_pages(other) == 0

    with runner.engine_stopped():  # the first page does not end before the server does
        document = samples.joined(samples.pdf(1, "Sheet " * 30, (1400, 1000)), jobs.small_pages(4))
        job = jobs.hand_in(runner.client, document)
        wait_for(lambda: _is_reading(tmp_path, job["id"]), "its pages are in work")
        assert 1 not in _numbers(tmp_path, job["id"])
        with jobs.database(tmp_path) as database:  # before the other one can look
            database.execute("UPDATE jobs SET restarts = 4 WHERE id = ?", (job["id"],))
        _kill(runner)
    found = jobs.ended(other.client, job)
    assert (found["processed_pages"], found["failed_pages"]) == (5, 1)
    pages = jobs.result(other.client, job)["pages"]
    assert [page["verdict"] for page in pages] == ["failed", "ok", "ok", "ok", "ok"]
    assert "ended 5 times" in pages[0]["error"]


def _is_reading(folder: Path, job_id: str) -> bool:
    with jobs.database(folder) as database:
        [(reading,)] = database.execute("SELECT reading FROM jobs WHERE id = ?", (job_id,)).fetchall()
    return bool(reading)


def _numbers(folder: Path, job_id: str) -> set[int]:
    with jobs.database(folder) as database:
        return {number for (number,) in database.execute("SELECT number FROM pages WHERE job = ?", (job_id,))}
