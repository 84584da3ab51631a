"""What the server and an engine worker say to each other: one JSON object a line, over a socket of their own.

    server → worker    recognise, close
    worker → server    loaded | load_failed, then for each recognise: begun, and recognised | not_recognised

Standard library only; page images travel by their path in the spool, never by value.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from server.documents import Page
from server.engines.base import PageInput

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A page's result is far below this; a longer line means that the worker is not sane."""


@dataclass(frozen=True, slots=True)
class Recognise:
    """Read these pages; `id` comes back with the answer, `request_id` goes into the log."""

    kind: ClassVar[str] = "recognise"
    id: int
    pages: tuple[PageInput, ...]
    options: Mapping[str, Any]
    request_id: str


@dataclass(frozen=True, slots=True)
class Close:
    """Finish what is in work, free the model and exit."""

    kind: ClassVar[str] = "close"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is loaded and has read a warm-up page; `concurrency` is how many `recognise` it takes at once.

    With `batches` it works on them one after the other, not side by side; `withdraws`: it lets go of a page whose file is
    taken away.
    """

    kind: ClassVar[str] = "loaded"
    concurrency: int
    batches: bool
    withdraws: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model cannot be loaded, and trying again would not help."""

    kind: ClassVar[str] = "load_failed"
    detail: str


@dataclass(frozen=True, slots=True)
class Begun:
    """Work on these requests begins now, as one batch."""

    kind: ClassVar[str] = "begun"
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Recognised:
    """One result for each page asked for, in the same order."""

    kind: ClassVar[str] = "recognised"
    id: int
    pages: tuple[Page, ...]


@dataclass(frozen=True, slots=True)
class NotRecognised:
    """The engine raised an error on these pages; the worker goes on. `code` is set when it is one of `server.errors`."""

    kind: ClassVar[str] = "not_recognised"
    id: int
    detail: str
    code: str | None


Message = Recognise | Close | Loaded | LoadFailed | Begun | Recognised | NotRecognised
_KINDS: dict[str, type[Message]] = {
    cls.kind: cls for cls in (Recognise, Close, Loaded, LoadFailed, Begun, Recognised, NotRecognised)
}


class ProtocolError(Exception):
    """The other side sent something that is no message."""


def encode(message: Message) -> bytes:
    """The message as one line."""
    wire = {"kind": message.kind, **asdict(message)}
    if isinstance(message, Recognise):
        wire["pages"] = [asdict(page) | {"path": str(page.path)} for page in message.pages]
        wire["options"] = dict(message.options)
    elif isinstance(message, Recognised):
        wire["pages"] = [page.to_wire() for page in message.pages]
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def decode(line: bytes) -> Message:
    """The message in a line. Raises ProtocolError."""
    try:
        wire = json.loads(line)
        kind = _KINDS[wire.pop("kind")]
        if kind is Recognise:
            wire["pages"] = tuple(PageInput(**page | {"path": Path(page["path"])}) for page in wire["pages"])
        elif kind is Recognised:
            wire["pages"] = tuple(Page.from_wire(page) for page in wire["pages"])
        elif kind is Begun:
            wire["ids"] = tuple(wire["ids"])
        return kind(**wire)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"not a message: {line[:200]!r} ({error!r})") from error
