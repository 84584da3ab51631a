"""The parts that run jobs, with real files and a real pipeline, but without page pool, model and HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from server.admission import Admission
from server.call import Sent, spooled
from server.documents import FileType
from server.engines.base import PageInput
from server.errors import OcrError
from server.jobs.changes import Changes
from server.jobs.database import Database
from server.jobs.job import Job, JobFile, JobState, Trouble
from server.jobs.outcome import overall
from server.jobs.page_store import PageStore
from server.jobs.run import Parts
from server.jobs.runner import JobRunner
from server.jobs.store import JobStore
from server.metrics import Metrics
from server.model_host import ModelHost
from server.pages import Opened, PagePool
from server.pipeline import Pipeline
from server.recognition import Plan, Recognition
from server.schemas import OcrOptions
from server.spool import Spool
from server.stages import Stages
from server.tracing import Tracing
from tests.unit.fakes import until
from tests.unit.test_pipeline import FakeHost

MOST = 1 << 30


def hand_in(store: JobStore, job_id: str = "a", pages: int | None = 3, **changed: Any) -> Job:
    """A new job of one document; `pages` None is one whose document is at an address."""
    file = (
        JobFile(0, "url", None, "https://example.com/")
        if pages is None
        else JobFile(0, "multipart", "x.pdf", None, FileType.PDF, pages, pages)
    )
    given: dict[str, Any] = {
        **{"owner": "o", "model": "m", "fields": {}, "files": [file], "size": 10, "fingerprint": "f"},
        **{"idempotency_key": None, "webhook_url": None, "most_bytes": MOST},
        **changed,
    }
    job, _ = store.create(job_id, **given)
    return job


class _Reader:
    """As `server.pages.Reader`: each page is a file of its own in the spool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def render(self, number: int, name: str = "page") -> PageInput:
        """The page's file."""
        await asyncio.sleep(0)
        path = self._folder / f"page-{number:05}.ppm"
        path.write_bytes(b"P6 1 1 255\n\0\0\0")
        return PageInput(number, path, 640, 480)


class _Pool:
    @asynccontextmanager
    async def reader(self, folder: Path) -> AsyncIterator[_Reader]:
        """For one document."""
        yield _Reader(folder)


class Documents:
    """As `server.recognition.Recognition`: a document's bytes say how many pages it has."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.trouble: list[Exception] = []  # what opening or fetching the next documents comes to
        self.opened = 0

    def plan(self, fields: Mapping[str, Any]) -> Plan:
        """Everything with the one model."""
        return Plan(cast("ModelHost", self.host), OcrOptions(), {}, 72, ())

    async def bring(self, sent: Sent, target: Path) -> Path:
        """A fetched document."""
        if self.trouble:
            raise self.trouble.pop(0)
        target.write_bytes(b"3")
        return target

    async def open(self, reader: object, document: Path, plan: Plan) -> tuple[Opened, list[int]]:
        """All pages of it."""
        self.opened += 1
        if self.trouble:
            raise self.trouble.pop(0)
        pages = int(document.read_bytes())
        return Opened(FileType.PDF, "application/pdf", pages), list(range(1, pages + 1))


class Shop:
    """One server's jobs in a folder that others may have used before."""

    def __init__(self, folder: Path, step: Callable[[int], Awaitable[None]], concurrency: int = 1) -> None:
        self.folder = folder
        self.database = Database(folder / "jobs.sqlite3")
        self.store = JobStore(self.database)
        self.pages = PageStore(self.database)
        self.changes = Changes()
        self.documents = Documents(FakeHost(step, concurrency))
        self.spool = Spool()
        self.runner = JobRunner(
            Parts(
                store=self.store,
                pages=self.pages,
                changes=self.changes,
                recognition=cast("Recognition", self.documents),
                pipeline=Pipeline(Admission(1000, 1), Stages(Metrics("0", "r"), Tracing()), 5),
                tracing=Tracing(),
                pool=cast("PagePool", _Pool()),
                spool=self.spool,
                folder=folder,
            )
        )
        self.finishing: list[OcrError | Exception] = []  # what ending the next jobs comes to

    def start(self) -> None:
        """Begin to run jobs."""
        self.runner.start(self._finish)

    def send(self, job_id: str = "a", pages: int = 3, **changed: Any) -> Job:
        """A new job and its document."""
        (self.folder / job_id).mkdir()
        spooled(self.folder / job_id, 0).write_text(str(pages))
        job = hand_in(self.store, job_id, pages, **changed)
        self.runner.wake()
        return job

    def state(self, job_id: str = "a") -> JobState:
        """Of the job."""
        return self.store.job(job_id).state

    async def ended(self, job_id: str = "a") -> Job:
        """The job, when it is finished and nothing is at work on it."""
        await until(lambda: self.store.job(job_id).finished and not self.runner.run_of(job_id))
        return self.store.job(job_id)

    async def close(self) -> None:
        """In good order."""
        await self.runner.close()
        self.spool.close()
        self.database.close()

    def crash(self) -> None:
        """The process is gone: it holds no lock, and its tasks end with their event loop."""
        for lock in (self.runner._lock, self.spool._lock):
            assert lock is not None
            lock.close()

    async def _finish(self, job: Job, trouble: Trouble | None, seconds: float) -> None:
        if self.finishing:
            raise self.finishing.pop(0)
        trouble = trouble or overall(job)
        state = JobState.FAILED if trouble else JobState.DONE
        await asyncio.to_thread(self.store.move, job.id, state, error=trouble, seconds=seconds)
