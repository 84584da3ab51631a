"""The child program that holds one model: `python -m server.worker MODEL`.

The engine's libraries are imported, the model is loaded, and an engine that batches is called on the main thread: what
Paddle knows about being in eager mode belongs to the thread that first imported it, and is lost with that thread.
By hand, `python -m server.worker MODEL page.png` prints the page's Markdown. Standard library only, apart from what the
engine itself imports.
"""

import argparse
import ctypes
import errno
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from types import SimpleNamespace

from server import catalog, lock, protocol, stacks
from server.engines import create
from server.engines.base import CannotLoadError, Chatty, Engine, Loading, PageInput
from server.errors import OcrError, OutOfSpace
from server.inbox import Inbox
from server.knobs import Knobs

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
_LITTLE_ROOM = 64 * 1024  # bytes: a figure may not fit

log = logging.getLogger("server.worker")

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_batch = SimpleNamespace(request_ids="")
"""Whose pages the main thread reads: libraries log from threads of their own, which inherit no context."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class _JsonLines(logging.Formatter):
    """One JSON object a line on stderr: the server adds the model's name and writes it into its own log."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "event": record.getMessage(), "logger": record.name}
        if request_id := _request_id.get() or _batch.request_ids:
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
    entry = catalog.find(catalog.read(Path(os.environ.get("PADDLEX_HOME", ""))), given.model)
    if given.channel is None:
        return _by_hand(entry, given.images)
    _settle_in()
    with socket.socket(fileno=given.channel) as channel:
        return serve(entry, channel)


def serve(entry: catalog.ModelEntry, channel: socket.socket) -> int:
    """Load the model, read a warm-up page, then answer until `Close` or the other side is gone."""
    sending = Lock()

    def send(message: protocol.Message) -> None:
        with sending:
            channel.sendall(protocol.encode(message))

    started = time.perf_counter()
    try:
        engine = create(entry.engine)
        engine.load(_loading(entry))
        _warm_up(engine, entry)
    except CannotLoadError as error:
        log.error("model not loaded: %s", error)  # noqa: TRY400 the sentence says it all
        send(protocol.LoadFailed(str(error)))
        return 1
    except Exception as error:
        log.exception("model not loaded")
        send(protocol.LoadFailed("".join(traceback.format_exception_only(error)).strip()))
        return 1
    send(protocol.Loaded(engine.concurrency, engine.batches, engine.withdraws, time.perf_counter() - started))

    inbox = Inbox(channel)
    in_threads = engine.concurrency > 1 and not engine.batches
    with ThreadPoolExecutor(engine.concurrency, "recognise") as threads:
        while asked := inbox.next(engine.concurrency if engine.batches else 1):
            if isinstance(asked, protocol.Answer):
                if engine.concurrency > 1:  # beside the pages, whichever way those are read
                    threads.submit(_converse, engine, asked, send)
                else:
                    _converse(engine, asked, send)
            elif in_threads:
                threads.submit(_answer, engine, asked, send)
            else:
                _batch.request_ids = ",".join(dict.fromkeys(message.request_id for message in asked))
                _answer(engine, asked, send)
                _batch.request_ids = ""
            _request_id.set(None)
    engine.close()
    return 0


def _loading(entry: catalog.ModelEntry) -> Loading:
    """What the server has put into the environment, see `stacks.variables`."""
    home = Path(os.environ.get("PADDLEX_HOME", ""))
    knobs = Knobs.read()
    there = list(entry.weights_for(entry.recogniser(knobs)))
    for weights in entry.optional_weights:
        if reason := weights.absence(home, lock.read(home / lock.FILE_NAME)):
            log.info("done without %s: %s", weights.name, reason)
        else:
            there.append(weights)
    return Loading(
        entry=entry,
        weights={weights.name: home / weights.folder for weights in there},
        knobs=knobs,
    )


def _answer(engine: Engine, batch: Sequence[protocol.Recognise], send: Callable[[protocol.Message], None]) -> None:
    """One answer to each request. Where several fail together, each is tried by itself: only the culprit fails."""
    _request_id.set(batch[0].request_id if len(batch) == 1 else None)
    send(protocol.Begun(tuple(message.id for message in batch)))
    unanswered = deque(batch)
    try:
        for outcome in engine.recognise([page for message in batch for page in message.pages], batch[0].options):
            message = unanswered[0]
            if engine.batches:
                _request_id.set(message.request_id)
            if isinstance(outcome, Exception):
                send(_failed(message, outcome))
            else:
                send(protocol.Recognised(message.id, (outcome,)))
                if engine.batches:  # slow ones: a line for each page tells that it goes on
                    log.info("page %d read in %.2f s: %s", outcome.number, outcome.seconds, outcome.verdict)
            unanswered.popleft()  # not before: what cannot be sent is answered below
    except Exception as error:  # noqa: BLE001 each page's own error is logged where it is answered
        if len(unanswered) == 1:
            send(_failed(unanswered[0], error))
        else:
            log.warning("%d pages failed together, each is tried by itself: %s", len(unanswered), error)
            for message in unanswered:
                _answer(engine, [message], send)
    else:
        for message in unanswered:
            send(protocol.NotRecognised(message.id, "the engine gave no result for the page", None))


def _converse(engine: Engine, message: protocol.Answer, send: Callable[[protocol.Message], None]) -> None:
    """Answer a chat, piece by piece."""
    _request_id.set(message.request_id)
    send(protocol.Begun((message.id,)))
    chat = message.chat
    try:
        if not isinstance(engine, Chatty):
            raise TypeError("the engine has no chat")
        ending = engine.chat(chat, lambda said: send(protocol.More(message.id, said)), chat.ticket.exists)
    except Exception as error:  # noqa: BLE001 it is logged where it is answered
        send(_failed(message, error))
    else:
        send(protocol.Answered(message.id, ending))


def _failed(message: protocol.Recognise | protocol.Answer, error: Exception) -> protocol.NotRecognised:
    if isinstance(error, OcrError):
        return protocol.NotRecognised(message.id, error.detail, error.code)
    if isinstance(message, protocol.Answer):
        what, done, files = "chat", "answered", [message.chat.ticket]
    else:
        what, done, files = "pages", "recognised", [page.path for page in message.pages]
    if _is_about_room(error, files):
        return protocol.NotRecognised(message.id, "There is no room for a page's figures.", OutOfSpace.code)
    if all(file.exists() for file in files):
        log.error("%s not %s", what, done, exc_info=error)
    else:  # a request that ends early takes its files with it, also those in work
        log.info("%s withdrawn", what)
    return protocol.NotRecognised(message.id, f"{type(error).__name__}: {error}", None)


def _is_about_room(error: Exception, files: Sequence[Path]) -> bool:
    """Whether a full disk is why: libraries that write pictures often hide it."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return any(shutil.disk_usage(file.parent).free < _LITTLE_ROOM for file in files if file.exists())


def _warm_up(engine: Engine, entry: catalog.ModelEntry) -> None:
    """A page with a word on it through the whole engine: the first call allocates and compiles. Raises what it raises."""
    options = entry.check_options({"max_new_tokens": 16} if "max_new_tokens" in entry.options else {})
    width, height, left, top = 640, 320, 100, 100
    pixels = bytearray(b"\xff" * (width * height * 3))
    for row, dots in enumerate(_WORD):
        for column, dot in enumerate(dots):
            for y in range(_DOT_PX if dot == "#" else 0):
                start = ((top + row * _DOT_PX + y) * width + left + column * _DOT_PX) * 3
                pixels[start : start + _DOT_PX * 3] = bytes(_DOT_PX * 3)
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:  # which is the worker's own, and gone after it
        path = Path(folder) / "page.ppm"
        path.write_bytes(b"P6 %d %d 255\n" % (width, height) + pixels)
        for outcome in engine.recognise([PageInput(1, path, width, height)], options):
            if isinstance(outcome, Exception):
                raise outcome


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


def _by_hand(entry: catalog.ModelEntry, images: list[Path]) -> int:
    python = stacks.python_of(entry.engine)
    if sys.executable != str(python):
        os.execv(python, [str(python), "-m", "server.worker", entry.name, *map(str, images)])  # noqa: S606
    from PIL import Image  # noqa: PLC0415 every engine stack has Pillow; the worker itself does without

    with tempfile.TemporaryDirectory(prefix="offline-ocr-by-hand-") as name:
        folder = Path(name)
        home = Path(os.environ.get("PADDLEX_HOME", ""))
        os.environ.update(stacks.variables(home, folder))
        engine = create(entry.engine)
        engine.load(_loading(entry))
        for number, path in enumerate(images, start=1):
            image = Image.open(path).convert("RGB")
            target = folder / f"page-{number:05}.ppm"
            image.save(target)
            [outcome] = engine.recognise([PageInput(number, target, *image.size)], entry.check_options({}))
            if isinstance(outcome, Exception):
                raise outcome
            sys.stdout.write(outcome.markdown + "\n")
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
