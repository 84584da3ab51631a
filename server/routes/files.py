"""Saved results of the caller."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from server.results import KINDS
from server.routes.dependencies import CallerDep, ServicesDep
from server.schemas import FileRow, FilesReply

router = APIRouter(prefix="/files", tags=["files"])


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


@router.get("/{kind}/{name}", response_class=Response)
def file(kind: str, name: str, services: ServicesDep, caller: CallerDep) -> FileResponse:
    """One saved file."""
    saved = services.results.find(caller.owner, kind, name)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}  # HTML made from a document
    return FileResponse(saved.path, media_type=KINDS[kind][1], headers=headers)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
