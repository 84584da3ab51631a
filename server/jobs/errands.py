"""Does what is to be done for finished jobs, and tries again until it succeeds or is given up."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from server.errors import NotFound, Unavailable
from server.jobs.changes import Changes
from server.jobs.errand_store import ErrandStore
from server.jobs.job import Job
from server.jobs.store import JobStore

_AT_ONCE = 4
_ROOM_AGAIN_S = 2.0

log = structlog.get_logger("server.jobs")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to: `state` afterwards, when to try again (None: never), and what is told of it."""

    state: str
    again_in_s: float | None
    outcome: Mapping[str, Any]


Do = Callable[[Job, int], Awaitable[Attempt]]
"""One attempt for a job, after so many before it."""


class Errands:
    """The errands of all jobs. Several are done at once, none twice at the same time."""

    def __init__(self, errands: ErrandStore, jobs: JobStore, changes: Changes, kinds: Mapping[str, Do]) -> None:
        self._errands = errands
        self._jobs = jobs
        self._changes = changes
        self._kinds = kinds
        self._wake = asyncio.Event()
        self._doing: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._working: asyncio.Task[None] | None = None

    def start(self, may_begin: asyncio.Event) -> None:
        """Begin as soon as this server is the one that runs the jobs."""
        self._working = asyncio.create_task(self._work(may_begin))

    def wake(self) -> None:
        """There is a new errand."""
        self._wake.set()

    async def close(self) -> None:
        """End all of it; an attempt that is cut off does not count."""
        tasks = [*self._doing.values(), *([self._working] if self._working else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, may_begin: asyncio.Event) -> None:
        await may_begin.wait()
        while True:
            self._wake.clear()
            try:
                for key in await asyncio.to_thread(self._errands.due):
                    if key not in self._doing and len(self._doing) < _AT_ONCE:
                        self._doing[key] = task = asyncio.create_task(self._do(*key))
                        task.add_done_callback(partial(self._done, key))
                due = await asyncio.to_thread(self._errands.next_due)
            except Exception:  # the file of jobs is out of reach, or damaged: nothing of that ends the loop
                log.exception("errands wait")
                await asyncio.sleep(_ROOM_AGAIN_S)
                continue
            try:
                # one that is due already waits for one of those at work, which wakes this loop
                wait_s = None if due is None else max(due - time.time(), _ROOM_AGAIN_S)
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _done(self, key: tuple[str, str], _: asyncio.Task[None]) -> None:
        del self._doing[key]
        self._wake.set()

    async def _do(self, job_id: str, kind: str) -> None:
        try:
            job = await asyncio.to_thread(self._jobs.job, job_id)
            before = next(each.attempts for each in job.errands if each.kind == kind)
            attempt = await self._kinds[kind](job, before)
        except NotFound:  # deleted meanwhile
            return
        except Unavailable:
            await asyncio.sleep(_ROOM_AGAIN_S)
            return
        except Exception:
            log.exception("an errand failed unexpectedly", job=job_id, kind=kind)
            attempt = Attempt("failed", None, {"error": "The server failed at it; its log has the details."})
        log.info("errand", job=job_id, kind=kind, state=attempt.state, error=attempt.outcome.get("error"))
        await self._record(job_id, kind, attempt)
        self._changes.tell(job_id)

    async def _record(self, job_id: str, kind: str, attempt: Attempt) -> None:
        """What was done is done: until there is room to say so, it is not done again."""
        while True:
            try:
                await asyncio.to_thread(
                    self._errands.tried,
                    *(job_id, kind, attempt.state),
                    again_in_s=attempt.again_in_s,
                    outcome=attempt.outcome,
                )
            except Unavailable:
                await asyncio.sleep(_ROOM_AGAIN_S)
            else:
                return
