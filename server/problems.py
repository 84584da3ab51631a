"""Every error as `application/problem+json` (RFC 9457), or in the caller's wire format, whatever raised it."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from server import auth, error_shapes
from server.errors import BadOption, BadRequest, InternalError, MethodNotAllowed, NotFound, OcrError, Unauthorized


def response(error: OcrError, request: Request) -> Response:
    """The reply that says what went wrong; `request.state.error_code` tells the metrics."""
    request.state.error_code = error.code
    log_id = getattr(request.state, "log_id", request.state.request_id)  # PaddleX's callers may give one
    body, media_type = error_shapes.write(error, request.url.path, log_id)
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = auth.challenge(request)
    return Response(body, error.status, headers, media_type)


def install(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Have the application answer its own and its framework's errors this way; `routers` hold all of its addresses."""

    @app.exception_handler(OcrError)
    async def _ours(request: Request, error: OcrError) -> Response:
        return response(error, request)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return response(BadOption(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"), request)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        translated = _translate(error, request)
        reply = response(translated, request)
        reply.headers.update(error.headers or {})
        if isinstance(translated, MethodNotAllowed):
            reply.headers["Allow"] = ", ".join(sorted(_methods(routers, request)))
        return reply


def _methods(routers: Sequence[APIRouter], request: Request) -> set[str]:
    """What the address takes; the framework itself names the methods of the first route that it finds."""
    routes = (route for router in routers for route in router.routes)
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in matching for method in getattr(route, "methods", ())}


def _translate(error: HTTPException, request: Request) -> OcrError:
    match error.status_code:
        case 404:
            return NotFound(f"There is no {request.url.path[:200]!r} here. GET / lists the addresses that there are.")
        case 405:
            return MethodNotAllowed(f"{request.url.path[:200]!r} does not take {request.method[:20]!r}.")
        case 400:
            return BadRequest(str(error.detail))
    return InternalError(str(error.detail))
