"""What the server and an engine worker say to each other: one JSON object a line, over a socket of their own.

    server → worker    recognise, answer, close
    worker → server    loaded | load_failed, then for each recognise: begun, and recognised | not_recognised,
                       for each answer: begun, any number of more, and answered | not_recognised

Standard library only; page images travel by their path in the spool, never by value.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, get_args

from server.chat import Chat, Ending, Said
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
class Answer:
    """Say the next turn of this chat."""

    kind: ClassVar[str] = "answer"
    id: int
    chat: Chat
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
class More:
    """Some more of an answer."""

    kind: ClassVar[str] = "more"
    id: int
    said: Said


@dataclass(frozen=True, slots=True)
class Answered:
    """All of the answer has been said."""

    kind: ClassVar[str] = "answered"
    id: int
    ending: Ending


@dataclass(frozen=True, slots=True)
class NotRecognised:
    """The engine raised an error on these pages, or this chat; the worker goes on.

    `code` is set when the error is one of `server.errors`.
    """

    kind: ClassVar[str] = "not_recognised"
    id: int
    detail: str
    code: str | None


Message = Recognise | Answer | Close | Loaded | LoadFailed | Begun | Recognised | More | Answered | NotRecognised
_KINDS: dict[str, type[Message]] = {cls.kind: cls for cls in get_args(Message)}


class ProtocolError(Exception):
    """The other side sent something that is no message."""


def encode(message: Message) -> bytes:
    """The message as one line."""
    wire = {"kind": message.kind, **asdict(message)}
    if isinstance(message, Recognise):
        wire["pages"] = [_page_input(page) for page in message.pages]
        wire["options"] = dict(message.options)
    elif isinstance(message, Answer):
        wire["chat"] = message.chat.to_wire()
    elif isinstance(message, Recognised):
        wire["pages"] = [page.to_wire() for page in message.pages]
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _page_input(page: PageInput) -> dict[str, Any]:
    wire = asdict(replace(page, preparation=None)) | {"path": str(page.path)}
    del wire["preparation"]
    return wire


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
        elif kind is Answer:
            wire["chat"] = Chat.from_wire(wire["chat"])
        elif kind is More:
            wire["said"] = Said(**wire["said"] | {"logprobs": tuple(wire["said"]["logprobs"])})
        elif kind is Answered:
            wire["ending"] = Ending(**wire["ending"])
        return kind(**wire)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"not a message: {line[:200]!r} ({error!r})") from error
