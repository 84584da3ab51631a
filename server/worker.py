"""The child program that holds one model: `python -m server.worker MODEL`.

The engine's libraries are imported, and the model is loaded, on the main thread. By hand,
`python -m server.worker MODEL page.png` prints the page's Markdown. Standard library only, apart from what the engine
itself imports.
"""

import argparse
import ctypes
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from threading import Lock

from server import catalog, protocol
from server.engines import create
from server.engines.base import Engine, PageInput
from server.errors import OcrError

NICENESS = 5
"""Recognition takes every core it gets; the HTTP process must still answer at once."""

_WORD = (
    "##### ##### ##### #####",
    "  #   #     #       #  ",
    "  #   ####  #####   #  ",
    "  #   #         #   #  ",
    "  #   ##### #####   #  ",
)
_DOT_PX = 10

log = logging.getLogger("server.worker")

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class _JsonLines(logging.Formatter):
    """One JSON object a line on stderr: the server adds the model's name and writes it into its own log."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "event": record.getMessage(), "logger": record.name}
        if request_id := _request_id.get():
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def main() -> int:
    """Serve a model over the socket, or read pages by hand. Exit code 1: the model cannot be loaded."""
    arguments = argparse.ArgumentParser(prog="python -m server.worker", description="Hold one model and read pages.")
    arguments.add_argument("model", help="a model of server/catalog.toml")
    arguments.add_argument("images", nargs="*", type=Path, help="images to read by hand; prints their Markdown")
    arguments.add_argument("--channel", type=int, help="the socket to the server, as an open file number")
    given = arguments.parse_args()
    entry = catalog.find(catalog.read(), given.model)
    if given.channel is None:
        return _by_hand(create(entry.engine), given.images, entry.check_options({}))
    _settle_in()
    with socket.socket(fileno=given.channel) as channel:
        return serve(entry, channel)


def serve(entry: catalog.ModelEntry, channel: socket.socket) -> int:
    """Load the model, read a warm-up page, then answer until `Close` or the other side is gone."""
    lock = Lock()

    def send(message: protocol.Message) -> None:
        with lock:
            channel.sendall(protocol.encode(message))

    started = time.perf_counter()
    try:
        engine = create(entry.engine)
        engine.load()
        _warm_up(engine, entry.check_options({}))
    except Exception as error:
        log.exception("model not loaded")
        send(protocol.LoadFailed("".join(traceback.format_exception_only(error)).strip()))
        return 1
    send(protocol.Loaded(engine.concurrency, time.perf_counter() - started))

    with channel.makefile("rb") as lines:
        if engine.concurrency == 1:
            _answer_all(lines, lambda message: _answer(engine, message, send))
        else:
            with ThreadPoolExecutor(engine.concurrency, "recognise") as threads:
                _answer_all(lines, lambda message: threads.submit(_answer, engine, message, send))
    engine.close()
    return 0


def _answer_all(lines: Iterable[bytes], answer: Callable[[protocol.Recognise], object]) -> None:
    for line in lines:
        match protocol.decode(line):
            case protocol.Recognise() as message:
                answer(message)
            case protocol.Close():
                return
            case other:
                raise protocol.ProtocolError(f"{other.kind} is not for a worker")


def _answer(engine: Engine, message: protocol.Recognise, send: Callable[[protocol.Message], None]) -> None:
    _request_id.set(message.request_id)
    try:
        pages = engine.recognise(message.pages, message.options)
    except OcrError as error:
        send(protocol.NotRecognised(message.id, error.detail, error.code))
    except Exception as error:
        if all(page.path.exists() for page in message.pages):
            log.exception("pages not recognised")
        else:  # a request that ends early takes its pages with it, also those in work
            log.info("pages withdrawn")
        send(protocol.NotRecognised(message.id, f"{type(error).__name__}: {error}", None))
    else:
        send(protocol.Recognised(message.id, tuple(pages)))


def _warm_up(engine: Engine, options: dict[str, str]) -> None:
    """A page with a word on it through the whole engine: the first call allocates and compiles. Raises what it raises."""
    width, height, left, top = 640, 320, 100, 100
    pixels = bytearray(b"\xff" * (width * height * 3))
    for row, dots in enumerate(_WORD):
        for column, dot in enumerate(dots):
            for y in range(_DOT_PX if dot == "#" else 0):
                start = ((top + row * _DOT_PX + y) * width + left + column * _DOT_PX) * 3
                pixels[start : start + _DOT_PX * 3] = bytes(_DOT_PX * 3)
    with tempfile.TemporaryDirectory(prefix="offline-ocr-warm-up-") as folder:
        path = Path(folder) / "page.ppm"
        path.write_bytes(b"P6 %d %d 255\n" % (width, height) + pixels)
        engine.recognise([PageInput(1, path, width, height)], options)


def _settle_in() -> None:
    """Die with the server, be the first to go when memory runs out, and leave the processor to the server."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the server is gone")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the server decides
    Path("/proc/self/oom_score_adj").write_text("1000")
    os.nice(NICENESS)
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _by_hand(engine: Engine, images: list[Path], options: dict[str, str]) -> int:
    from PIL import Image  # noqa: PLC0415 every engine stack has Pillow; the worker itself does without

    engine.load()
    with tempfile.TemporaryDirectory(prefix="offline-ocr-by-hand-") as folder:
        for number, path in enumerate(images, start=1):
            image = Image.open(path).convert("RGB")
            target = Path(folder) / f"page-{number:05}.ppm"
            image.save(target)
            [page] = engine.recognise([PageInput(number, target, *image.size)], options)
            sys.stdout.write(page.markdown + "\n")
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
