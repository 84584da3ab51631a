"""Where jobs are handed in, ended and cleared away."""

import asyncio
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from server.call import Call, spooled
from server.errors import NotFound, OcrError, OutOfSpace, UploadTooLarge
from server.finishing import Keeper
from server.jobs.changes import Changes
from server.jobs.errands import Errands
from server.jobs.job import FINISHED, Job, JobFile, JobState, Trouble
from server.jobs.outcome import Outcomes, overall
from server.jobs.runner import JobRunner
from server.jobs.store import JobStore, new_id
from server.lock import sha256
from server.pages import Reader
from server.recognition import Plan, Recognition
from server.schemas import OcrOptions
from server.settings import MIB, Settings
from server.spool import Spool, room

_ORPHANED_S = 3600.0  # an upload that no job has come of by then never will


@dataclass
class Arrival:
    """What is being sent: the name of the job to be made of it, and the folder that it lies in."""

    job_id: str
    folder: Path
    is_job: bool = False


@dataclass
class JobDesk:
    """The jobs of this server, as its callers see them."""

    settings: Settings
    store: JobStore
    runner: JobRunner
    recognition: Recognition
    outcomes: Outcomes
    changes: Changes
    errands: Errands
    keeper: Keeper
    spool: Spool
    folder: Path
    _arriving: set[str] = field(default_factory=set)

    @contextmanager
    def arrival(self) -> Iterator[Arrival]:
        """A place for what is sent, which goes again unless a job was made of it."""
        job_id = new_id()
        arriving = Arrival(job_id, self.folder / job_id)
        arriving.folder.mkdir()
        self._arriving.add(job_id)
        try:
            yield arriving
        finally:
            if not arriving.is_job:
                shutil.rmtree(arriving.folder, ignore_errors=True)
            self._arriving.discard(job_id)

    async def look_at(self, call: Call, plan: Plan, reader: Reader) -> list[JobFile]:
        """The call's documents, opened. Raises the only document's own error; of several, each keeps its own."""
        files = []
        for index, sent in enumerate(call.documents):
            file = JobFile(index, sent.input_type, sent.filename, sent.url)
            try:
                self.recognition.check(sent)
                if sent.path is not None:
                    opened, numbers = await self.recognition.open(reader, sent.path, plan)
                    file = JobFile(
                        *(index, sent.input_type, sent.filename, None),
                        *(opened.file_type, opened.total_pages, len(numbers)),
                        media_type=opened.media_type,
                    )
            except OcrError as error:
                if len(call.documents) == 1 or error.retry_after is not None:
                    raise
                file = JobFile(index, sent.input_type, sent.filename, sent.url, error=Trouble.of(error))
            files.append(file)
        return files

    async def hand_in(  # noqa: PLR0913 what a job is made of
        self,
        arriving: Arrival,
        owner: str,
        call: Call,
        plan: Plan,
        files: Sequence[JobFile],
        key: str | None,
        hook: str | None,
        *,
        keeps_document: bool = False,
    ) -> Job:
        """The new job, or the one that the same key and body made before.

        Raises IdempotencyConflict, UploadTooLarge, QueueFull, OutOfSpace.
        """
        making = asyncio.create_task(
            asyncio.to_thread(self._hand_in, arriving, owner, call, plan, files, key, hook, keeps_document)
        )
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:  # the thread goes on; until it is through, nobody knows whether there is a job
            await asyncio.gather(making, return_exceptions=True)
            raise
        finally:
            self.runner.wake()

    def _hand_in(  # noqa: PLR0913 as `hand_in`
        self,
        arriving: Arrival,
        owner: str,
        call: Call,
        plan: Plan,
        files: Sequence[JobFile],
        key: str | None,
        hook: str | None,
        keeps_document: bool,
    ) -> Job:
        fingerprint = _fingerprint(call, hook, keeps_document)
        if key and (known := self.store.by_key(owner, key, fingerprint)):
            return known  # before room is made, for which that very job might have to go
        size = sum(each.path.stat().st_size for each in call.documents if each.path)
        most = self.settings.jobs_max_mb * MIB
        if size > most:
            raise UploadTooLarge(
                f"The documents have more than the {self.settings.jobs_max_mb} MiB that jobs may take."
            )
        self.make_room(size)
        _sync(arriving.folder)
        job, arriving.is_job = self.store.create(
            *(arriving.job_id, owner, plan.host.entry.name, call.fields, files),
            size=size,
            fingerprint=fingerprint,
            idempotency_key=key,
            webhook_url=hook,
            most_bytes=most,
            keeps_document=keeps_document,
        )
        return job

    async def cancel(self, job: Job) -> None:
        """End an unfinished job; what has been read of it stays."""
        hook = ("webhook",) if job.webhook_url else ()
        run = self.runner.run_of(job.id)
        seconds = run.seconds if run else 0
        await asyncio.to_thread(self.store.move, job.id, JobState.CANCELLED, errands=hook, seconds=seconds)
        await self.runner.cancel(job.id)
        if not job.keeps_document:
            await asyncio.to_thread(shutil.rmtree, self.folder / job.id, ignore_errors=True)
        self._is_over(job)

    async def finish(self, job: Job, trouble: Trouble | None, seconds: float) -> None:
        """Everything of a job has been tried: its end, told to the store. Raises OutOfSpace, and ends nothing then."""
        trouble = trouble or overall(job)
        state = JobState.FAILED if trouble else JobState.DONE
        errands = ["webhook"] if job.webhook_url else []
        if state is JobState.DONE and OcrOptions.model_validate(job.fields).save:
            if job.local_files is None:
                with room(), self.spool.request() as scratch:
                    await asyncio.to_thread(self._save, job, scratch)
            errands += ["s3"] if self.keeper.s3.enabled else []
        await asyncio.to_thread(self.store.move, job.id, state, error=trouble, errands=errands, seconds=seconds)
        self._is_over(job)

    def _save(self, job: Job, folder: Path) -> None:
        files = self.outcomes.to_save(job, folder)
        filename = job.files[0].filename if len(job.files) == 1 else job.id
        try:
            local_files = self.keeper.results.save(job.owner, filename, files)
        except OSError as error:
            raise OutOfSpace(f"The result could not be saved: {error.strerror}.", retry_after=10) from error
        self.store.saved(job.id, local_files)

    def _is_over(self, job: Job) -> None:
        self.changes.tell(job.id)
        self.errands.wake()

    def make_room(self, size: int, *, sparing: str = "") -> None:
        """Forget finished jobs, the oldest first, until `size` bytes more are allowed. Raises QueueFull."""
        for gone in self.store.surplus(size, self.settings.jobs_max_mb * MIB, sparing=sparing):
            self.forget(gone)

    def document(self, job: Job, file: JobFile) -> Path:
        """Where a document of a job lies. Raises NotFound where it does not."""
        if not job.keeps_document and job.state in FINISHED:  # its folder is there for a moment longer
            raise NotFound("The document was not kept. Hand a job in with keep_document=true, and its documents stay.")
        path = spooled(self.folder / job.id, file.index)
        if path.exists():
            return path
        raise NotFound("The document is not there: it has not been fetched yet, or could not be.")

    def forget(self, job_id: str) -> None:
        """Remove a finished job and all that is left of it."""
        self.store.delete(job_id)
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def sweep(self) -> int:
        """Remove what is expired, and what was sent but never became a job; returns how many jobs are gone."""
        arriving = frozenset(self._arriving)  # first: what is not there any more is a job by the time that we ask
        finished, unfinished = self.store.ids(finished=True), self.store.ids(finished=False)
        needed = arriving | unfinished | self.store.keeping()
        for folder in self.folder.iterdir():
            if not folder.is_dir() or folder.name in needed:
                continue
            if folder.name in finished or _age_s(folder) > _ORPHANED_S:
                shutil.rmtree(folder, ignore_errors=True)
        gone = self.store.expired(self.settings.result_ttl_s)
        for job_id in gone:
            self.forget(job_id)
        self.store.shrink()
        return len(gone)


def _age_s(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0


def _sync(folder: Path) -> None:
    """Have what lies in a folder outlast the machine's end, as the job's row does."""
    for path in (*folder.iterdir(), folder, folder.parent):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _fingerprint(call: Call, hook: str | None, keeps_document: bool) -> str:
    """SHA-256 in hexadecimal digits, the same for bodies that say the same in one encoding, in whatever order or layout."""
    documents = [
        (each.input_type, each.filename, each.url, each.problem, sha256(each.path) if each.path else None)
        for each in call.documents
    ]
    own = [hook, "keep_document"] if keeps_document else [hook]
    said = json.dumps([call.fields, documents, *own], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
