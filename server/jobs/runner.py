"""Runs the jobs: whose turn it is, what happens to one that ends, and how the server's end is survived."""

import asyncio
import fcntl
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO

import structlog

from server.errors import InternalError, NotFound, OcrError, Unavailable
from server.jobs import turns
from server.jobs.job import Job, JobState, Trouble
from server.jobs.run import JobRun, Parts, is_temporary
from server.jobs.store import Waiting

_LOOK_AGAIN_S = 1.0  # for a job that was put off, or for another server that still has the folder
_OTHERS_S = 5.0  # until a job is seen that another server on the same folder has taken in
_ASIDE_S = 2.0
_AFTER_A_MISTAKE_S = 10.0

log = structlog.get_logger("server.jobs")

Finish = Callable[[Job, Trouble | None, float], Awaitable[None]]
"""Ends a job whose documents are over, after so many seconds; the trouble is that of all of them, if they share one.

It is called again after it has raised Unavailable.
"""


class JobRunner:
    """Runs jobs beside each other, in turn."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._wake = asyncio.Event()
        self._runs: dict[str, JobRun] = {}
        self._turns: dict[str, Waiting] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._put_off: dict[str, tuple[float, str]] = {}  # until when (of `time.monotonic`), and why
        self._stray: set[str] = set()  # jobs said to be running whose work ended by a mistake of ours
        self._working: asyncio.Task[None] | None = None
        self._lock: IO[bytes] | None = None
        self._draining = False
        self.took_over = asyncio.Event()
        """This server is the one that runs the jobs."""

    def start(self, finish: Finish) -> None:
        """Begin; jobs that the last server left are taken up first."""
        self._finish = finish
        self._working = asyncio.create_task(self._work())

    def wake(self) -> None:
        """There is a new job."""
        self._wake.set()

    def run_of(self, job_id: str) -> JobRun | None:
        """The job at work; None while it is not."""
        return self._runs.get(job_id)

    def put_off_because(self, job_id: str) -> str | None:
        """Why a queued job does not run although it could have its turn."""
        return self._put_off.get(job_id, (0.0, None))[1]

    async def cancel(self, job_id: str) -> None:
        """End its work at once: pages that wait are dropped, one that an engine has begun is the last."""
        if task := self._tasks.get(job_id):
            task.cancel()
            await asyncio.wait([task])

    async def drain(self, grace_s: float) -> None:
        """Begin no more pages, and wait `grace_s` seconds for those in work."""
        self._draining = True
        for run in self._runs.values():
            run.stop = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=grace_s)

    async def close(self) -> None:
        """End all work; what is unfinished is queued again."""
        tasks = [*self._tasks.values(), *([self._working] if self._working else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._lock:
            try:
                await asyncio.to_thread(self._parts.store.recover, after_a_crash=False)
            except Exception:  # the next start finds them running, and knows what that means
                log.exception("jobs could not be put back")
            self._lock.close()

    async def _work(self) -> None:
        while not await self._without_fail(partial(asyncio.to_thread, self._takes_over)):  # noqa: ASYNC110 not ours to tell
            await asyncio.sleep(_LOOK_AGAIN_S)
        self.took_over.set()
        while True:
            self._wake.clear()
            done = await self._without_fail(self._begin_jobs)
            try:
                async with asyncio.timeout(_LOOK_AGAIN_S if self._put_off or not done else _OTHERS_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _without_fail(self, step: Callable[[], Awaitable[bool]]) -> bool:
        """What the step returns; False when it could not be done. Nothing that happens to it ends the jobs' loop."""
        try:
            return await step()
        except Unavailable as error:
            log.warning("jobs wait", reason=error.detail)
        except Exception:
            log.exception("jobs wait: a mistake, or a damaged file")
            await asyncio.sleep(_AFTER_A_MISTAKE_S)
        return False

    def _takes_over(self) -> bool:
        """Whether this server runs the jobs now: of those that share a folder, one does."""
        if self._lock is None:
            lock = (self._parts.folder / ".lock").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                return False
            self._lock = lock
        if again := self._parts.store.recover(after_a_crash=True):
            log.warning("jobs go on after the server's end", jobs=again)
        return True

    async def _begin_jobs(self) -> bool:
        if self._draining:
            return True
        for job_id in tuple(self._stray):
            await asyncio.to_thread(self._parts.store.move, job_id, JobState.QUEUED)
            self._stray.discard(job_id)
        queued = await asyncio.to_thread(self._parts.store.waiting)
        now = time.monotonic()
        for job_id in self._put_off.keys() - {each.id for each in queued} - self._tasks.keys():
            del self._put_off[job_id]
        ready = {each.id: each for each in queued if self._put_off.get(each.id, (0.0, ""))[0] <= now}
        while turn := turns.choose(
            [each for each in ready.values() if each.id not in self._tasks], self._turns.values()
        ):
            del ready[turn.id]
            self._turns[turn.id] = turn
            self._tasks[turn.id] = task = asyncio.create_task(self._run(turn))
            task.add_done_callback(partial(self._ended, turn.id))
        return True

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        for each in (self._runs, self._turns, self._tasks):
            each.pop(job_id, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("a job's work ended by a mistake", job=job_id, exc_info=error)
            self._stray.add(job_id)
            self._put_off[job_id] = (
                time.monotonic() + _AFTER_A_MISTAKE_S,
                "The server failed; its log has the details.",
            )
        self._parts.changes.tell(job_id)
        self._wake.set()

    async def _run(self, turn: Waiting) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=turn.id)
        try:
            job = await asyncio.to_thread(self._parts.store.move, turn.id, JobState.RUNNING)
        except Unavailable as error:
            self._put_off[turn.id] = (time.monotonic() + _LOOK_AGAIN_S, error.detail)
            return
        if job is None:  # cancelled meanwhile
            return
        self._put_off.pop(job.id, None)
        self._runs[job.id] = run = JobRun(self._parts, job, turns.urgency(turn))
        run.stop = self._draining
        self._parts.changes.tell(job.id)
        with self._traced(job):
            log.info("job runs", model=job.model, pages=job.total_pages, done=job.processed_pages)
            with suppress(NotFound):  # another server on the same folder has cancelled and deleted it
                await self._read(run)

    @contextmanager
    def _traced(self, job: Job) -> Iterator[None]:
        """A trace of this run of the job, from here to its end, whatever that is."""
        span = self._parts.tracing.begin("job")
        span.note(request_id=job.id, model=job.model)
        if span.trace_id:
            structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
        try:
            with span.inside():
                yield
        except BaseException as error:
            span.end(error)
            raise
        span.end()

    async def _read(self, run: JobRun) -> None:
        try:
            if await run.read():
                await self._end(run, None)
            else:
                why = "The server is shutting down." if self._draining else "Another model has its turn."
                await self._put_back(run, why, _ASIDE_S)
        except OcrError as error:
            if is_temporary(error):
                log.info("job put off", reason=error.detail)
                await self._put_back(run, error.detail, error.retry_after or 0)
            else:
                await self._end(run, Trouble.of(error))
        except Exception:
            log.exception("a job failed unexpectedly")
            await self._end(run, Trouble.of(InternalError("The server failed on this job; its log has the details.")))

    async def _put_back(self, run: JobRun, why: str, seconds: float) -> None:
        self._put_off[run.job.id] = (time.monotonic() + seconds, why)
        move = partial(self._parts.store.move, run.job.id, JobState.QUEUED, seconds=run.seconds)
        await run.surely(partial(asyncio.to_thread, move))

    async def _end(self, run: JobRun, trouble: Trouble | None) -> None:
        async def finish() -> None:
            job = await asyncio.to_thread(self._parts.store.job, run.job.id)
            await self._finish(job, trouble, run.seconds)

        await run.surely(finish)
        if not run.job.keeps_document:  # what was sent is not needed any more
            await asyncio.to_thread(shutil.rmtree, self._parts.folder / run.job.id, ignore_errors=True)
        log.info("job ended", error=trouble.code if trouble else None, seconds=round(run.seconds, 2))
