"""A job: its states, and what is known of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.call import InputType
from server.documents import FileType
from server.errors import OcrError


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # its turn has not come, or has to come again
    RUNNING = "running"
    DONE = "done"  # every page has been tried; some may have failed
    FAILED = "failed"  # nothing could be read
    CANCELLED = "cancelled"


MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}
"""RUNNING → QUEUED: the server ended, or the job stands aside for a while."""

FINISHED = frozenset(state for state, moves in MOVES.items() if not moves)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something failed, in the words of a problem reply."""

    code: str
    title: str
    detail: str
    status: int

    @classmethod
    def of(cls, error: OcrError) -> "Trouble":
        """An error, told."""
        return cls(error.code, error.title, error.detail, error.status.value)


@dataclass(frozen=True, slots=True)
class JobFile:
    """One document of a job.

    `total_pages` counts the document's pages and `chosen` those to read; None until it has been opened. `processed`
    counts pages with a result, `failed` those among them that could not be read. `media_type` is what its content says.
    """

    index: int
    input_type: InputType
    filename: str | None
    url: str | None
    file_type: FileType | None = None
    total_pages: int | None = None
    chosen: int | None = None
    processed: int = 0
    failed: int = 0
    error: Trouble | None = None
    media_type: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.error is not None or self.processed == self.chosen


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done once the job is finished, and tried until it succeeds: `kind` is "s3" or "webhook"."""

    kind: str
    state: str
    attempts: int
    due: float | None
    outcome: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is stored. Times in seconds since the epoch; `seconds` is the time spent on it, `size` in bytes."""

    id: str
    owner: str
    state: JobState
    created: float
    started: float | None
    finished: float | None
    model: str
    fields: dict[str, Any]
    files: tuple[JobFile, ...]
    error: Trouble | None
    seconds: float
    restarts: int
    size: int
    webhook_url: str | None
    local_files: dict[str, str] | None
    errands: tuple[Errand, ...] = ()
    keeps_document: bool = False
    """The documents stay until the job is removed, not only until they are read."""

    @property
    def total_pages(self) -> int | None:
        """Pages to read; None while a document has not been opened."""
        chosen = [each.chosen for each in self.files if each.error is None or each.chosen is not None]
        return None if None in chosen else sum(filter(None, chosen))

    @property
    def processed_pages(self) -> int:
        """Pages with a result."""
        return sum(each.processed for each in self.files)

    @property
    def failed_pages(self) -> int:
        """Pages that could not be read."""
        return sum(each.failed for each in self.files)


def errand_of(job: Job, kind: str) -> Errand | None:
    """The errand of that kind, if the job has one."""
    return next((each for each in job.errands if each.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened to a job; `id` counts from 1 in each job."""

    id: int
    kind: str
    data: dict[str, Any]
