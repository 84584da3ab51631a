"""Room for jobs: a disk that is full in the middle of it, the limit for all jobs, and their time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.documents import FileType
from server.jobs.database import Database
from server.jobs.job import JobFile, JobState
from server.jobs.store import JobStore
from tests.contract import jobs, samples
from tests.contract.disks import Disk
from tests.contract.running import ROOT, TOKEN, Server, assert_problem, free_port, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


@pytest.fixture(scope="module")
def small() -> Iterator[tuple[Server, Disk, Disk]]:
    """A server with its own disks, for its data and for its spool."""
    with ExitStack() as stack:
        data, spool = stack.enter_context(Disk(10)), stack.enter_context(Disk(3))
        variables = {"PDF_DPI": "72", "CACHE_MB": "0"}
        server = stack.enter_context(Server(tmp=spool.folder, DATA_DIR=str(data.folder), **variables))
        yield server.ready(), data, spool


def _waits(client: httpx2.Client, job: dict[str, Any], disk: Disk) -> dict[str, Any]:
    """The job when it says what it waits for; what room it leaves on the disk is taken."""

    def look() -> dict[str, Any] | None:
        disk.fill()
        found = jobs.job_of(client, job)
        assert found["state"] not in jobs.FINISHED, found
        return found if found["waiting_for"] else None

    return wait_for(look, "it waits")


def _assert_sound(folder: Path) -> None:
    with jobs.database(folder) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = database.execute("SELECT sum(processed), (SELECT count(*) FROM pages) FROM files").fetchone()
        assert counts[0] == counts[1]


def test_a_disk_that_is_full_in_the_middle(small: tuple[Server, Disk, Disk]) -> None:
    server, data, _ = small
    client = server.client
    before, document = jobs.counted_pages(server), jobs.small_pages(40)
    job = jobs.hand_in(client, document)
    with jobs.held(server, job, 4):
        data.fill()
    found = _waits(client, job, data)
    assert (found["state"], "no room" in found["waiting_for"]) == ("running", True)
    with jobs.database(data.folder) as database:
        assert database.execute("SELECT sum(processed) FROM files").fetchone() == (found["processed_pages"],)
    assert server.ocr(jobs.small_pages(1)).status_code == 200  # it needs no room there
    partial = jobs.result(client, job)
    assert (partial["status"], len(partial["pages"])) == ("partial", found["processed_pages"])
    folders = set((data.folder / "jobs").iterdir())
    problem = assert_problem(jobs.post(client, document), 503, "out_of_space")
    assert problem["retry_after"] >= 1
    assert set((data.folder / "jobs").iterdir()) == folders
    _assert_sound(data.folder)
    assert jobs.job_of(client, job)["processed_pages"] == found["processed_pages"] < 40

    data.empty()
    jobs.ended(client, job)
    _assert_sound(data.folder)
    assert jobs.counted_pages(server) - before == 40 + 1  # no page was read twice
    pages = [jobs.timeless(page) for page in jobs.result(client, job)["pages"]]
    assert pages == [jobs.timeless(page) for page in server.ocr(document).json()["pages"]]


def test_a_job_that_waits_for_room_can_be_given_up(small: tuple[Server, Disk, Disk]) -> None:
    server, data, _ = small
    finished, running = (jobs.hand_in(server.client, jobs.small_pages(pages)) for pages in (1, 60))
    jobs.ended(server.client, finished)
    with jobs.held(server, running):
        data.fill(but=400_000)  # what is kept for this
    wait_for(lambda: jobs.job_of(server.client, running)["waiting_for"], "it waits")
    ended = server.client.delete(running["links"]["self"])
    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert server.client.delete(finished["links"]["self"]).status_code == 204
    data.empty()


def test_a_spool_that_is_full_fails_no_page(small: tuple[Server, Disk, Disk]) -> None:
    server, data, spool = small
    # each page that is read makes room for the next one, but for the last: it takes more than all that lie there
    document = samples.joined(samples.pdf(20), samples.pdf(1, size=(800, 800)))
    job = jobs.hand_in(server.client, document)
    with jobs.held(server, job, 3):
        spool.fill()
    found = _waits(server.client, job, spool)
    assert (found["state"], "no room" in found["waiting_for"]) == ("queued", True)
    spool.empty()
    found = jobs.ended(server.client, job)
    assert (found["processed_pages"], found["failed_pages"]) == (21, 0)
    assert {page["verdict"] for page in jobs.result(server.client, job)["pages"]} == {"ok"}
    _assert_sound(data.folder)


def test_an_upload_larger_than_the_disk_leaves_nothing(small: tuple[Server, Disk, Disk]) -> None:
    server, data, _ = small
    folders = set((data.folder / "jobs").iterdir())
    assert_problem(jobs.post(server.client, b"%PDF-" + bytes(12_000_000)), 503, "out_of_space")
    assert set((data.folder / "jobs").iterdir()) <= folders  # what an earlier job was sent may go meanwhile
    jobs.ended(server.client, jobs.hand_in(server.client, jobs.small_pages(1)))


@pytest.mark.parametrize("is_new", [True, False])
def test_a_disk_that_is_full_at_the_start_is_named(is_new: bool) -> None:
    with Disk(3) as disk:
        if not is_new:
            (disk.folder / "jobs").mkdir()
            Database(disk.folder / "jobs" / "jobs.sqlite3").close()
        disk.fill()
        environment = {"PATH": os.environ["PATH"], "API_TOKENS": TOKEN, "DATA_DIR": str(disk.folder)}
        environment |= {"PORT": str(free_port())}
        ended = subprocess.run(
            [sys.executable, "-m", "server"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 2
        [line] = ended.stderr.splitlines()
        assert line.startswith("offline-ocr: DATA_DIR: ")
        assert "no room" in line


# --- the limit for all jobs


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    """Jobs may take 1 MiB."""
    with Server(PDF_DPI="72", JOBS_MAX_MB="1") as running:
        yield running.ready()


def _padded(pages: int, size: int) -> bytes:
    return jobs.small_pages(pages) + b"%" * size


def _weigh(server: Server, size: int, *done: dict[str, Any]) -> None:
    """Have finished jobs take so many bytes."""
    with jobs.database(server.folder / "data") as database:
        for job in done:
            database.execute("UPDATE jobs SET size = ? WHERE id = ?", (size, job["id"]))


def test_the_oldest_finished_jobs_make_room(narrow: Server) -> None:
    client = narrow.client
    done = [jobs.ended(client, jobs.hand_in(client, jobs.small_pages(1), key=f"k{number}")) for number in range(3)]
    _weigh(narrow, 280_000, *done)
    with narrow.engine_stopped():
        long = jobs.hand_in(client, _padded(100, 380_000))
        assert client.get(done[0]["links"]["self"]).status_code == 404
        assert [client.get(job["links"]["self"]).status_code for job in done[1:]] == [200, 200]

        # where all that is finished would not be enough, nothing is given up for it
        problem = assert_problem(jobs.post(client, _padded(1, 700_000)), 429, "queue_full")
        assert problem["retry_after"] >= 1
        assert [client.get(job["links"]["self"]).status_code for job in done[1:]] == [200, 200]
        assert_problem(jobs.post(client, _padded(1, 1_100_000)), 413, "upload_too_large")
        assert [client.get(job["links"]["self"]).status_code for job in done[1:]] == [200, 200]
        client.delete(long["links"]["self"])


def test_what_is_there_already_needs_no_room(narrow: Server) -> None:
    client, document = narrow.client, _padded(1, 500_000)
    job = jobs.ended(client, jobs.hand_in(client, document, key="once"))
    _weigh(narrow, 900_000, job)
    assert jobs.hand_in(client, document, key="once")["id"] == job["id"]
    assert client.get(job["links"]["result"]).status_code == 200
    _weigh(narrow, 0, job)


def test_an_upload_counts_until_the_end_only(narrow: Server) -> None:
    client = narrow.client
    for _ in range(4):
        jobs.ended(client, jobs.hand_in(client, _padded(1, 700_000)))
    found = client.get("/jobs", params={"limit": "4"}).json()["jobs"]
    assert len(found) == 4  # none had to go


# --- their time


def test_what_is_over_is_cleared_away(start: Start, tmp_path: Path) -> None:
    """At the start, and then every half a minute."""
    folder = tmp_path / "jobs"
    folder.mkdir()
    database = Database(folder / "jobs.sqlite3")
    store = JobStore(database)
    for name in ("old", "fresh", "open"):
        (folder / name).mkdir()
        (folder / name / "document-0").write_bytes(jobs.small_pages(1))
        file = JobFile(0, "multipart", "x.pdf", None, FileType.PDF, 1, 1)
        store.create(
            *(name, "platform", "pp-ocr", {}, [file]),
            **{"size": 1, "fingerprint": "", "idempotency_key": None, "webhook_url": None, "most_bytes": 1 << 30},
        )
    for name in ("old", "fresh"):
        store.move(name, JobState.RUNNING)
        store.move(name, JobState.DONE)
    with database.write() as db:
        db.execute("UPDATE jobs SET created = created - 1000")
        db.execute("UPDATE jobs SET finished = finished - 1000 WHERE id = 'old'")
    database.close()
    for name, age_s in (("orphan", 7200), ("arriving", 60)):
        (folder / name).mkdir()
        os.utime(folder / name, (time.time() - age_s,) * 2)

    server = start(AUTH_MODE="platform", DATA_DIR=str(tmp_path), RESULT_TTL_S="500", PDF_DPI="72").live()
    wait_for(lambda: server.client.get("/jobs/old").status_code == 404, "the expired job is gone")
    # of the finished ones, what was sent; a server that is killed at the wrong moment leaves it
    wait_for(
        lambda: not {"old", "fresh", "orphan"} & {path.name for path in folder.iterdir()}, "their folders are gone"
    )
    assert (folder / "arriving").exists()
    assert server.client.get("/jobs/fresh").json()["state"] == "done"
    assert jobs.ended(server.client, {"links": {"self": "/jobs/open"}})["processed_pages"] == 1
