"""Handing a job in: a job and its document, or neither, whenever the caller hangs up; the same again is the same."""

import asyncio
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.call import Call, Sent
from server.errors import IdempotencyConflict, NotFound, QueueFull, UploadTooLarge
from server.jobs.desk import Arrival, JobDesk
from server.jobs.job import Job, JobFile, JobState
from server.recognition import Plan
from tests.unit.fakes import ENTRY, run, settings_of, until
from tests.unit.job_parts import Shop
from tests.unit.test_pipeline import at_once

PLAN = cast("Plan", SimpleNamespace(host=SimpleNamespace(entry=ENTRY)))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobDesk:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = tmp_path / "jobs"
    folder.mkdir()
    shop = Shop(folder, at_once)
    shop.spool.close()
    nobody: Any = None
    return JobDesk(
        settings=settings_of({"AUTH_MODE": "platform", "JOBS_MAX_MB": "1"}),
        store=shop.store,
        runner=shop.runner,
        recognition=nobody,
        outcomes=nobody,
        changes=shop.changes,
        errands=nobody,
        keeper=nobody,
        spool=shop.spool,
        folder=folder,
    )


async def _hand_in(desk: JobDesk, content: bytes, key: str | None = None, **fields: object) -> Job:
    with desk.arrival() as arriving:
        return await _sent(desk, arriving, content, key, fields)


async def _sent(desk: JobDesk, arriving: Arrival, content: bytes, key: str | None, fields: dict[str, object]) -> Job:
    path = arriving.folder / "document-0"
    path.write_bytes(content)
    call = Call(fields, (Sent("multipart", "x.pdf", path),))
    return await desk.hand_in(arriving, "o", call, PLAN, [JobFile(0, "multipart", "x.pdf", None)], key, None)


def _folders(desk: JobDesk) -> set[str]:
    return {path.name for path in desk.folder.iterdir() if path.is_dir()}


@pytest.mark.parametrize("moment", range(25))
def test_whoever_hangs_up_leaves_a_job_or_nothing(desk: JobDesk, moment: int) -> None:
    async def case() -> None:
        handing_in = asyncio.create_task(_hand_in(desk, b"x" * 100_000))
        for _ in range(moment):
            await asyncio.sleep(0.0002)
        handing_in.cancel()
        with suppress(asyncio.CancelledError):
            await handing_in
        await asyncio.sleep(0.05)  # nothing comes after it
        jobs = desk.store.ids(finished=False)
        assert jobs == _folders(desk)
        assert all((desk.folder / job / "document-0").stat().st_size == 100_000 for job in jobs)
        assert not desk._arriving

    run(case())


def test_who_hangs_up_while_the_job_is_written_leaves_it(desk: JobDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    written = threading.Event()
    create = desk.store.create

    def told(*job: Any, **parts: Any) -> tuple[Job, bool]:
        written.set()
        return create(*job, **parts)

    monkeypatch.setattr(desk.store, "create", told)

    async def case() -> None:
        with closing(sqlite3.connect(desk.folder / "jobs.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            handing_in = asyncio.create_task(_hand_in(desk, b"x"))
            await until(written.is_set)  # it waits for the file
            handing_in.cancel()
            await asyncio.sleep(0.05)
            other.execute("ROLLBACK")
        with suppress(asyncio.CancelledError):
            await handing_in
        [job_id] = desk.store.ids(finished=False)
        assert _folders(desk) == {job_id}

    run(case())


def test_a_twin_leaves_no_document(desk: JobDesk) -> None:
    async def case() -> None:
        first = await _hand_in(desk, b"x", "k", pages="1")
        assert (await _hand_in(desk, b"x", "k", pages="1")).id == first.id
        for content, fields in ((b"y", {"pages": "1"}), (b"x", {}), (b"x", {"pages": "2"})):
            with pytest.raises(IdempotencyConflict):
                await _hand_in(desk, content, "k", **fields)
        assert _folders(desk) == {first.id}

    run(case())


@pytest.mark.parametrize("end", [JobState.DONE, JobState.CANCELLED])
def test_what_is_not_kept_is_not_shown_from_the_end_on(desk: JobDesk, end: JobState) -> None:
    """Its folder goes a moment after the caller hears of the end."""

    async def case() -> None:
        job = await _hand_in(desk, b"x")
        assert desk.store.move(job.id, JobState.RUNNING)
        assert desk.document(desk.store.job(job.id), job.files[0]).read_bytes() == b"x"
        assert desk.store.move(job.id, end)
        with pytest.raises(NotFound, match="keep_document"):
            desk.document(desk.store.job(job.id), job.files[0])
        assert _folders(desk) == {job.id}

    run(case())


def test_room_is_made_for_what_fits_and_for_nothing_else(desk: JobDesk) -> None:
    async def case() -> None:
        done = await _hand_in(desk, b"x" * 600_000, "k")
        desk.store.move(done.id, JobState.RUNNING)
        desk.store.move(done.id, JobState.DONE)
        with desk.store._database.write() as db:
            db.execute("UPDATE jobs SET size = 600000")
        assert (await _hand_in(desk, b"x" * 600_000, "k")).id == done.id  # which is there, and stays
        with pytest.raises(UploadTooLarge):
            await _hand_in(desk, b"x" * 1_100_000)
        assert desk.store.ids(finished=True) == {done.id}
        other = await _hand_in(desk, b"x" * 600_000)
        assert desk.store.ids(finished=True) == set()
        with pytest.raises(QueueFull):
            await _hand_in(desk, b"x" * 600_000)
        assert _folders(desk) == {other.id}

    run(case())
