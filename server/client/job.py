"""A job as the server describes it."""

from dataclasses import dataclass, field
from typing import Any

from server.client.errors import Failed, NotTheServer

ENDED = {"done", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class Job:
    """What of a job decides what to do next; `raw` is all of it, as it came. Seconds are the server's own estimate."""

    id: str
    state: str
    total_pages: int | None
    processed_pages: int
    failed_pages: int
    queue_position: int | None
    estimated_seconds: float | None
    problem: str | None
    raw: dict[str, Any] = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def check(self) -> None:
        """Raises Failed for a job that ended without a result, with its problem."""
        if self.state == "cancelled":
            raise Failed(f"Job {self.id} was cancelled.")
        if self.state == "failed" or self.problem:
            raise Failed(self.problem or f"Job {self.id} failed.")


def parse(reply: object) -> Job:
    """The job in a reply. Raises NotTheServer for anything else."""
    try:
        return _parse(reply)
    except (KeyError, TypeError, AttributeError) as error:
        raise NotTheServer("What answers is not offline-ocr, or another version of it: that is no job.") from error


def _parse(reply: Any) -> Job:
    errors = [reply.get("error"), *(file.get("error") for file in reply.get("files") or [])]
    # of several documents one failure does not spoil the others; their own lines tell
    alone = len(errors) <= 2  # the job's, and its only document's
    return Job(
        id=str(reply["id"]),
        state=str(reply["state"]),
        total_pages=reply.get("total_pages"),
        processed_pages=reply.get("processed_pages") or 0,
        failed_pages=reply.get("failed_pages") or 0,
        queue_position=reply.get("queue_position"),
        estimated_seconds=reply.get("estimated_seconds"),
        problem=next((_text(error) for error in errors if error), None) if alone else _text(errors[0]),
        raw=reply,
    )


def _text(error: dict[str, Any] | None) -> str | None:
    return f"{error.get('title')}: {error.get('detail')}" if error else None
