"""Around every request: its id, its line in the log, its metrics, and a reply even when the server itself is at fault."""

import re
import secrets
import time
from collections.abc import Callable

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import problems
from server.errors import InternalError
from server.metrics import Metrics
from server.tracing import Span, Tracing

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_CALLER_IS_GONE = 499  # for the log and the metrics only, as in nginx
_QUIET = ("/health", "/metrics", "/web/")
_MAX_PATH = 500  # characters of it in the log: callers without a token choose it

log = structlog.get_logger("server.http")


def new_id() -> str:
    """A request's id, where its caller has not given a harmless one."""
    return f"req_{secrets.token_hex(12)}"


class RequestContext:
    """ASGI middleware. A caller's own X-Request-ID is kept when it is harmless."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing, is_known: Callable[[Request], bool]) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        given = request.headers.get("x-request-id", "")
        request_id = given if _USABLE_ID.fullmatch(given) else new_id()
        request.state.request_id = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        span = self._span(request, request_id)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            with self._metrics.requests_in_flight.track_inprogress(), span.inside():
                await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = _CALLER_IS_GONE
        except Exception:
            log.exception("unexpected error")
            if status:  # the reply has begun: all that is left is to break the connection
                raise
            error = InternalError("The server failed on this request. Its log has the details under the request id.")
            await problems.response(error, request)(scope, receive, send_with_id)
        finally:
            self._account(scope, request, status, time.perf_counter() - started, span)

    def _span(self, request: Request, request_id: str) -> Span:
        if request.url.path.startswith(_QUIET):  # nobody wants a trace of each probe
            return Span()
        # who is not known could fill other people's traces
        span = self._tracing.request(request.headers if self._is_known(request) else {})
        span.note(request_id=request_id)
        if span.trace_id:
            structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
        return span

    def _account(self, scope: Scope, request: Request, status: int, seconds: float, span: Span) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        error = getattr(request.state, "error_code", None)
        self._metrics.answered(request.method, route, status, seconds, error)
        span.answered(request.method[:10], route, status, error)
        quiet = route.startswith(_QUIET)
        say = log.debug if quiet else log.info
        say(
            "request",
            method=request.method,
            path=request.url.path[:_MAX_PATH],
            status=status,
            seconds=round(seconds, 4),
        )
