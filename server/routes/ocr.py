"""`POST /ocr`: a document in, its text out.

The body goes to disk as it comes and is opened, like the document in it, in a child of the page pool; this process
only counts its bytes.
"""

import asyncio
import errno
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from server import catalog, fetch
from server.admission import Permit
from server.auth import Caller
from server.call import Call
from server.errors import BadOption, OutOfSpace, UploadTooLarge, UrlInputDisabled
from server.page_ranges import page_numbers
from server.reply import KIND_OF, Finished, as_text, build, render, render_all
from server.results import KINDS
from server.routes.dependencies import CallerDep, RequestIdDep, ServicesDep
from server.routes.patience import run_while_wanted
from server.schemas import DEFAULT_PROMPT, DocumentReply, Format, ImageReply, OcrOptions
from server.services import Services
from server.settings import MIB

router = APIRouter(tags=["ocr"])

_BODY_ROOM = 64 * 1024  # what a body holds beside its document: boundaries and options, bytes
_MEDIA_TYPES = {KINDS[kind][1].partition(";")[0]: form for form, kind in KIND_OF.items()}


@dataclass(frozen=True, slots=True)
class _Job:
    """One request on its way."""

    services: Services
    caller: Caller
    request_id: str
    folder: Path
    permit: Permit
    started: float


def _request_body() -> dict[str, Any]:
    """The body in words of OpenAPI: two shapes, the same options."""
    options = OcrOptions.model_json_schema(ref_template="#/components/schemas/{model}")
    formats = options.pop("$defs")["Format"]
    properties = options["properties"]
    properties["formats"] = {**properties["formats"], "items": formats}
    base64 = {"type": "string", "description": "The document in base64; a data URI will do"}
    url = {"type": "string", "format": "uri", "description": "Where the document is; off unless ALLOW_URL_INPUT"}
    file = {"type": "string", "format": "binary", "description": "The document: PDF, JPG, PNG, TIFF, BMP, WEBP or GIF"}
    shared = {"image_base64": base64, "image_url": url, **properties}
    listed = {"type": "string", "description": properties["formats"]["description"], "example": "html,csv"}
    form = {**shared, "formats": listed}
    files = {"file": file, "image": {**file, "description": "The same as `file`"}}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {**files, **form}}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": form}},
            "application/json": {"schema": {"type": "object", "properties": shared}},
        },
    }


@router.post(
    "/ocr",
    response_class=Response,
    responses={
        200: {
            "model": ImageReply | DocumentReply,
            "description": "The result; `Accept` asks for another form of it than JSON",
            "content": {media_type: {} for media_type in _MEDIA_TYPES if media_type != "application/json"},
        }
    },
    openapi_extra={"requestBody": _request_body()},
)
async def ocr(request: Request, services: ServicesDep, caller: CallerDep, request_id: RequestIdDep) -> Response:
    """Read one document: exactly one of `file` (or `image`), `image_base64`, `image_url`, and options."""
    with services.admission.enter() as permit, _room(), services.spool.request() as folder:
        job = _Job(services, caller, request_id, folder, permit, time.perf_counter())
        body = folder / "body"
        receiving = _receive(request, body, job)
        await run_while_wanted(receiving, request, services, started=job.started, reads_body=True)
        content_type = request.headers.get("content-type", "")
        recognising = _recognise(job, body, content_type)
        finished = await run_while_wanted(recognising, request, services, started=job.started)
        form = _accepted(request.headers.get("accept", ""))
        return await _respond(job, finished, form)


@contextmanager
def _room() -> Iterator[None]:
    """A full disk is a matter of waiting, not a failure of the server. Raises OutOfSpace for it."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise OutOfSpace("There is no room for documents at the moment. Try again later.", retry_after=10) from error


async def _receive(request: Request, body: Path, job: _Job) -> None:
    """The body, onto the disk. Raises UploadTooLarge before more than the limit has been taken, QueueFull."""
    limit_mb = job.services.settings.max_upload_mb
    # base64 makes four bytes of three, and may break its lines
    limit = limit_mb * MIB * 14 // 10 + _BODY_ROOM
    too_large = UploadTooLarge(f"The upload is larger than {limit_mb} MiB. Send fewer pages, or a lower resolution.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    size = 0
    with body.open("wb") as target:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise too_large
            job.permit.grow_bytes(len(chunk))
            target.write(chunk)


async def _recognise(job: _Job, body: Path, content_type: str) -> Finished:
    services, settings = job.services, job.services.settings
    async with services.pool.reader(job.folder) as reader:
        call = await reader.call(body, content_type)
        body.unlink()
        options = _options(call.fields)
        entry = catalog.find(services.catalog, options.model_name or settings.default_model)
        prompt = None if options.prompt == DEFAULT_PROMPT else options.prompt
        model_options = entry.check_options(options.model_extra or {}, prompt, options.return_confidence)
        opened = await reader.open(await _document(job, call), settings.pdf_dpi or entry.pdf_dpi)
        numbers = page_numbers(options.pages, opened.total_pages, settings.max_pages)
        job.permit.set_pages(len(numbers))
        host = services.supervisor.host(entry.name)
        document = await services.pipeline.run(
            reader, opened, numbers, host, model_options, permit=job.permit, request_id=job.request_id
        )
    return Finished(
        document=document,
        options=options,
        model=entry.name,
        input_type=call.input_type,
        filename=call.filename,
        request_id=job.request_id,
        total_seconds=time.perf_counter() - job.started,
        warnings=(f"prompt has no effect with {entry.name}",) if prompt and entry.vlm is None else (),
        page_header=settings.page_header,
        page_separator=settings.page_separator,
    )


def _options(fields: dict[str, Any]) -> OcrOptions:
    try:
        return OcrOptions.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadOption(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


async def _document(job: _Job, call: Call) -> Path:
    settings = job.services.settings
    limit = settings.max_upload_mb * MIB
    if call.document:
        if call.document.stat().st_size > limit:
            raise UploadTooLarge(f"The document is larger than {settings.max_upload_mb} MiB.")
        return call.document
    if not settings.allow_url_input:
        raise UrlInputDisabled("This server takes no image_url (ALLOW_URL_INPUT is off). Send the document itself.")
    assert call.url is not None
    target = job.folder / "document"
    await fetch.fetch(call.url, target, max_bytes=limit, timeout_s=settings.request_timeout_s)
    job.permit.grow_bytes(target.stat().st_size)
    return target


def _accepted(accept: str) -> Format:
    """The form that the caller's Accept header likes best (RFC 9110, 12.5.1); JSON when it names none of ours."""
    liked: list[tuple[float, Format]] = []
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights = [_weight(parameter[2:]) for parameter in parameters if parameter.startswith("q=")]
        if media_type in _MEDIA_TYPES:
            liked.append((weights[0] if weights else 1.0, _MEDIA_TYPES[media_type]))
    weight, form = max(liked, key=lambda pair: pair[0], default=(0.0, Format.JSON))
    return form if weight > 0 else Format.JSON


def _weight(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text) else 0.0


async def _respond(job: _Job, finished: Finished, form: Format) -> Response:
    content, status = await asyncio.to_thread(_rendered, job, finished, form)
    return Response(content, media_type=KINDS[KIND_OF[form]][1], headers={"X-Document-Status": status})


def _rendered(job: _Job, finished: Finished, form: Format) -> tuple[bytes, str]:
    """The reply's body and the document's status. Takes seconds for thousands of pages; runs in a thread."""
    reply = build(finished)
    wanted = finished.options.formats
    saved = (Format.MARKDOWN, Format.JSON, *wanted) if finished.options.save else ()
    contents = render_all(finished, reply, (*wanted, *saved))
    if wanted:
        reply.outputs = {each: as_text(each, contents[each]) for each in dict.fromkeys(wanted)}
    if saved:
        reply.local_files = _save(job, finished.filename, {KIND_OF[each]: contents[each] for each in saved})
    return render(finished, reply, form), reply.status


def _save(job: _Job, filename: str | None, contents: dict[str, bytes]) -> dict[str, str]:
    try:
        return job.services.results.save(job.caller.owner, filename, contents)
    except OSError as error:  # the result itself is there: the caller gets it, and is told
        return {"error": f"The result could not be saved: {error.strerror}."}
