"""The API's own pages, from assets inside the installation; the browser is forbidden to fetch anything elsewhere."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from server.errors import NotFound

router = APIRouter(include_in_schema=False)

_ASSETS = Path(str(files("fastapi_offline"))) / "static"
_NAMES = {"swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "favicon.png"}
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:"
)


@router.get("/openapi.json")
async def openapi(request: Request) -> dict[str, Any]:
    """The API for programs."""
    document: dict[str, Any] = request.app.openapi()
    return document


@router.get("/docs")
async def swagger(request: Request) -> Response:
    """The API to try out. The description is in the page: a page opened with a password in its URL may not fetch one."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="offline-ocr",
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon.png",
        swagger_ui_parameters={"spec": request.app.openapi()},
    )
    return _page(page)


@router.get("/redoc")
async def redoc() -> Response:
    """The API to read."""
    page = get_redoc_html(
        openapi_url="openapi.json",
        title="offline-ocr",
        redoc_js_url="docs/assets/redoc.standalone.js",
        redoc_favicon_url="docs/assets/favicon.png",
        with_google_fonts=False,
    )
    return _page(page)


@router.get("/docs/assets/{name}")
async def asset(name: str) -> FileResponse:
    """A script or a style sheet of those pages."""
    if name not in _NAMES:
        raise NotFound("There is no such asset.")
    return FileResponse(_ASSETS / name)


def _page(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = _POLICY
    return page
