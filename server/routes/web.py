"""The address that a person and a program both open first, and the files of the web page.

The page holds no secret and no document, so that it needs no token: it asks the person for one.
"""

from fastapi import APIRouter, Request, Response

from server import web_page
from server.errors import NotFound
from server.routes.accepting import accepted, best
from server.routes.dependencies import ApiKeyDep, BearerDep, ServicesDep
from server.routes.service import description
from server.service_schemas import RootReply
from server.web_page import WebFile

router = APIRouter()

_POLICY = {
    **{"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' blob:"},
    **{"connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"},
    **{"require-trusted-types-for": "'script'", "trusted-types": "dompurify"},
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{what} {whence}" for what, whence in _POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",  # a photograph is a file that the system takes
}


@router.get("/", tags=["service"], response_model=RootReply, responses={200: {"content": {"text/html": {}}}})
async def root(
    request: Request, response: Response, services: ServicesDep, _: BearerDep, __: ApiKeyDep
) -> RootReply | Response:
    """The service, its true version and its endpoints. A browser gets the web page instead, without a token."""
    page = services.web.get(web_page.PAGE)
    if page and accepted(request, {"text/html": True, "application/json": False}, usual=False):
        return _reply(page, request, "Accept, Accept-Encoding")
    services.authenticator.check(request)
    response.headers["Vary"] = "Accept"
    return description()


@router.get("/web/{name}", include_in_schema=False)
async def file(name: str, request: Request, services: ServicesDep) -> Response:
    """A script, a style sheet, an image or the licences of the page, which itself is at `/`."""
    found = services.web.get(name)
    if not found or name == web_page.PAGE:
        raise NotFound("There is no such file of the web page.")
    return _reply(found, request, "Accept-Encoding")


def _reply(found: WebFile, request: Request, vary: str) -> Response:
    """The file, or 304 for who has it already (RFC 9110, 13.1.2)."""
    headers = {**_HEADERS, "Cache-Control": found.caching, "ETag": found.etag, "Vary": vary}
    if found.etag in {each.strip() for each in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    if best(request.headers.get("accept-encoding", ""), {"gzip": True}, usual=False):
        return Response(found.compressed, headers={**headers, "Content-Encoding": "gzip"}, media_type=found.media_type)
    return Response(found.content, headers=headers, media_type=found.media_type)
