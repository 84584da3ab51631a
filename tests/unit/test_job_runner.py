"""Running jobs: ended by whatever happens, put off, cancelled at any moment, gone on with after the server's end."""

import asyncio
import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from server.documents import Verdict
from server.errors import (
    DamagedFile,
    EngineCrashed,
    EngineFailed,
    ModelLoading,
    ModelUnavailable,
    OutOfSpace,
    Unavailable,
)
from server.jobs import database as database_module
from server.jobs import run as run_module
from server.jobs import runner as runner_module
from server.jobs.job import JobState
from tests.unit.fakes import run, until
from tests.unit.job_parts import Shop, hand_in
from tests.unit.test_pipeline import Step, at_once, failing

MakeShop = Callable[..., Shop]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeShop:
    """Makes servers on one folder, one after another; what they wait for comes soon."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for module, name in (
        *((runner_module, "_LOOK_AGAIN_S"), (runner_module, "_AFTER_A_MISTAKE_S"), (runner_module, "_OTHERS_S")),
        (run_module, "_ROOM_AGAIN_S"),
    ):
        monkeypatch.setattr(module, name, 0.02)
    folder = tmp_path / "jobs"
    folder.mkdir()

    def make(step: Step = at_once, concurrency: int = 1) -> Shop:
        return Shop(folder, step, concurrency)

    return make


async def never(_: int) -> None:
    """A page that takes for ever."""
    await asyncio.Event().wait()


def test_a_job_is_read_to_its_end(shop: MakeShop) -> None:
    async def case() -> None:
        here = shop()
        here.start()
        here.send(pages=5)
        job = await here.ended()
        assert (job.state, job.processed_pages, job.failed_pages) == (JobState.DONE, 5, 0)
        await until(lambda: not (here.folder / "a").exists())
        await here.close()

    run(case())


# --- what goes wrong


def test_a_page_that_fails_is_kept_and_a_document_of_such_pages_fails(shop: MakeShop) -> None:
    async def case() -> None:
        here = shop(failing({2: EngineFailed("torn")}))
        here.start()
        here.send("a", pages=3)
        job = await here.ended("a")
        assert (job.state, job.failed_pages) == (JobState.DONE, 1)
        here.documents.host.step = failing(dict.fromkeys((1, 2), EngineFailed("torn")))
        here.send("b", pages=2)
        job = await here.ended("b")
        assert job.error
        assert (job.state, job.error.code, job.failed_pages) == (JobState.FAILED, "engine_failed", 2)
        await here.close()

    run(case())


def test_a_page_that_crashed_its_worker_twice_is_not_tried_for_ever(shop: MakeShop) -> None:
    """Its error says that a request might be sent again; a job's page has had its chances."""

    async def case() -> None:
        here = shop(failing({1: EngineCrashed("twice", retry_after=5)}))
        here.start()
        here.send(pages=1)
        job = await here.ended()
        assert job.error
        assert (job.state, job.error.code) == (JobState.FAILED, "engine_crashed")
        await here.close()

    run(case())


@pytest.mark.parametrize(
    "error",
    [
        ModelLoading("soon", retry_after=1),
        OutOfSpace("no room for page images", retry_after=1),
        Unavailable("no reader", retry_after=1),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_what_passes_only_puts_a_job_off(shop: MakeShop, error: Exception) -> None:
    async def case() -> None:
        here = shop()
        here.documents.trouble = [error]
        here.start()
        job = here.send()
        await until(lambda: here.runner.put_off_because("a"))
        assert (
            "soon no room for page images no reader There is no room for documents".find(
                (here.runner.put_off_because("a") or "")[:20]
            )
            >= 0
        )
        await until(lambda: here.state() is JobState.QUEUED)
        here.runner._put_off["a"] = (0.0, "")  # the time has passed
        assert (await here.ended()).state is JobState.DONE
        assert here.runner.put_off_because("a") is None
        assert job.created
        await here.close()

    run(case())


@pytest.mark.parametrize("error", [DamagedFile("torn"), ModelUnavailable("weights are missing"), ZeroDivisionError()])
def test_what_does_not_pass_ends_the_job_and_no_other(shop: MakeShop, error: Exception) -> None:
    async def case() -> None:
        here = shop()
        here.documents.trouble = [error]
        here.start()
        here.send("a")
        job = await here.ended("a")
        assert job.state is JobState.FAILED
        assert job.error
        assert job.error.code == getattr(error, "code", "internal_error")
        here.send("b")
        assert (await here.ended("b")).state is JobState.DONE
        await here.close()

    run(case())


def test_a_result_that_cannot_be_made_ends_the_job(shop: MakeShop) -> None:
    async def case() -> None:
        here = shop()
        here.finishing = [ZeroDivisionError()]
        here.start()
        here.send()
        job = await here.ended()
        assert job.error
        assert job.error.code == "internal_error"
        await here.close()

    run(case())


def test_a_job_whose_end_cannot_be_told_is_taken_up_again(shop: MakeShop) -> None:
    """It is not running for ever."""

    async def case() -> None:
        here = shop()
        here.finishing = [ZeroDivisionError(), ZeroDivisionError()]  # the second one is at telling the first
        here.start()
        here.send()
        assert (await here.ended()).state is JobState.DONE
        await here.close()

    run(case())


def test_a_full_disk_is_waited_for_with_the_page_in_hand(shop: MakeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        here = shop()
        here.start()

        async def fill(number: int) -> None:
            if number == 2:
                monkeypatch.setattr(database_module, "_KEPT_FREE_BYTES", 1 << 60)
                monkeypatch.setattr(database_module, "_KEPT_FREE_SHARE", 1)

        here.documents.host.step = fill
        here.send(pages=4)
        await until(lambda: here.runner.run_of("a") and here.runner.run_of("a").waiting_for)  # type: ignore[union-attr]
        assert here.runner.run_of("a").waiting_for == "There is no room for jobs on the server's disk."  # type: ignore[union-attr]
        assert here.state() is JobState.RUNNING
        assert here.store.job("a").processed_pages <= 1
        here.documents.host.step = at_once
        monkeypatch.setattr(database_module, "_KEPT_FREE_BYTES", 0)
        job = await here.ended()
        assert (job.state, job.processed_pages, job.failed_pages) == (JobState.DONE, 4, 0)
        assert here.documents.opened == 1  # and nothing was read twice
        await here.close()

    run(case())


def test_jobs_wait_while_their_file_is_out_of_reach(shop: MakeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_BUSY_S", 0.02)

    async def case() -> None:
        here = shop()
        here.start()
        await until(here.runner.took_over.is_set)
        here.send()
        with closing(sqlite3.connect(here.folder / "jobs.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            here.runner.wake()
            await asyncio.sleep(0.3)
            other.execute("ROLLBACK")
        assert (await here.ended()).state is JobState.DONE
        await here.close()

    run(case())


def test_a_damaged_file_does_not_end_the_loop(shop: MakeShop) -> None:
    async def case() -> None:
        here = shop()
        here.start()
        await until(here.runner.took_over.is_set)
        with here.database.write() as db:
            db.execute("ALTER TABLE jobs RENAME TO lost")
        here.runner.wake()
        await asyncio.sleep(0.2)
        with here.database.write() as db:
            db.execute("ALTER TABLE lost RENAME TO jobs")
        here.send()
        assert (await here.ended()).state is JobState.DONE
        await here.close()

    run(case())


# --- cancelled


@pytest.mark.parametrize("moment", [*range(0, 40, 3), *range(40, 200, 20)])
def test_cancelled_and_deleted_at_any_moment(shop: MakeShop, moment: int) -> None:
    """The job is gone, nothing works on it, and the next one runs."""

    async def case() -> None:
        here = shop()
        here.start()
        here.send("a", pages=20_000)
        for _ in range(moment):
            await asyncio.sleep(0.0005)
        moved = await asyncio.to_thread(here.store.move, "a", JobState.CANCELLED)
        await asyncio.gather(here.runner.cancel("a"), asyncio.to_thread(here.store.delete, "a"))
        assert moved
        assert here.runner.run_of("a") is None
        assert not list(here.spool.root.glob("tmp*"))
        here.send("b")
        assert (await here.ended("b")).state is JobState.DONE
        assert here.documents.host.documents == 0
        await here.close()

    run(case())


# --- the server's end


def test_a_server_that_stops_in_good_order_leaves_its_jobs_queued(shop: MakeShop) -> None:
    async def case() -> None:
        first = shop(never)
        first.start()
        first.send(pages=3)
        await until(lambda: first.runner.run_of("a"))
        await first.runner.drain(0.01)
        await first.close()
        second = shop()
        job = second.store.job("a")
        assert (job.state, job.restarts) == (JobState.QUEUED, 0)
        second.start()
        assert (await second.ended()).processed_pages == 3
        await second.close()

    run(case())


def test_a_drain_ends_with_the_page_in_work(shop: MakeShop) -> None:
    async def case() -> None:
        at_work, may_end = asyncio.Event(), asyncio.Event()

        async def step(_: int) -> None:
            at_work.set()
            await may_end.wait()

        here = shop(step)
        here.start()
        here.send(pages=30)
        await at_work.wait()
        draining = asyncio.create_task(here.runner.drain(5))
        await asyncio.sleep(0.01)
        may_end.set()
        await draining
        assert here.state() is JobState.QUEUED
        assert 1 <= here.store.job("a").processed_pages <= 3
        await here.close()

    run(case())


def test_a_page_that_ends_the_server_each_time_is_given_up(shop: MakeShop) -> None:
    """It alone, although others are in work beside it the first time."""
    pages = 4
    lives = 0

    async def life() -> bool:
        nonlocal lives
        lives += 1
        ending = asyncio.Event()

        async def step(number: int) -> None:
            if number == 2:
                ending.set()
                await never(number)
            await asyncio.sleep(0.002)

        here = shop(step, 3)
        here.start()
        if lives == 1:
            here.send(pages=pages)
        end = asyncio.create_task(here.ended())
        await asyncio.wait((end, asyncio.create_task(ending.wait())), return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            await here.close()
            return True
        here.crash()
        return False

    while not run(life()):
        assert lives < 10
    assert lives in {6, 7}  # the first page was in work beside it once, and is read first
    here = shop()
    here.spool.close()
    found = here.pages.pages("a", 0, None)
    assert [page.verdict for page in found] == [Verdict.OK, Verdict.FAILED, Verdict.OK, Verdict.OK]
    assert "ended 5 times" in (found[1].error or "")


def test_a_model_that_ends_the_server_while_it_loads_costs_no_page(shop: MakeShop) -> None:
    async def life(first: bool) -> None:
        here = shop()
        loading = asyncio.Event()

        async def load(_: float) -> None:
            loading.set()
            await never(0)

        here.documents.host.wait_loaded = load  # type: ignore[method-assign]
        here.start()
        if first:
            here.send(pages=2)
        await loading.wait()
        here.crash()

    for number in range(7):
        run(life(number == 0))

    async def last() -> None:
        here = shop()
        here.start()
        assert (await here.ended()).failed_pages == 0
        await here.close()

    run(last())


def test_of_two_servers_one_runs_the_jobs(shop: MakeShop) -> None:
    async def case() -> None:
        first, second = shop(), shop()
        first.start()
        await until(first.runner.took_over.is_set)
        second.start()
        second.send("a")  # the first one is not told, and finds it
        assert (await first.ended("a")).state is JobState.DONE
        assert second.documents.opened == 0
        assert first.runner._working
        first.runner._working.cancel()
        first.crash()
        second.send("b")
        assert (await second.ended("b")).state is JobState.DONE
        assert first.documents.opened == second.documents.opened == 1
        await second.close()

    run(case())


def test_a_document_that_has_to_be_fetched(shop: MakeShop) -> None:
    async def case() -> None:
        here = shop()
        here.documents.trouble = [OSError(errno.ENOSPC, "No space left on device")]
        here.start()
        hand_in(here.store, "a", None)
        here.runner.wake()
        await until(lambda: here.runner.put_off_because("a"))
        here.runner._put_off["a"] = (0.0, "")
        job = await here.ended()
        assert (job.state, job.files[0].total_pages, job.processed_pages) == (JobState.DONE, 3, 3)
        await here.close()

    run(case())
