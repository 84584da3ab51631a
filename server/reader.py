"""The page pool's child: a process for one document, limited in what it may take, that answers JSON lines on a socket.

    {"step": "call", "body": path, "content_type": text}   → {"ok": {… fields of Call}}
    {"step": "open", "document": path}                     → {"ok": {"file_type", "media_type", "total_pages"}}
    {"step": "render", "document": path, "number": n, "target": path} → {"ok": {"width", "height"}}
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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.errors import InternalError, OcrError, ReaderKilled, Unavailable

if TYPE_CHECKING:
    from server.render import Pages
    from server.sniff import Kind

PRELOAD = ["server.intake", "server.render", "server.reader"]
"""What the fork server imports once, so that a child starts in milliseconds."""

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
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return _failure(Unavailable("The server has no room for page images at the moment.", retry_after=10))
            return _unexpected()
        except Exception:  # noqa: BLE001 the parent must hear of it, and log it
            return _unexpected()

    def _renew_limits(self, request: Mapping[str, Any]) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(usage.ru_utime + usage.ru_stime) + 1 + self._limits.cpu_seconds
        # What a body unpacks to is never larger than the body.
        size = Path(request["body"]).stat().st_size if request["step"] == "call" else 3 * self._limits.max_pixels
        for kind, value in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, size + _HEADER_ROOM)):
            resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))

    def _call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.intake import read_call  # noqa: PLC0415 loaded in the child only

        call = read_call(Path(request["body"]), request["content_type"], self._spool)
        return call.to_wire()

    def _open(self, request: Mapping[str, Any]) -> dict[str, Any]:
        kind, pages = self._opened(request)
        return {"file_type": kind.file_type, "media_type": kind.media_type, "total_pages": pages.total}

    def _render(self, request: Mapping[str, Any]) -> dict[str, Any]:
        from server.render import render_page  # noqa: PLC0415 loaded in the child only

        _, pages = self._opened(request)
        width, height = render_page(pages, request["number"], Path(request["target"]))
        return {"width": width, "height": height}

    def _opened(self, request: Mapping[str, Any]) -> "tuple[Kind, Pages]":
        from server.render import open_document  # noqa: PLC0415 loaded in the child only

        document, dpi = request["document"], request["dpi"]
        if self._document is None or self._document[0] != document:
            self._document = None
            self._document = (document, *open_document(Path(document), self._limits.max_pixels, dpi))
        return self._document[1:]


def _failure(error: OcrError) -> dict[str, Any]:
    return {"error": error.code, "detail": error.detail, "retry_after": error.retry_after}


def _unexpected() -> dict[str, Any]:
    return _failure(InternalError("The document could not be opened.")) | {"trace": traceback.format_exc()}
