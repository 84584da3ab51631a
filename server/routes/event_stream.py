"""A job's events as they happen (server-sent events, html.spec.whatwg.org/multipage/server-sent-events.html).

What is stored has an id: a reader that comes back with `Last-Event-ID` gets what it has missed, also from the server that
runs after this one. How far the job is has none, and is told whenever it may have changed.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from server.errors import NotFound
from server.jobs.job import FINISHED, Event
from server.schemas import JobReply
from server.services import Services

_HEART_BEAT_S = 10.0
_RETRY_MS = 1000
_PROGRESS = {"processed_pages", "total_pages", "queue_position", "estimated_seconds", "waiting_for"}


async def stream(services: Services, job_id: str, after: int) -> AsyncIterator[str]:
    """The events of a job after the one numbered `after`, until its end, or that of the server."""
    desk, view = services.jobs, services.job_view
    told: dict[str, Any] = {}
    yield f"retry: {_RETRY_MS}\n\n"
    with desk.changes.of(job_id) as changed:
        while True:
            changed.clear()
            try:
                job, events = await asyncio.to_thread(desk.store.since, job_id, after)
            except NotFound:  # deleted meanwhile
                return
            shown = await asyncio.to_thread(view.show, job)
            for event in events:
                after = event.id
                yield _written(event.kind, _data(event, shown), event.id)
            if job.state in FINISHED or services.admission.draining:
                return
            progress = shown.model_dump(include=_PROGRESS)
            if progress != told:
                told = progress
                yield _written("progress", progress)
            try:
                async with asyncio.timeout(_HEART_BEAT_S):
                    await changed.wait()
            except TimeoutError:
                yield ": still here\n\n"


def _data(event: Event, job: JobReply) -> dict[str, Any]:
    """A change of state comes with the job as it is now; the state, and what ended it, are those of the change."""
    return job.model_dump(mode="json") | event.data if event.kind == "state" else event.data


def _written(kind: str, data: dict[str, Any], event_id: int | None = None) -> str:
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
