"""`/v1`: OpenAI's chat completions and its list of models.

An answer is made by a task of its own; a stream begins when its first piece is there, so that whatever goes wrong before
that is told by a status.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server import chat_plan, error_shapes
from server.call import Dialect
from server.chat import Chat, Ending, Said
from server.chat_plan import ChatPlan
from server.chat_reply import Heading
from server.errors import InternalError, OcrError, UnknownModel
from server.json_schema import written_out
from server.openai_schemas import ChatCompletion, ChatRequest, ModelCard, ModelCards
from server.routes import problems
from server.routes.dependencies import RequestIdDep, ServicesDep
from server.routes.patience import run_while_wanted
from server.routes.reading import Place
from server.services import Services
from server.spool import room

router = APIRouter(prefix="/v1", tags=["openai"])

_STARTED = int(time.time())
_BODY = {"required": True, "content": {"application/json": {"schema": written_out(ChatRequest)}}}

T = TypeVar("T")

log = structlog.get_logger("server.routes.openai")


@router.post(
    "/chat/completions",
    response_class=Response,
    responses={
        200: {
            "model": ChatCompletion,
            "description": "The answer; with `stream` its pieces as events, the last one `[DONE]`",
            "content": {"text/event-stream": {}},
        },
        **problems(400, 403, 404, 413, 415, 422, 429, 503, 504),
    },
    openapi_extra={"requestBody": _BODY},
)
async def chat_completions(request: Request, services: ServicesDep, request_id: RequestIdDep) -> Response:
    """Ask a model that generates text, about images or without any."""
    patience = _Patience(request, services, time.perf_counter())
    with room():
        async with AsyncExitStack() as held:
            place = await Place.take(services, held)
            body = await place.received(request, services, patience.started)
            content_type = request.headers.get("content-type", "")
            plan, chat = await patience.until(_prepare(services, body, content_type, place, held))
            answer = _Answer(services, plan, chat, request_id)
            held.push_async_callback(answer.give_up)
            heading = _heading(plan, request_id)
            if plan.asked.stream:
                first = await patience.until(answer.next())
                return _Stream(_events(first, answer, heading, patience), held.pop_all())
            said, ending = await patience.until(answer.whole())
            content = await asyncio.to_thread(lambda: heading.whole(said, ending).model_dump_json())
            return Response(content, media_type="application/json")


@router.get("/models")
async def models(services: ServicesDep) -> ModelCards:
    """The models that answer chats here."""
    return ModelCards(data=[_card(name) for name in chat_plan.able(services.supervisor)])


@router.get("/models/{model}", responses=problems(404))
async def model(model: str, services: ServicesDep) -> ModelCard:
    """One of them."""
    if model not in chat_plan.able(services.supervisor):
        those = chat_plan.those(services.supervisor)
        raise UnknownModel(f"There is no model {model[:80]!r} that answers chats here. Those are: {those}.")
    return _card(model)


def _card(name: str) -> ModelCard:
    return ModelCard(id=name, created=_STARTED, owned_by="offline-ocr")


async def _prepare(
    services: Services, body: Path, content_type: str, place: Place, held: AsyncExitStack
) -> tuple[ChatPlan, Chat]:
    call = await place.reader.call(body, content_type, dialect=Dialect.OPENAI)
    body.unlink()
    plan = chat_plan.plan(call.fields, services.supervisor, services.settings.pdf_dpi)
    found = await chat_plan.open_images(plan, call.documents, services.recognition, place.reader, place.folder)
    for (path, _), sent in zip(found, call.documents, strict=True):
        if sent.url is not None:
            place.permit.grow_bytes(path.stat().st_size)
    await held.enter_async_context(services.pipeline.loaded(plan.host))
    await held.enter_async_context(services.pipeline.room_for(sum(pages for _, pages in found)))
    chat = await chat_plan.assemble(plan, found, place.reader, place.folder)
    place.reader.drop()  # an answer may take long, and its images are open
    return plan, chat


def _heading(plan: ChatPlan, request_id: str) -> Heading:
    options = plan.asked.stream_options
    return Heading(
        id=f"chatcmpl-{request_id.removeprefix('req_')}",
        created=int(time.time()),
        model=plan.host.entry.name,
        fingerprint=plan.host.revision,
        with_logprobs=plan.sampling.top_logprobs is not None,
        with_usage=bool(options and options.include_usage),
    )


@dataclass(frozen=True, slots=True)
class _Patience:
    """Whose request it is, and since when (of `time.perf_counter`)."""

    request: Request
    services: Services
    started: float

    async def until(self, work: Coroutine[Any, Any, T], *, reads_body: bool = False) -> T:
        """As `run_while_wanted`."""
        advice = "Set `max_completion_tokens`, or ask for less."
        return await run_while_wanted(
            *(work, self.request, self.services), started=self.started, reads_body=reads_body, advice=advice
        )


class _Answer:
    """An answer in the making: its pieces, and then its end."""

    def __init__(self, services: Services, plan: ChatPlan, chat: Chat, request_id: str) -> None:
        self._pieces: asyncio.Queue[Said | None] = asyncio.Queue()
        answering = services.pipeline.answer(plan.host, chat, request_id, self._pieces.put_nowait)
        self._answering = asyncio.create_task(answering)
        self._answering.add_done_callback(lambda _: self._pieces.put_nowait(None))

    async def next(self) -> Said | Ending:
        """What comes next. Raises what ended the answer before its end."""
        return await self._pieces.get() or self._answering.result()

    async def whole(self) -> tuple[list[Said], Ending]:
        """All that is said. Raises as `next`."""
        said = []
        while isinstance(piece := await self.next(), Said):
            said.append(piece)
        return said, piece

    async def give_up(self) -> None:
        """Whoever made it wants no more of it."""
        self._answering.cancel()
        await asyncio.gather(self._answering, return_exceptions=True)


async def _events(piece: Said | Ending, answer: _Answer, heading: Heading, patience: _Patience) -> AsyncIterator[str]:
    """The events from the first piece on; the last one says what went wrong, if anything did."""
    try:
        yield heading.first()
        while isinstance(piece, Said):
            yield heading.more(piece)
            piece = await patience.until(
                answer.next(), reads_body=True
            )  # the response itself sees that the caller leaves
        yield heading.last(piece)
    except OcrError as error:
        log.warning("an answer broke off", error=error.detail, code=error.code)
        yield _error(error)
    except Exception:
        log.exception("an answer broke off")
        yield _error(InternalError("The server failed on this answer. Its log has the details."))


def _error(error: OcrError) -> str:
    return f"data: {json.dumps(error_shapes.openai(error), ensure_ascii=False)}\n\n"


class _Stream(StreamingResponse):
    """Events, and what is held for as long as they come."""

    def __init__(self, events: AsyncIterator[str], held: AsyncExitStack) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        async with self._held:
            await super().__call__(scope, receive, send)
