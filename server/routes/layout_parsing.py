"""`POST /layout-parsing` and `POST /restructure-pages`: PaddleX's serving for PaddleOCR-VL, for its clients.

The bodies are opened, and the replies written, in a child of the page pool.
"""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from server import catalog
from server.call import Dialect
from server.documents import Document, Verdict
from server.json_schema import written_out
from server.paddlex import pages
from server.paddlex.asking import Ask, ask
from server.paddlex.schemas import (
    LayoutParsingReply,
    LayoutParsingRequest,
    RestructurePagesReply,
    RestructurePagesRequest,
)
from server.routes import problems
from server.routes.dependencies import CallerDep, RequestIdDep, ServicesDep
from server.routes.patience import run_while_wanted
from server.routes.reading import Asked, Place, read
from server.spool import room

router = APIRouter(tags=["paddlex"])

_JSON = "application/json"
_FAILURES = problems(400, 403, 404, 413, 415, 422, 429, 503, 504)
_OPTIONS = catalog.read()["paddleocr-vl-1.6"].options
_NOTES = {
    Verdict.FAILED: "could not be read",
    Verdict.TRUNCATED: "has a text that the limit of tokens ended",
    Verdict.REPETITION: "has a text that was cut where it began to repeat itself",
}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = written_out(model)
    for name, field in model.model_fields.items():
        if name in _OPTIONS and field.alias:
            schema["properties"][field.alias].setdefault("description", _OPTIONS[name].description)
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": schema}}}}


@router.post(
    "/layout-parsing",
    response_class=Response,
    responses={200: {"model": LayoutParsingReply}, **_FAILURES},
    openapi_extra=_body(LayoutParsingRequest),
)
async def layout_parsing(
    request: Request, services: ServicesDep, caller: CallerDep, request_id: RequestIdDep
) -> Response:
    """Read one document; request and reply are those of PaddleX's serving for PaddleOCR-VL, whatever the model."""
    asked = Asked.by(request, services, caller, request_id)
    with room():
        async with AsyncExitStack() as held:
            place = await Place.take(services, held)
            body = await place.received(request, services, asked.started)
            reading = _read(request, asked, body, place, held)
            content, headers = await run_while_wanted(reading, request, services, started=asked.started)
    return Response(content, media_type=_JSON, headers=headers)


@router.post(
    "/restructure-pages",
    response_class=Response,
    responses={200: {"model": RestructurePagesReply}, **_FAILURES},
    openapi_extra=_body(RestructurePagesRequest),
)
async def restructure_pages(
    request: Request, services: ServicesDep, caller: CallerDep, request_id: RequestIdDep
) -> Response:
    """Look at the pages of earlier replies together: join tables, work out the levels of headings, make one page of all."""
    asked = Asked.by(request, services, caller, request_id)
    with room():
        async with AsyncExitStack() as held:
            place = await Place.take(services, held)
            body, target = await place.received(request, services, asked.started), place.folder / "reply"
            content_type = request.headers.get("content-type", "")
            work = place.reader.do(
                "restructure", body=str(body), content_type=content_type, target=str(target), log_id=request_id
            )
            await run_while_wanted(work, request, services, started=asked.started)
            return Response(await asyncio.to_thread(target.read_bytes), media_type=_JSON)


async def _read(
    request: Request, asked: Asked, body: Path, place: Place, held: AsyncExitStack
) -> tuple[bytes, dict[str, str]]:
    """The reply and its own headers."""
    services = asked.services
    call = await place.reader.call(body, request.headers.get("content-type", ""), dialect=Dialect.PADDLEX)
    body.unlink()
    if isinstance(log_id := call.fields.get("logId"), str) and log_id:
        request.state.log_id = log_id  # in errors, too
    wanted = ask(services.recognition, services.settings.default_model, call.fields)
    finished, cached = await read(asked, call.documents[0], wanted.plan, place, held)
    document = finished.document
    pictures = await _pictures(document, place) if wanted.request.visualize else {}
    job, target = place.folder / "job", place.folder / "reply"
    await asyncio.to_thread(_put_together, job, wanted, document, pictures, log_id or asked.request_id)
    await place.reader.do("write", job=str(job), target=str(target))
    lacking = any(page.verdict is Verdict.FAILED for page in document.pages)
    headers = {"X-Document-Status": "partial" if lacking else "success"} | ({"X-Cache": cached} if cached else {})
    return await asyncio.to_thread(target.read_bytes), headers


async def _pictures(document: Document, place: Place) -> dict[int, tuple[Path, Path]]:
    """The pages that were read, and their regions drawn in, by page number."""
    drawn = {}
    for page in document.pages:
        if page.verdict is not Verdict.FAILED:
            drawn[page.number] = (place.folder / f"plain-{page.number}.jpg", place.folder / f"marked-{page.number}.jpg")
            regions = [(block.type, block.bbox) for block in page.blocks]
            await place.reader.draw(page.number, regions, *drawn[page.number])
    return drawn


def _put_together(
    job: Path, wanted: Ask, document: Document, pictures: dict[int, tuple[Path, Path]], log_id: str
) -> None:
    notes = [
        f"page {page.number} {_NOTES[page.verdict]}" + (f": {page.error}" if page.error else "")
        for page in document.pages
        if page.verdict in _NOTES
    ]
    by_engine = [warning for page in document.pages for warning in page.warnings]
    content = {
        "log_id": log_id,
        "warnings": list(dict.fromkeys((*wanted.plan.warnings, *by_engine, *notes))),
        "data_info": pages.data_info(document),
        "figures": wanted.request.return_markdown_images,
        "together": wanted.together,
        "pages": [pages.entry_of(page, pictures.get(page.number)) for page in document.pages],
    }
    job.write_text(json.dumps(content), "utf-8")
