"""The resources: what the caller has saved, and the results of the caller's jobs.

ocr://files/{type}/{name}          as GET /files/{type}/{name}; these are listed
ocr://jobs/{job_id}/result/{format}    as GET /jobs/{id}/result
"""

import asyncio
from dataclasses import dataclass
from urllib.parse import quote, unquote

from server.errors import BadOption, NotFound, TooLarge
from server.mcp.asking import Asking
from server.mcp.tools import MAX_RESULT_MB
from server.reply import KIND_OF
from server.results import KINDS
from server.routes import files, jobs
from server.schemas import Format
from server.service_schemas import FileRow
from server.settings import MIB

TEMPLATES = {
    "ocr://files/{type}/{name}": "A saved result",
    "ocr://jobs/{job_id}/result/{format}": f"The result of a job: {', '.join(Format)}",
}
_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Content:
    """What a resource holds."""

    data: bytes
    media_type: str

    @property
    def is_text(self) -> bool:
        """Whether it is UTF-8."""
        return self.media_type.startswith("text/") or self.media_type == "application/json"


async def saved(asking: Asking, cursor: str | None) -> tuple[list[tuple[str, FileRow]], str | None]:
    """Saved results by address, newest first, those after the one that `cursor` names; and the next cursor.

    Raises BadOption.
    """
    reply = await asyncio.to_thread(files.files, asking.services, asking.caller)
    rows = [(f"ocr://files/{row.type}/{quote(row.name)}", row) for row in reply.files]
    first = 0
    if cursor is not None:
        uris = [uri for uri, _ in rows]
        if cursor not in uris:
            raise BadOption(
                "cursor: it is not one that this server gave, or that file is gone. Begin again without it."
            )
        first = uris.index(cursor) + 1
    some = rows[first : first + _A_PAGE]
    return some, some[-1][0] if first + _A_PAGE < len(rows) else None


async def content(asking: Asking, uri: str) -> Content:
    """What is at an address. Raises NotFound, TooLarge, and as a job's result does."""
    match [unquote(part) for part in uri.removeprefix("ocr://").split("/")]:
        case ["files", kind, name]:
            found = asking.services.results.find(asking.caller.owner, kind, name)
            _check(found.size, f"/files/{kind}/{name}")
            return Content(await asyncio.to_thread(found.path.read_bytes), media_type(kind))
        case ["jobs", job_id, "result", form] if form in list(Format):
            reply = await jobs.result(job_id, asking.services, asking.caller, asking.asked.request_id, Format(form))
            _check(len(reply.body), f"/jobs/{job_id}/result?format={form}")
            return Content(bytes(reply.body), media_type(KIND_OF[Format(form)]))
    raise NotFound("There is no such resource. `resources/list` names the saved results that there are.")


def media_type(kind: str) -> str:
    """Of a kind of file, without parameters."""
    return KINDS[kind][1].partition(";")[0]


def _check(size: int, address: str) -> None:
    if size > MAX_RESULT_MB * MIB:
        raise TooLarge(f"It has more than the {MAX_RESULT_MB} MiB that a message may carry. GET {address} gives it.")
