"""`POST /mcp`: the Model Context Protocol over its streamable HTTP (modelcontextprotocol.io/specification).

    body → disk → page pool's child: the document → spool, the rest of the message → SDK → tools and resources

There are no sessions, hence neither GET, which would open a stream that says nothing, nor DELETE.
"""

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from server.call import Dialect
from server.errors import Forbidden, UnsupportedType
from server.mcp.asking import Asking
from server.routes import problems
from server.routes.dependencies import CallerDep, RequestIdDep, ServicesDep
from server.routes.patience import run_while_wanted
from server.routes.reading import Asked, Place
from server.spool import room
from server.surely import surely

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

router = APIRouter(tags=["mcp"])

_MESSAGE = {
    "type": "object",
    "required": ["jsonrpc", "method"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer"], "description": "Of a request; a notification has none"},
        "method": {"type": "string", "example": "tools/list"},
        "params": {"type": ["object", "null"]},
    },
}
_ANSWER = {
    "type": "object",
    "required": ["jsonrpc"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer", "null"]},
        "result": {"type": "object"},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {}},
        },
    },
}
_AS_JSON = {"application/json": {"schema": _ANSWER}}


@router.post(
    "/mcp",
    response_class=Response,
    responses={
        200: {"description": "The answer", "content": {**_AS_JSON, "text/event-stream": {}}},
        202: {"description": "A notification was taken"},
        **problems(400, 403, 406, 413, 415, 422, 429, 503, 504),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _MESSAGE}}}},
)
async def mcp(request: Request, services: ServicesDep, caller: CallerDep, request_id: RequestIdDep) -> Response:
    """A message of the Model Context Protocol: tools to read documents, saved results as resources; without sessions."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in services.settings.cors_origins:
        raise Forbidden("Pages of that origin may not call: it is not among CORS_ORIGINS.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedType("A message is a JSON object: send it as application/json.")
    asked = Asked.by(request, services, caller, request_id)
    with room():
        async with AsyncExitStack() as held:
            place = await Place.take(services, held, pages=0)
            body = await place.received(request, services, asked.started)
            parsing = place.reader.call(body, "application/json", dialect=Dialect.MCP)
            call = await run_while_wanted(parsing, request, services, started=asked.started)
            body.unlink()
            if not call.documents:
                await held.aclose()  # nothing of it is needed any more, and nobody has to wait for its end
            sent = call.documents[0] if call.documents else None
            asking = Asking(request, caller, asked, sent, place, held.pop_all())
    return _Exchange(asking, json.dumps(call.fields).encode())


class _Exchange(Response):
    """The SDK's answer to the message. However it ends, nothing of it is left."""

    def __init__(self, asking: Asking, message: bytes) -> None:
        super().__init__()
        self._asking = asking
        self._message = message
        # for a caller who keeps the connection, and does not read
        self._limit_s = 2 * asking.services.settings.request_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        messages: list[Message] = [{"type": "http.request", "body": self._message, "more_body": False}]
        has_begun = False

        async def received() -> Message:
            return messages.pop() if messages else await receive()

        async def sent(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            exchange = await asyncio.to_thread(_load)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limit_s):
                    await exchange(self._asking, scope, received, sent)
        finally:
            await surely(self._asking.held.aclose())
        if not has_begun:
            raise ClientDisconnect


def _load() -> "Callable[[Asking, Scope, Receive, Send], Awaitable[None]]":
    """The SDK takes 23 MB and a third of a second: not before somebody speaks to it, and not in the event loop."""
    from server.mcp.exchange import exchange  # noqa: PLC0415

    return exchange
