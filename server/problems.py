"""Every error as `application/problem+json` (RFC 9457), whatever raised it."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from server import auth
from server.errors import BadOption, BadRequest, InternalError, MethodNotAllowed, NotFound, OcrError, Unauthorized
from server.schemas import Problem

MEDIA_TYPE = "application/problem+json"


def response(error: OcrError, request: Request) -> Response:
    """The reply that says what went wrong."""
    problem = Problem(
        type=f"urn:offline-ocr:problem:{error.code}",
        title=error.title,
        status=error.status.value,
        detail=error.detail,
        code=error.code,
        request_id=request.state.request_id,
        retry_after=error.retry_after,
    )
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = auth.challenge(request)
    return Response(problem.model_dump_json(exclude_none=True), error.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have the application answer its own and its framework's errors this way."""

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
        return reply


def _translate(error: HTTPException, request: Request) -> OcrError:
    match error.status_code:
        case 404:
            return NotFound(f"There is no {request.url.path[:200]!r} here. GET / lists the addresses that there are.")
        case 405:
            return MethodNotAllowed(f"{request.url.path[:200]!r} does not take {request.method[:20]!r}.")
        case 400:
            return BadRequest(str(error.detail))
    return InternalError(str(error.detail))
