"""Several documents' results as one reply: each with its result or its problem, in the order in which they were sent."""

import io
import zipfile
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from server.results import safe_stem
from server.schemas import ManyEntry, ManyReply


def together(entries: Sequence[ManyEntry]) -> ManyReply:
    """The reply: `failed` when nothing could be read, `partial` when something could not."""
    results = [each.result for each in entries if each.result is not None]
    status: Literal["success", "partial", "failed"] = "success"
    if not results:
        status = "failed"
    elif len(results) < len(entries) or any(each.status == "partial" for each in results):
        status = "partial"
    return ManyReply(status=status, results=list(entries))


def as_json(reply: BaseModel) -> bytes:
    """A reply, without what is not set."""
    return reply.model_dump_json(exclude_unset=True).encode()


def archive(reply: ManyReply, archives: Sequence[bytes | None]) -> bytes:
    """A zip: `results.json`, and for each document a folder with all that its own zip has, or with its problem."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("results.json", as_json(reply))
        for each, own in zip(reply.results, archives, strict=True):
            folder = f"{each.index + 1:02}_{safe_stem(each.filename)}"
            if each.problem is not None:
                target.writestr(f"{folder}/problem.json", as_json(each.problem))
            if own is not None:
                with zipfile.ZipFile(io.BytesIO(own)) as inner:
                    for info in inner.infolist():
                        target.writestr(f"{folder}/{info.filename}", inner.read(info))
    return buffer.getvalue()
