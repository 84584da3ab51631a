"""A request's body goes to disk as it comes; this process only counts its bytes."""

from pathlib import Path

from fastapi import Request

from server.admission import Permit
from server.errors import UploadTooLarge
from server.routes.dependencies import services
from server.settings import MIB

_BODY_ROOM = 64 * 1024  # what a body holds beside its documents: boundaries and options, bytes


async def receive(request: Request, body: Path, permit: Permit | None, *, limit_mb: int) -> None:
    """The body, onto the disk; the permit, if there is one, grows with it.

    Raises UploadTooLarge before more than `limit_mb` MiB of documents have been taken, QueueFull.
    """
    # base64 makes four bytes of three, and may break its lines
    limit = limit_mb * MIB * 14 // 10 + _BODY_ROOM
    too_large = UploadTooLarge(f"The upload is larger than {limit_mb} MiB. Send fewer pages, or a lower resolution.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    size = 0
    with services(request).stages("receive"), body.open("wb") as target:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise too_large
            if permit:
                permit.grow_bytes(len(chunk))
            target.write(chunk)
