"""What is done for finished jobs: each attempt is made once, whatever the disk says, and the loop goes on."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.jobs import database as database_module
from server.jobs import errands as errands_module
from server.jobs.changes import Changes
from server.jobs.database import Database
from server.jobs.errand_store import ErrandStore
from server.jobs.errands import Attempt, Errands
from server.jobs.job import Job, JobState
from server.jobs.store import JobStore
from tests.unit.fakes import run, until
from tests.unit.job_parts import hand_in


class Desk:
    """The errands of one folder; every attempt is noted, and comes to what the test says."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "jobs.sqlite3"
        self.store = JobStore(database := Database(self.path))
        self.attempts: list[str] = []
        self.outcomes: list[Attempt | Exception] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.errands = Errands(ErrandStore(database), self.store, Changes(), {"webhook": self._attempt})
        may_begin = asyncio.Event()
        may_begin.set()
        self.errands.start(may_begin)

    def finish(self, job_id: str) -> None:
        """A finished job with a webhook."""
        hand_in(self.store, job_id)
        self.store.move(job_id, JobState.CANCELLED, errands=("webhook",))
        self.errands.wake()

    def state(self, job_id: str) -> tuple[str, int]:
        """Of its errand, and how many attempts are known of."""
        [errand] = self.store.job(job_id).errands
        return errand.state, errand.attempts

    async def _attempt(self, job: Job, before: int) -> Attempt:
        self.attempts.append(job.id)
        await self.may_end.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Attempt("delivered", None, {})
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands_module, "_ROOM_AGAIN_S", 0.02)


def test_an_attempt_that_cannot_be_recorded_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_BUSY_S", 0.01)

    async def case() -> None:
        desk = Desk(tmp_path)
        desk.may_end.clear()
        desk.finish("a")
        await until(lambda: desk.attempts)
        with closing(sqlite3.connect(desk.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            desk.may_end.set()
            await asyncio.sleep(0.3)
            other.execute("ROLLBACK")
        await until(lambda: desk.state("a") == ("delivered", 1))
        assert desk.attempts == ["a"]
        await desk.errands.close()

    run(case())


def test_a_file_that_is_out_of_reach_does_not_end_the_loop(tmp_path: Path) -> None:
    async def case() -> None:
        desk = Desk(tmp_path)
        with closing(sqlite3.connect(desk.path)) as other:
            other.execute("ALTER TABLE errands RENAME TO lost")
            desk.errands.wake()
            await asyncio.sleep(0.1)
            other.execute("ALTER TABLE lost RENAME TO errands")
        desk.finish("a")
        await until(lambda: desk.state("a") == ("delivered", 1))
        await desk.errands.close()

    run(case())


def test_a_mistake_is_told_and_the_next_one_is_done(tmp_path: Path) -> None:
    async def case() -> None:
        desk = Desk(tmp_path)
        desk.outcomes = [ZeroDivisionError()]
        desk.finish("a")
        await until(lambda: desk.state("a") == ("failed", 1))
        desk.outcomes = [Attempt("pending", 0.0, {"error": "later"})]
        desk.finish("b")
        await until(lambda: desk.state("b") == ("delivered", 2))
        assert desk.attempts == ["a", "b", "b"]
        await desk.errands.close()

    run(case())


def test_a_job_that_is_deleted_meanwhile_is_left_alone(tmp_path: Path) -> None:
    async def case() -> None:
        desk = Desk(tmp_path)
        desk.may_end.clear()
        desk.finish("a")
        await until(lambda: desk.attempts)
        desk.store.delete("a")
        desk.may_end.set()
        desk.finish("b")
        await until(lambda: desk.state("b") == ("delivered", 1))
        await desk.errands.close()

    run(case())
