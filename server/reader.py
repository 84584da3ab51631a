"""The page pool's child: a process for one document, limited in what it may take, that answers JSON lines on a socket.

    {"step": "call", "body": path, "content_type": text, "most": n, "dialect": text} → {"ok": {… fields of Call}}
    {"step": "correction", "body": path, "content_type": text} → {"ok": {"content"}}
    {"step": "open", "document": path}                     → {"ok": {"file_type", "media_type", "total_pages"}}
    {"step": "render", "document": path, "number": n, "target": path, "steps": [Step, …]}
                                                           → {"ok": {"width", "height", "preparation"}}
    {"step": "draw", "document": path, "number": n, "regions": [[type, bbox], …], "targets": [path, path]} → {"ok": {}}
    {"step": "show", "document": path, "number": n, "width": px or null, "target": path} → {"ok": {}}
    {"step": "write", "job": path, "target": path}         → {"ok": {}}
    {"step": "restructure", "body": path, "content_type": text, "target": path, "log_id": text} → {"ok": {}}
    any                                                    → {"error": code, "detail", "retry_after", "trace"}

The first line, `{"ok": {}}`, comes unasked when the child is ready. Standard library only at import: the HTTP process
imports this module too, to name `serve` as what its children run.
"""

import ctypes
import errno
import json
import logging
import os
import resource
import signal
import socket
import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.call import Dialect
from server.errors import InternalError, OcrError, OutOfSpace, ReaderKilled

if TYPE_CHECKING:
    from server.preparation import Preparation
    from server.render import Pages
    from server.sniff import Kind

PRELOAD = [
    "server.chat_body",
    "server.correction_body",
    "server.intake",
    "server.mcp.message",
    "server.paddlex.body",
    "server.paddlex.drawing",
    "server.paddlex.writing",
    "server.picture",
    "server.render",
    "server.reader",
]
"""What the fork server imports once: a child starts in milliseconds, and may write no byte code of its own."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38
_NICENESS = 5  # as the engine workers': the HTTP process must answer at once
_HEADER_ROOM = 1024  # a PPM's header, bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take.

    `max_pixels` of a page image. Each step may use `cpu_seconds` of processor time and `wall_seconds` in all.
    """

    max_pixels: int
    cpu_seconds: int = 60
    wall_seconds: float = 120

    @property
    def memory(self) -> int:
        """Address space of the child, bytes: converting holds an image up to four times, at four bytes a pixel."""
        return (1 << 30) + 16 * self.max_pixels


def serve(connection: socket.socket, spool: Path, limits: Limits) -> None:
    """Answer on `connection` until its other end is closed."""
    _confine(connection, limits)
    steps = _Steps(spool, limits)
    with connection, connection.makefile("rwb") as stream:
        _send(stream, {"ok": {}})
        for line in stream:
            _send(stream, steps.answer(json.loads(line)))


def _send(stream: Any, answer: Mapping[str, Any]) -> None:
    stream.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
    stream.flush()


def _confine(connection: socket.socket, limits: Limits) -> None:
    # Nothing but the connection is needed. A child that held the fork server's life line would keep it alive, and with
    # it all other children, after the server's end.
    os.closerange(3, connection.fileno())
    os.closerange(connection.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_PDEATHSIG, signal.SIGKILL), (_PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option})")
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C reaches the whole group; the server ends its children itself
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(kind, (value, value))
    # Parsers, native ones too, complain about what they parse. The caller gets that as the answer; the log does not.
    logging.disable()
    warnings.simplefilter("ignore")
    with Path(os.devnull).open("w") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)


class _Steps:
    """The steps, and the document they left open."""

    def __init__(self, spool: Path, limits: Limits) -> None:
        self._spool = spool
        self._limits = limits
        self._document: tuple[str, Kind, Pages] | None = None

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one step; what it raises becomes the answer."""
        try:
            self._renew_limits(request)
            return {"ok": getattr(self, "_" + request["step"])(request)}
        except OcrError as error:
            return _failure(error)
        except MemoryError:
            return _failure(ReaderKilled("The document needs more memory than a document may take."))
        except OSError as error:
            known = _of_the_disk(error.errno)
            return _failure(known) if known else _unexpected()
        except Exception:  # noqa: BLE001 the parent must hear of it, and log it
            return _unexpected()

    def _renew_limits(self, request: Mapping[str, Any]) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(usage.ru_utime + usage.ru_stime) + 1 + self._limits.cpu_seconds
        size = self._room(request)
        for kind, value in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, size + _HEADER_ROOM)):
            resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))

    def _room(self, request: Mapping[str, Any]) -> int:
        """The largest file that the step may write, bytes."""
        match request["step"]:
            case "call":  # what a body unpacks to is never larger than the body
                return Path(request["body"]).stat().st_size
            case "write" | "restructure":
                return self._limits.memory
        return 3 * self._limits.max_pixels

    def _call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.chat_body import read_chat  # noqa: PLC0415 loaded in the child only
        from server.intake import read_call  # noqa: PLC0415
        from server.mcp.message import read_message  # noqa: PLC0415
        from server.paddlex.body import read_body  # noqa: PLC0415

        body, content_type = Path(request["body"]), request["content_type"]
        match Dialect(request["dialect"]):
            case Dialect.OURS:
                call = read_call(body, content_type, self._spool, request["most"])
            case Dialect.PADDLEX:
                call = read_body(body, content_type, self._spool)
            case Dialect.OPENAI:
                call = read_chat(body, content_type, self._spool)
            case Dialect.MCP:
                call = read_message(body, self._spool)
        return call.to_wire()

    def _correction(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.correction_body import read_correction  # noqa: PLC0415 loaded in the child only

        return {"content": read_correction(Path(request["body"]), request["content_type"])}

    def _open(self, request: Mapping[str, Any]) -> dict[str, Any]:
        kind, pages = self._opened(request)
        return {"file_type": kind.file_type, "media_type": kind.media_type, "total_pages": pages.total}

    def _render(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.render import render_page  # noqa: PLC0415 loaded in the child only

        _, pages = self._opened(request)
        target = Path(request["target"])
        width, height = render_page(pages, request["number"], target)
        if not request["steps"]:
            return {"width": width, "height": height, "preparation": None}
        width, height, done = _prepare(target, request["steps"], self._limits.max_pixels)
        return {"width": width, "height": height, "preparation": done.to_wire()}

    def _show(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.picture import write_picture  # noqa: PLC0415 loaded in the child only

        _, pages = self._opened(request)
        write_picture(pages, request["number"], request["width"], Path(request["target"]))
        return {}

    def _draw(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.paddlex.drawing import draw_page  # noqa: PLC0415 loaded in the child only

        _, pages = self._opened(request)
        plain, marked = map(Path, request["targets"])
        draw_page(pages, request["number"], request["regions"], plain, marked)
        return {}

    def _write(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.paddlex.writing import write_document  # noqa: PLC0415 loaded in the child only

        write_document(Path(request["job"]), Path(request["target"]))
        return {}

    def _restructure(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.paddlex.writing import write_restructured  # noqa: PLC0415 loaded in the child only

        write_restructured(Path(request["body"]), request["content_type"], Path(request["target"]), request["log_id"])
        return {}

    def _opened(self, request: Mapping[str, Any]) -> "tuple[Kind, Pages]":
        from server.render import open_document  # noqa: PLC0415 loaded in the child only

        document, dpi = request["document"], request["dpi"]
        if self._document is None or self._document[0] != document:
            self._document = None
            self._document = (document, *open_document(Path(document), self._limits.max_pixels, dpi))
        return self._document[1:]


def _prepare(target: Path, steps: Sequence[str], max_pixels: int) -> "tuple[int, int, Preparation]":
    # OpenBLAS would take memory for a thread on each core, more than a document may
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from server.preparation import Step  # noqa: PLC0415 loaded in the child only
    from server.preprocess.prepare import prepare  # noqa: PLC0415 0.2 s, for those who ask for it

    return prepare(target, [Step(step) for step in steps], max_pixels)


def _of_the_disk(number: int | None) -> OcrError | None:
    if number in (errno.ENOSPC, errno.EDQUOT):
        return OutOfSpace("The server has no room for page images at the moment.", retry_after=10)
    if number == errno.EFBIG:
        return ReaderKilled("The result is larger than a result may be. Ask for fewer pages at once.")
    return None


def _failure(error: OcrError) -> dict[str, Any]:
    return {"error": error.code, "detail": error.detail, "retry_after": error.retry_after}


def _unexpected() -> dict[str, Any]:
    return _failure(InternalError("The server failed on this request; its log has the details.")) | {
        "trace": traceback.format_exc()
    }
