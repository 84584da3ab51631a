"""One job at work: from the pages it has to the pages it should have."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.call import Sent, spooled
from server.documents import Page, Verdict
from server.errors import EngineFailed, OcrError, Unavailable
from server.jobs.changes import Changes
from server.jobs.job import Job, JobFile, Trouble
from server.jobs.page_store import PageStore
from server.jobs.store import JobStore
from server.page_task import Urgency
from server.pages import PagePool, Reader
from server.pipeline import Pipeline
from server.recognition import Plan, Recognition
from server.spool import Spool, room
from server.tracing import Tracing

_MOST_RESTARTS = 5  # of the server, without a page of the job read between them
_ROOM_AGAIN_S = 1.0
_TURN_S = 60.0  # the least time that a job has before it stands aside for another model, which takes time to load

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """What every job is read with; the documents of a job lie in `folder` / its id."""

    store: JobStore
    pages: PageStore
    changes: Changes
    recognition: Recognition
    pipeline: Pipeline
    tracing: Tracing
    pool: PagePool
    spool: Spool
    folder: Path


class JobRun:
    """A job while it runs. Every page is stored as it comes; what is stored is not read again."""

    def __init__(self, parts: Parts, job: Job, urgency: Urgency) -> None:
        self.job = job
        self.urgency = urgency
        self.stop = False
        """No further page is begun."""
        self.waiting_for: str | None = None
        """What keeps it from going on, in a sentence."""
        self.pages_read = 0
        self._began = time.monotonic()
        self._parts = parts

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    async def read(self) -> bool:
        """Read what is missing. False when it was stopped, or stands aside for another model, before that.

        A document among several of which nothing can be read is told to the store. Raises OcrError for the only document,
        and where another time would fare better (`is_temporary`).
        """
        plan = self._parts.recognition.plan(self.job.fields)
        for file in self.job.files:
            if file.error is not None:
                continue
            try:
                errors: dict[int, OcrError] = {}
                if not file.is_over and not await self._read_file(file, plan, errors):
                    return False
                await self._raise_if_all_failed(file, errors)
            except OcrError as error:
                if is_temporary(error) or len(self.job.files) == 1:
                    raise
                await self._give_up(file, error)
        return True

    async def surely(self, change: Callable[[], Awaitable[T]]) -> T:
        """What a change in the store returns, as soon as there is room for it; until then the job says what it waits for."""
        while True:
            try:
                made = await change()
            except Unavailable as error:
                if not is_temporary(error):
                    raise
                self._wait_for(error.detail)
                await asyncio.sleep(_ROOM_AGAIN_S)
            else:
                self._wait_for(None)
                return made

    async def _read_file(self, file: JobFile, plan: Plan, errors: dict[int, OcrError]) -> bool:
        """Whether each page has a result now; those of pages that failed in this run go to `errors`, by page number."""
        parts, folder = self._parts, self._parts.folder / self.job.id
        with room(), parts.spool.request() as scratch:
            async with parts.pool.reader(scratch) as reader:
                document = await self._brought(file, folder)
                opened, numbers = await parts.recognition.open(reader, document, plan)
                await asyncio.to_thread(
                    parts.store.opened,
                    *(self.job.id, file.index, opened.file_type, opened.media_type, opened.total_pages, len(numbers)),
                )
                parts.changes.tell(self.job.id)
                there = await asyncio.to_thread(parts.pages.numbers, self.job.id, file.index)
                missing = [number for number in numbers if number not in there]
                keep = partial(self._keep, file.index, numbers)
                if missing and self.job.restarts >= _MOST_RESTARTS:
                    await keep(_deadly(missing.pop(0)))
                if missing:
                    errors |= await self._read_pages(reader, missing, plan, keep)
                there = await asyncio.to_thread(parts.pages.numbers, self.job.id, file.index)
        return len(there) == len(numbers)

    async def _read_pages(
        self, reader: Reader, numbers: Sequence[int], plan: Plan, keep: Callable[[Page], Awaitable[None]]
    ) -> dict[int, OcrError]:
        errors: dict[int, OcrError] = {}
        pipeline = self._parts.pipeline
        async with pipeline.loaded(plan.host):  # a server that ends while a model loads says nothing about a page
            await asyncio.to_thread(self._parts.store.reads, self.job.id)
            # a page that may have ended the server goes by itself, so that no other one takes the blame
            first = 1 if self.job.restarts else 0
            for some in filter(None, (numbers[:first], numbers[first:])):
                errors |= await pipeline.read(
                    reader,
                    some,
                    plan.host,
                    plan.model_options,
                    self.job.id,
                    on_page=keep,
                    urgency=self.urgency,
                    wanted=lambda: not self.stop and (self.seconds < _TURN_S or not plan.host.is_in_the_way),
                )
        return errors

    async def _brought(self, file: JobFile, folder: Path) -> Path:
        """The document; one that has to be fetched is there as a whole, or not at all."""
        target = spooled(folder, file.index)
        if file.url is None or target.exists():
            return target
        folder.mkdir(exist_ok=True)
        half = target.with_suffix(".part")
        try:
            await self._parts.recognition.bring(Sent("url", url=file.url), half)
            half.rename(target)
        finally:
            half.unlink(missing_ok=True)
        size = sum(each.stat().st_size for each in folder.iterdir())
        await asyncio.to_thread(self._parts.store.fetched, self.job.id, size)
        return target

    async def _keep(self, position: int, numbers: Sequence[int], page: Page) -> None:
        # the page is read: it waits until there is room for it
        add = partial(self._parts.pages.add, self.job.id, position, page, numbers)
        new = await self.surely(partial(asyncio.to_thread, add))
        for path in (page.images or {}).values():
            path.unlink(missing_ok=True)
        if new:
            self.pages_read += 1
            self._parts.changes.tell(self.job.id)
        else:  # another server on the same folder has ended the job
            self.stop = True

    async def _raise_if_all_failed(self, file: JobFile, errors: dict[int, OcrError]) -> None:
        """Raises why the first page failed, where every one did, whichever server has tried them."""
        parts = self._parts
        job = await asyncio.to_thread(parts.store.job, self.job.id)
        if job.files[file.index].failed < (job.files[file.index].chosen or 1):
            return
        first, *_ = await asyncio.to_thread(parts.pages.pages, self.job.id, file.index, None)
        if error := errors.get(first.number):
            raise type(error)(error.detail)  # not to be tried again: the page has been, twice
        raise EngineFailed(first.error or "No page could be read.")

    def _wait_for(self, what: str | None) -> None:
        if what != self.waiting_for:
            self.waiting_for = what
            self._parts.changes.tell(self.job.id)

    async def _give_up(self, file: JobFile, error: OcrError) -> None:
        await asyncio.to_thread(self._parts.store.file_failed, self.job.id, file.index, Trouble.of(error))
        self._parts.changes.tell(self.job.id)


def is_temporary(error: OcrError) -> bool:
    """Whether the same may succeed later."""
    return error.retry_after is not None


def _deadly(number: int) -> Page:
    error = EngineFailed(f"The server ended {_MOST_RESTARTS} times while this page was in work.")
    return Page(number, 0, 0, verdict=Verdict.FAILED, error=error.detail)
