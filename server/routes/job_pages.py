"""A job's pages, one by one: as they were sent, and as they were read."""

import asyncio
import re
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from server.attachments import disposition
from server.auth import Caller
from server.correction_body import MAX_CONTENT
from server.errors import NotFound
from server.jobs.job import Job, JobFile
from server.reply import page_reply
from server.routes import OF_DOCUMENTS, problems
from server.routes.dependencies import CallerDep, ServicesDep
from server.routes.jobs import JobId, document_of
from server.routes.patience import run_while_wanted
from server.routes.receiving import receive
from server.schemas import OcrOptions, PageReply, PageRow, PagesReply
from server.services import Services
from server.sniff import MEDIA_TYPES
from server.spool import room

router = APIRouter(prefix="/jobs/{job_id}", tags=["jobs"])

_MOST = 1_000_000_000
_UNKNOWN = "application/octet-stream"
_UNTRUSTED = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
_KEPT = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}

_BODY_MB = 2  # of JSON, in which a character may take twelve bytes
_CORRECTION = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"content": {"type": "string", "maxLength": MAX_CONTENT, "pattern": "^[^\\x00]*$"}},
                "required": ["content"],
                "additionalProperties": False,
            }
        }
    },
}

FileIndex = Annotated[int, Query(ge=0, le=_MOST, description="One document of several, counted from 0")]


# What is no number is the name of nothing, which is what the caller hears; the schema is for programs that make requests.
def _page_number(
    page: Annotated[
        str,
        Path(description="Of the document, counted from 1", json_schema_extra={"type": "integer", "minimum": 1}),
    ],
) -> int:
    if not re.fullmatch("[1-9][0-9]{0,8}", page):
        raise NotFound(f"There is no page {page[:20]!r}; pages are counted from 1.")
    return int(page)


def _order(
    order: Annotated[str, Path(description="The block's", json_schema_extra={"type": "integer", "minimum": 0})],
) -> int:
    if not re.fullmatch("[0-9]{1,9}", order):
        raise NotFound(f"There is no block {order[:20]!r}; blocks are counted from 0.")
    return int(order)


PageNumber = Annotated[int, Depends(_page_number)]
Order = Annotated[int, Depends(_order)]
Width = Annotated[int | None, Query(ge=64, le=4000, description="Pixels; a page is never enlarged")]


class Sent(FileResponse):
    """A document that may go before it is sent: one that is not kept goes with the end of its job."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises NotFound."""
        try:
            await super().__call__(scope, receive, send)
        except (RuntimeError, FileNotFoundError):  # the former is the framework's word for a file that is not there
            if await asyncio.to_thread(FilePath(self.path).exists):
                raise
            raise NotFound("The document was removed just now.") from None


@router.get(
    "/document",
    response_class=Response,
    responses={
        **problems(404, 422, 503),
        200: {
            "content": {each: {} for each in (*MEDIA_TYPES, _UNKNOWN)},
            "description": "The document; of an unknown type where it has not been opened",
        },
    },
)
async def document(job_id: JobId, services: ServicesDep, caller: CallerDep, file: FileIndex = 0) -> Sent:
    """A document of a job, as it was sent."""
    job, chosen = await _chosen(services, caller, job_id, file)
    path = await asyncio.to_thread(services.jobs.document, job, chosen)
    headers = {**_UNTRUSTED, "Content-Disposition": disposition(chosen.filename or f"{job_id}_{file}")}
    return Sent(path, media_type=chosen.media_type or _UNKNOWN, headers=headers)


@router.get("/pages", responses=problems(404, 422, 503))
async def pages(
    job_id: JobId,
    services: ServicesDep,
    caller: CallerDep,
    file: FileIndex = 0,
    find: Annotated[str | None, Query(max_length=200, description="Count the places where a page says this")] = None,
) -> PagesReply:
    """The pages that have been read so far, at a glance."""
    job, chosen = await _chosen(services, caller, job_id, file)
    wanted = find if find and find.strip() else None
    with_confidence = OcrOptions.model_validate(job.fields).return_confidence
    listed = await asyncio.to_thread(services.jobs.outcomes.pages.listed, job_id, chosen.index, wanted)
    return PagesReply(
        pages=[
            PageRow(
                page_number=each.number,
                width=each.width,
                height=each.height,
                verdict=each.verdict,
                confidence=each.confidence if with_confidence else None,
                corrections=each.corrections,
                found=each.found,
            )
            for each in listed
        ]
    )


@router.get("/pages/{page}", response_model_exclude_unset=True, responses=problems(404, 422, 503))
async def page(
    job_id: JobId, page: PageNumber, services: ServicesDep, caller: CallerDep, file: FileIndex = 0
) -> PageReply:
    """One page as it was read, as soon as it is."""
    job, chosen = await _chosen(services, caller, job_id, file)
    read = await asyncio.to_thread(services.correcting.page, job, chosen, page)
    return page_reply(read, OcrOptions.model_validate(job.fields))


@router.get(
    "/pages/{page}/image",
    response_class=Response,
    responses={**problems(*OF_DOCUMENTS), 200: {"content": {"image/webp": {}}, "description": "The page"}},
)
async def image(  # noqa: PLR0913 one for each thing the framework hands over
    job_id: JobId,
    page: PageNumber,
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    file: FileIndex = 0,
    width: Width = None,
) -> Response:
    """A page as it was sent, as a picture; the boxes of its blocks scale to it. It need not have been read."""
    with services.admission.enter(pages=0):
        job, chosen = await _chosen(services, caller, job_id, file)
        path: FilePath = await asyncio.to_thread(services.jobs.document, job, chosen)
        showing = services.viewing.picture(path, page, width, services.recognition.dpi(job.model))
        picture = await run_while_wanted(showing, request, services, advice="Ask for a smaller `width`.")
    return Response(picture, media_type="image/webp", headers=_KEPT)


@router.put(
    "/pages/{page}/blocks/{order}",
    response_model_exclude_unset=True,
    responses=problems(400, 404, 413, 415, 422, 503, 504),
    openapi_extra={"requestBody": _CORRECTION},
)
async def correct(  # noqa: PLR0913 one for each thing the framework hands over
    job_id: JobId,
    page: PageNumber,
    order: Order,
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    file: FileIndex = 0,
) -> PageReply:
    """Say what stands in a block: from now on every form of the result says so, and that it was corrected."""
    job, chosen = await _chosen(services, caller, job_id, file)
    with services.admission.enter(pages=0), room(), services.spool.request() as folder:
        receiving = receive(request, folder / "body", None, limit_mb=_BODY_MB)
        await run_while_wanted(receiving, request, services, reads_body=True)
        async with services.pool.reader(folder) as reader:
            parsing = reader.correction(folder / "body", request.headers.get("content-type", ""))
            content = await run_while_wanted(parsing, request, services)
        read = await asyncio.to_thread(services.correcting.correct, job, chosen, page, order, content)
    return page_reply(read, OcrOptions.model_validate(job.fields))


@router.delete("/pages/{page}/blocks/{order}", response_model_exclude_unset=True, responses=problems(404, 422, 503))
async def take_back(  # noqa: PLR0913 one for each thing the framework hands over
    job_id: JobId, page: PageNumber, order: Order, services: ServicesDep, caller: CallerDep, file: FileIndex = 0
) -> PageReply:
    """Take a correction back: the block is again what was recognised."""
    job, chosen = await _chosen(services, caller, job_id, file)
    read = await asyncio.to_thread(services.correcting.correct, job, chosen, page, order, None)
    return page_reply(read, OcrOptions.model_validate(job.fields))


async def _chosen(services: Services, caller: Caller, job_id: str, file: int) -> tuple[Job, JobFile]:
    job = await asyncio.to_thread(services.jobs.store.job, job_id, caller.owner)
    return job, document_of(job, file)
