"""Saved results of the caller."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse

from server.results import KINDS
from server.routes import problems
from server.routes.dependencies import CallerDep, ServicesDep
from server.service_schemas import FileRow, FilesReply

router = APIRouter(prefix="/files", tags=["files"])

# Of another kind there are none, which is what the caller hears; the list is for programs that make requests.
Kind = Annotated[str, Path(json_schema_extra={"enum": list(KINDS)})]


@router.get("")
def files(services: ServicesDep, caller: CallerDep) -> FilesReply:
    """What `save` kept for this caller, newest first."""
    store = services.results
    return FilesReply(
        files=[
            FileRow(
                type=saved.kind,
                name=saved.name,
                size=saved.size,
                created=_iso(saved.created),
                expires=_iso(saved.created + store.ttl_s),
                url=f"/files/{saved.kind}/{saved.name}",
            )
            for saved in store.all(caller.owner)
        ]
    )


@router.get(
    "/{kind}/{name}",
    response_class=Response,
    responses={**problems(404), 200: {"content": {each.partition(";")[0]: {} for _, each in KINDS.values()}}},
)
def file(kind: Kind, name: str, services: ServicesDep, caller: CallerDep) -> FileResponse:
    """One saved file."""
    saved = services.results.find(caller.owner, kind, name)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}  # HTML made from a document
    return FileResponse(saved.path, media_type=KINDS[kind][1], headers=headers)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
