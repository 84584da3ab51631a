"""One document through the server as a job: sent, waited for, fetched. No request lasts as long as a gateway allows."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.client.api import Api
from server.client.errors import Failed, NoConnection, Refused
from server.client.job import Job

_SENDS = 5
"""How often a document is sent whose job the server forgets: restarts lose jobs where the disk does not outlast them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A document that was read, and its results by form."""

    job: Job
    results: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Reader:
    """How documents are read: by which server, in which forms, with which options.

    `wait_s` (0–60) is the longest time between two looks at a job, each of which is shown to `watch`.
    """

    api: Api
    forms: Collection[str]
    fields: Mapping[str, str]
    wait_s: int

    async def read(self, document: Path, key: str, watch: Callable[[Job], None]) -> Reading:
        """Read one document. Raises Failed for this document, any other ClientError for all, OSError."""
        for _ in range(_SENDS):
            job = await self._submit(document, key)
            try:
                watch(job)
                job = await self._end(job, watch)
                job.check()
                return Reading(job, {form: await self.api.result(job.id, form) for form in self.forms})
            except Refused as error:
                if not _is_gone(error):
                    raise
        raise Failed(
            f"The server forgot the job {_SENDS} times. Do several servers answer there, each with jobs of its own?"
        )

    async def _submit(self, document: Path, key: str) -> Job:
        job = await self.api.submit(document, self.fields, key)
        if job.state in {"failed", "cancelled"}:
            # a new job is queued: this one is of an earlier run, and whoever runs it again wants it tried again
            try:
                await self.api.delete(job.id)
            except Refused as error:
                if not _is_gone(error):
                    raise
            job = await self.api.submit(document, self.fields, key)
        self.api.patience.progress()
        return job

    async def _end(self, job: Job, watch: Callable[[Job], None]) -> Job:
        patience = self.api.patience
        while not job.ended:
            before = job.raw
            job = await self.api.job(job.id, self.wait_s)
            watch(job)
            # a job that waits for others' has nothing to show for it
            if job.state == "queued" or job.raw != before:
                patience.progress()
            elif patience.is_over:
                raise NoConnection(f"The server answers, but no page was read for {patience.seconds:g} s.")
        return job


def _is_gone(error: Refused) -> bool:
    return error.code == "not_found"
