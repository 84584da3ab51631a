"""The stream of a job's events, where a connection is not needed to see it: heart-beats, and streams that end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from server.admission import Admission
from server.jobs.job import Job, JobState
from server.jobs.view import JobView
from server.routes import event_stream
from server.schemas import JobReply
from server.services import Services
from tests.unit.fakes import run
from tests.unit.job_parts import Shop
from tests.unit.test_pipeline import at_once


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(event_stream, "_HEART_BEAT_S", 0.02)
    folder = tmp_path / "jobs"
    folder.mkdir()
    return Shop(folder, at_once)


def _stream(shop: Shop, admission: Admission) -> AsyncIterator[str]:
    view = JobView(shop.store, shop.runner, admission, 100)
    services = SimpleNamespace(jobs=shop, job_view=view, admission=admission)
    return event_stream.stream(cast("Services", services), "a", 0)


async def _until(stream: AsyncIterator[str], part: str) -> None:
    async for text in stream:
        if part in text:
            return
    raise AssertionError(f"the stream ended before {part!r}")


def test_it_beats_while_nothing_happens(shop: Shop) -> None:
    async def case() -> None:
        shop.send()  # nobody runs it
        stream = _stream(shop, Admission(1, 1))
        await _until(stream, "event: progress")
        assert [await anext(stream) for _ in range(3)] == [": still here\n\n"] * 3
        await asyncio.to_thread(shop.store.move, "a", JobState.CANCELLED)
        shop.changes.tell("a")
        await _until(stream, "cancelled")
        assert [text async for text in stream] == []
        await shop.close()

    run(case())


def test_the_end_is_the_last_thing_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the job ends between two looks at it."""
    show = JobView.show

    def ends_meanwhile(view: JobView, job: Job) -> JobReply:
        shop.store.move("a", JobState.CANCELLED)
        shop.changes.tell("a")
        return show(view, job)

    async def case() -> None:
        shop.send()
        monkeypatch.setattr(JobView, "show", ends_meanwhile)
        told = [text async for text in _stream(shop, Admission(1, 1))]
        assert "cancelled" in told[-1]
        assert [text for text in told if "cancelled" in text] == told[-1:]
        await shop.close()

    run(case())


def test_it_ends_with_the_server(shop: Shop) -> None:
    async def case() -> None:
        shop.send()
        admission = Admission(1, 1)
        stream = _stream(shop, admission)
        await _until(stream, "event: progress")
        await admission.drain(0)
        shop.changes.tell_all()
        assert [text for text in [text async for text in stream] if "still here" not in text] == []
        assert not shop.changes._watching
        await shop.close()

    run(case())


def test_it_ends_with_a_job_that_is_deleted(shop: Shop) -> None:
    async def case() -> None:
        shop.send()
        stream = _stream(shop, Admission(1, 1))
        await _until(stream, "event: progress")
        await asyncio.to_thread(shop.store.delete, "a")
        shop.changes.tell("a")
        assert [text for text in [text async for text in stream] if "still here" not in text] == []
        await shop.close()

    run(case())
