"""`POST /ocr/batch`: several documents at once, each with its result or its problem."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from enum import Enum

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server import many
from server.admission import Permit
from server.call import Call, Sent
from server.errors import DeadlineExceeded, InternalError, OcrError, QueueFull
from server.recognition import Plan
from server.reply import Finished, describe, render
from server.routes import problems
from server.routes.accepting import accepted
from server.routes.dependencies import CallerDep, RequestIdDep, ServicesDep
from server.routes.ocr_body import takes
from server.routes.patience import run_while_wanted
from server.routes.reading import Asked, Place, read
from server.routes.receiving import receive
from server.schemas import Format, ManyEntry, ManyReply
from server.spool import room
from server.surely import surely

router = APIRouter(tags=["ocr"])

_AT_ONCE = 2  # documents of one batch: the next one is opened while one is read
_TRY_AGAIN_S = 1.0

log = structlog.get_logger("server.batch")


class _Form(Enum):
    """How the results come; the value is the media type."""

    JSON = "application/json"
    ZIP = "application/zip"
    LINES = "application/x-ndjson"


_FORMS = {form.value: form for form in _Form}


@dataclass(frozen=True, slots=True)
class _Batch:
    """The documents of one request."""

    asked: Asked
    permit: Permit
    call: Call
    plan: Plan
    form: _Form


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of one document; its zip, where one was asked for."""

    entry: ManyEntry
    archive: bytes | None = None


@router.post(
    "/ocr/batch",
    response_class=Response,
    responses={
        **problems(400, 404, 413, 415, 422, 429, 503, 504),
        200: {
            "model": ManyReply,
            "description": "In the order in which the documents were sent; as lines of JSON in the order in which they end",
            "content": {form.value: {} for form in _Form if form is not _Form.JSON},
        },
    },
    openapi_extra=takes("Documents"),
)
async def batch(request: Request, services: ServicesDep, caller: CallerDep, request_id: RequestIdDep) -> Response:
    """Read several documents with the same options; `Accept` asks for JSON, one zip, or a line as each of them ends."""
    asked = Asked.by(request, services, caller, request_id)
    form = accepted(request, _FORMS, _Form.JSON)
    with room():
        async with AsyncExitStack() as held:
            place = await Place.take(services, held)
            taking = _take(request, asked, place, form)
            batch = await run_while_wanted(taking, request, services, started=asked.started, reads_body=True)
            place.permit.pages_left(0)  # each document takes places of its own
            if form is _Form.LINES:
                return _Lines(batch, held.pop_all())
            done = await run_while_wanted(_all(batch), request, services)
            reply = many.together([each.entry for each in done])
            if form is _Form.JSON:
                content = await asyncio.to_thread(many.as_json, reply)
            else:
                content = await asyncio.to_thread(many.archive, reply, [each.archive for each in done])
    return Response(content, media_type=form.value, headers={"X-Document-Status": reply.status, "Vary": "Accept"})


async def _take(request: Request, asked: Asked, place: Place, form: _Form) -> _Batch:
    settings = asked.services.settings
    body = place.folder / "body"
    await receive(request, body, place.permit, limit_mb=settings.max_upload_mb * settings.max_batch_files)
    call = await place.reader.call(body, request.headers.get("content-type", ""), settings.max_batch_files)
    body.unlink()
    place.reader.drop()
    plan = asked.services.recognition.plan(call.fields, typed=call.typed)
    return _Batch(asked, place.permit, call, plan, form)


async def _one(batch: _Batch, index: int, turns: asyncio.Semaphore) -> _Done:
    """A document's result or problem: whatever becomes of it, the others go on."""
    asked, sent = batch.asked, batch.call.documents[index]
    limit_s = asked.services.settings.request_timeout_s
    error: OcrError
    async with turns:
        try:
            with room():
                async with asyncio.timeout(asked.started + limit_s - time.perf_counter()) as limit:
                    return await _patiently(batch, index, sent)
        except OcrError as problem:
            error = problem
        except Exception as problem:
            if isinstance(problem, TimeoutError) and limit.expired():
                error = DeadlineExceeded(f"The request took longer than {limit_s:g} s. Send fewer documents, or a job.")
            else:
                log.exception("a document of a batch failed unexpectedly", index=index)
                error = InternalError("The server failed on this document; its log has the details.")
    return _Done(ManyEntry(index=index, filename=sent.filename, problem=describe(error, asked.request_id)))


async def _patiently(batch: _Batch, index: int, sent: Sent) -> _Done:
    """A document waits for its place in the queue as long as a page would wait in it."""
    end = time.monotonic() + batch.asked.services.settings.queue_max_wait_s
    while True:
        try:
            return await _read(batch, index, sent)
        except QueueFull:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(_TRY_AGAIN_S)


async def _read(batch: _Batch, index: int, sent: Sent) -> _Done:
    async with AsyncExitStack() as held:
        place = await Place.take(batch.asked.services, held, of=batch.permit)
        if sent.path is not None:  # a reading that is shared may outlive the request, and its folder
            (place.folder / "document").hardlink_to(sent.path)
            sent = replace(sent, path=place.folder / "document")
        finished, _ = await read(batch.asked, sent, batch.plan, place, held)
        return await asyncio.to_thread(_completed, batch, index, finished)


def _completed(batch: _Batch, index: int, finished: Finished) -> _Done:
    with batch.asked.services.stages("reply"):
        reply = batch.asked.services.keeper.finish(finished, batch.asked.owner)
        entry = ManyEntry(index=index, filename=finished.filename, result=reply)
        return _Done(entry, render(finished, reply, Format.ZIP) if batch.form is _Form.ZIP else None)


async def _all(batch: _Batch) -> list[_Done]:
    turns = asyncio.Semaphore(_AT_ONCE)
    async with asyncio.TaskGroup() as reading:
        tasks = [reading.create_task(_one(batch, index, turns)) for index in range(len(batch.call.documents))]
    return [task.result() for task in tasks]


class _Lines(StreamingResponse):
    """A line for each document as soon as it is read. However it ends, nothing of it is left."""

    def __init__(self, batch: _Batch, held: AsyncExitStack) -> None:
        self._batch = batch
        self._held = held
        self._tasks: list[asyncio.Task[_Done]] = []
        # for a caller who keeps the connection, and does not read
        self._limit_s = 2 * batch.asked.services.settings.request_timeout_s
        super().__init__(self._lines(), media_type=_Form.LINES.value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        turns = asyncio.Semaphore(_AT_ONCE)
        try:
            self._tasks = [
                asyncio.create_task(_one(self._batch, index, turns)) for index in range(len(self._batch.call.documents))
            ]
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limit_s):
                    await super().__call__(scope, receive, send)
        finally:
            await surely(self._end())

    async def _lines(self) -> AsyncIterator[bytes]:
        for next_one in asyncio.as_completed(self._tasks):
            done = await next_one
            yield await asyncio.to_thread(many.as_json, done.entry) + b"\n"

    async def _end(self) -> None:
        try:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        finally:
            await self._held.aclose()
