"""One document of a request, read: from the cache, together with the same request of somebody else, or by an engine."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from server.admission import Permit
from server.auth import Caller
from server.call import Sent
from server.documents import Document
from server.pages import Reader
from server.recognition import Plan
from server.reply import Finished
from server.routes.patience import run_while_wanted
from server.routes.receiving import receive
from server.services import Services


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, since when (of `time.perf_counter`), and whether a stored result will do, and may be stored.

    `told` hears of each page that an engine has read for it: how many are done, of how many.
    """

    services: Services
    owner: str
    request_id: str
    started: float
    stored_will_do: bool
    may_be_stored: bool
    told: Callable[[int, int], None] = lambda done, of: None

    @classmethod
    def by(cls, request: Request, services: Services, caller: Caller, request_id: str) -> "Asked":
        """From a request: `Cache-Control: no-cache` wants it read anew, `no-store` nothing stored (RFC 9111, 5.2.1)."""
        wishes = {each.strip().lower() for each in request.headers.get("cache-control", "").split(",")}
        now = time.perf_counter()
        return cls(
            services, caller.owner, request_id, now, not wishes & {"no-cache", "no-store"}, "no-store" not in wishes
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is read: its places in the queue, a folder in the spool, and a child that opens it."""

    permit: Permit
    folder: Path
    reader: Reader

    @classmethod
    async def take(
        cls, services: Services, held: AsyncExitStack, *, of: Permit | None = None, pages: int = 1
    ) -> "Place":
        """A place, which is given back when `held` is closed; `of` is the permit of the request that it belongs to, if any.

        Raises Draining or QueueFull.
        """
        permit = held.enter_context(of.another() if of else services.admission.enter(pages))
        folder = held.enter_context(services.spool.request())
        return cls(permit, folder, await held.enter_async_context(services.pool.reader(folder)))

    async def received(self, request: Request, services: Services, started: float) -> Path:
        """Where the request's body lies, once it is here. Raises as `receive` and `run_while_wanted` do."""
        body = self.folder / "body"
        receiving = receive(request, body, self.permit, limit_mb=services.settings.max_upload_mb)
        await run_while_wanted(receiving, request, services, started=started, reads_body=True)
        return body


async def read(asked: Asked, sent: Sent, plan: Plan, place: Place, held: AsyncExitStack) -> tuple[Finished, str | None]:
    """The document, read, and how it was come by: "hit", "shared", "miss"; None where nothing is cached.

    The place, which is among what is `held`, may be handed over; while `held` is open, the figures' files are there.
    """
    services = asked.services
    path = await services.recognition.bring(sent, place.folder / "fetched")
    if sent.url is not None:
        place.permit.grow_bytes(path.stat().st_size)
    opened, numbers = await services.recognition.open(place.reader, path, plan)
    cache = services.cache
    key = await asyncio.to_thread(cache.key, asked.owner, path, plan, numbers) if cache.is_on else None
    if key and asked.stored_will_do and (stored := await asyncio.to_thread(cache.get, key, place.folder)):
        return _finished(asked, sent, plan, stored), _told(services, "hit")

    async def recognise() -> Document:
        place.permit.set_pages(len(numbers))
        document = await services.pipeline.run(
            *(place.reader, opened, numbers, plan.host, plan.model_options),
            permit=place.permit,
            request_id=asked.request_id,
            told=asked.told,
        )
        if key and asked.may_be_stored:
            await asyncio.to_thread(cache.put, key, document)
        return document

    if not key or not asked.stored_will_do:
        return _finished(asked, sent, plan, await recognise()), _told(services, "miss") if key else None
    document, shared = await held.enter_async_context(services.flights.share(key, held, recognise))
    return _finished(asked, sent, plan, document), _told(services, "shared" if shared else "miss")


def _told(services: Services, how: str) -> str:
    services.metrics.cache.labels(how).inc()
    return how


def _finished(asked: Asked, sent: Sent, plan: Plan, document: Document) -> Finished:
    settings = asked.services.settings
    return Finished(
        document=document,
        options=plan.options,
        model=plan.host.entry.name,
        input_type=sent.input_type,
        filename=sent.filename,
        request_id=asked.request_id,
        total_seconds=time.perf_counter() - asked.started,
        warnings=plan.warnings,
        page_header=settings.page_header,
        page_separator=settings.page_separator,
    )
