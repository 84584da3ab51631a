"""A document that somebody waits for: its progress is shown, and its job is cancelled when they wait no longer."""

import asyncio
import uuid
from contextlib import suppress
from pathlib import Path

from server.client.display import Display
from server.client.errors import ClientError
from server.client.job import Job
from server.client.progress import clock
from server.client.reading import Reader, Reading

_CANCEL_S = 2.0  # what Ctrl-C may take


async def read_alone(reader: Reader, document: Path, display: Display) -> Reading:
    """Read one document, anew each time it is asked for. Raises ClientError, OSError."""
    seen: list[Job] = []

    def watch(job: Job) -> None:
        seen[:] = [job]
        display.show(f"{document.name}: {progress_line(job)}")

    try:
        return await reader.read(document, uuid.uuid4().hex, watch)
    except asyncio.CancelledError:
        for job in seen:
            with suppress(ClientError, TimeoutError):
                async with asyncio.timeout(_CANCEL_S):
                    await reader.api.delete(job.id)
        raise
    finally:
        display.clear()


def progress_line(job: Job) -> str:
    """`3 of 300 pages, 1:20 left`, or the place in the queue."""
    if job.state == "queued":
        return "waiting" if job.queue_position is None else f"waiting, place {job.queue_position}"
    read = f"{job.processed_pages} of {job.total_pages or '?'} pages"
    return read if job.estimated_seconds is None else f"{read}, {clock(job.estimated_seconds)} left"
