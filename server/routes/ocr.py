"""`POST /ocr`: a document in, its text out.

The body is opened, like the document in it, in a child of the page pool.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from fastapi import APIRouter, Request, Response

from server.reply import KIND_OF, Finished, render
from server.results import KINDS
from server.routes import OF_DOCUMENTS, problems
from server.routes.accepting import accepted
from server.routes.dependencies import CallerDep, RequestIdDep, ServicesDep
from server.routes.ocr_body import takes
from server.routes.patience import run_while_wanted
from server.routes.reading import Asked, Place, read
from server.schemas import DocumentReply, Format, ImageReply
from server.spool import room

router = APIRouter(tags=["ocr"])

_MEDIA_TYPES = {KINDS[kind][1].partition(";")[0]: form for form, kind in KIND_OF.items()}


@router.post(
    "/ocr",
    response_class=Response,
    responses={
        **problems(*OF_DOCUMENTS),
        200: {
            "model": ImageReply | DocumentReply,
            "description": "The result; `Accept` asks for another form of it than JSON",
            "content": {media_type: {} for media_type in _MEDIA_TYPES if media_type != "application/json"},
        },
    },
    openapi_extra=takes("Document"),
)
async def ocr(request: Request, services: ServicesDep, caller: CallerDep, request_id: RequestIdDep) -> Response:
    """Read one document: exactly one of `file` (or `image`), `image_base64`, `image_url`, and options."""
    asked = Asked.by(request, services, caller, request_id)
    form = accepted(request, _MEDIA_TYPES, Format.JSON)
    with room():
        async with AsyncExitStack() as held:
            place = await Place.take(services, held)
            body = await place.received(request, services, asked.started)
            content_type = request.headers.get("content-type", "")
            reading = _read(asked, body, content_type, place, held)
            finished, cached = await run_while_wanted(reading, request, services, started=asked.started)
            content, status = await asyncio.to_thread(_rendered, asked, finished, form)
    headers = {"X-Document-Status": status, "Vary": "Accept"} | ({"X-Cache": cached} if cached else {})
    return Response(content, media_type=KINDS[KIND_OF[form]][1], headers=headers)


async def _read(
    asked: Asked, body: Path, content_type: str, place: Place, held: AsyncExitStack
) -> tuple[Finished, str | None]:
    call = await place.reader.call(body, content_type)
    body.unlink()
    plan = asked.services.recognition.plan(call.fields, typed=call.typed)
    return await read(asked, call.documents[0], plan, place, held)


def _rendered(asked: Asked, finished: Finished, form: Format) -> tuple[bytes, str]:
    with asked.services.stages("reply"):
        reply = asked.services.keeper.finish(finished, asked.owner)
        return render(finished, reply, form), reply.status
