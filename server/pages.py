"""The page pool: bytes → page images, in child processes that a damaged or hostile document can only take down alone.

    PagePool ── fork server (Pillow, pdfium and the parsers loaded once) ── a child for each open Reader

The HTTP process opens no document itself: it names paths to a child and reads short JSON lines. A child that crashes,
goes over a limit or is too slow is killed; the step fails with ReaderKilled, and the next step gets a fresh child.
"""

import asyncio
import contextlib
import json
import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from server.call import Call, Dialect
from server.documents import BBox, FileType
from server.engines.base import PageInput
from server.errors import BY_CODE, Draining, OcrError, ReaderKilled, Unavailable
from server.preparation import Preparation, Step
from server.reader import PRELOAD, Limits, serve

__all__ = ["Limits", "Opened", "PagePool", "Reader"]

_LOG = logging.getLogger(__name__)
_MAX_LINE = 16 << 20  # bytes; fields are at most 1 MiB, six-fold when each character is escaped
_START_SECONDS = 30.0
_START_PAUSES = (0, 0.05, 0.2, 1)  # seconds before each attempt
_JOIN_SECONDS = 10.0

_T = TypeVar("_T")
_STAGES = {
    "call": "parse",
    "correction": "parse",
    "chat": "parse",
    "message": "parse",
    "show": "render",
}  # as `server.stages` calls the steps; the others have one name

Timed = Callable[[str], contextlib.AbstractContextManager[object]]
"""Around each step: as `server.stages.Stages`."""


class _Crashed(ReaderKilled):
    """The child ended without a word."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a document turned out to be. `total_pages` is what it says of itself: a page may still fail to open."""

    file_type: FileType
    media_type: str
    total_pages: int


@dataclass(frozen=True, slots=True)
class Child:
    """A process and the connection to it."""

    process: BaseProcess
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class PagePool:
    """Starts children and sees to it that they end. One for each server process."""

    def __init__(self, limits: Limits, timed: Timed = contextlib.nullcontext) -> None:
        self.limits = limits
        self.timed = timed
        self._context = multiprocessing.get_context("forkserver")
        # Starting and joining block for milliseconds, and `multiprocessing` is not made for threads: hence one.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="page-pool")
        self._tasks: set[asyncio.Task[None]] = set()
        self.readers: set[Reader] = set()
        self._closed = False

    async def start(self) -> None:
        """Start the fork server, which then loads its libraries while the caller goes on.

        It inherits the environment: call `settings.forget_secrets` before.
        """
        await self._in_thread(self._start_fork_server)

    async def close(self) -> None:
        """End every child and the fork server; from then on no reader opens anything."""
        self._closed = True
        for reader in tuple(self.readers):
            reader.drop()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._in_thread(_stop_fork_server)

    def reader(self, spool: Path) -> "Reader":
        """A reader for one document, which keeps its files in the folder `spool`: `async with pool.reader(spool)`."""
        return Reader(self, spool)

    def _start_fork_server(self) -> None:
        self._context.set_forkserver_preload(PRELOAD)
        forkserver.ensure_running()

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def see_to(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` to its end, whoever is cancelled meanwhile."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def launch(self, spool: Path) -> Child:
        """A new child and the connection to it. Raises OSError or EOFError when the fork server is gone."""
        if self._closed:
            raise Draining("The server is shutting down.")
        ours, theirs = socket.socketpair()
        with theirs:
            process = self._context.Process(target=serve, args=(theirs, spool, self.limits), daemon=True)
            try:
                await self._in_thread(process.start)
            except BaseException:
                ours.close()
                raise
        return Child(process, *await asyncio.open_unix_connection(sock=ours, limit=_MAX_LINE))

    def put_away(self, child: Child) -> asyncio.Task[None]:
        """Kill the child and wait for its end, in a task that goes on whoever is cancelled."""

        def end() -> None:
            if child.process.exitcode is None:
                child.process.kill()
            child.process.join(_JOIN_SECONDS)
            if child.process.exitcode not in (0, -signal.SIGKILL):
                _LOG.warning("a page reader died: exit code %s", child.process.exitcode)
            if child.process.exitcode is not None:
                child.process.close()

        child.writer.transport.abort()
        return self.see_to(self._in_thread(end))


def _stop_fork_server() -> None:
    # There is no public way to stop it; it would end by itself only after this process.
    forkserver._forkserver._stop()  # type: ignore[attr-defined]


class Reader:
    """Reads one document in a child process. Steps are awaited one after another, never two at once.

    Every step raises ReaderKilled when the child died or was too slow, and Unavailable when none could be started.
    """

    def __init__(self, pool: PagePool, spool: Path) -> None:
        self._pool = pool
        self._spool = spool
        self._child: Child | None = None
        self._document: Path | None = None
        self._dpi = 0
        self._steps: Sequence[Step] = ()
        self._of: int | None = None
        self._ending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._pool.readers.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()
        self._pool.readers.discard(self)
        if self._ending is not None:
            try:
                await asyncio.wait([self._ending])
            except asyncio.CancelledError:
                await asyncio.wait([self._ending])  # milliseconds, and then nothing is left behind
                raise

    async def call(self, body: Path, content_type: str, most: int = 1, dialect: Dialect = Dialect.OURS) -> Call:
        """Parse a request body that lies on disk, with `most` documents in it. Raises as its dialect's function does."""
        request = {"step": "call", "body": str(body), "content_type": content_type, "most": most, "dialect": dialect}
        return await self._ask(request, lambda answer: Call.from_wire(answer, self._spool))

    async def open(self, document: Path, dpi: int, steps: Sequence[Step] = ()) -> Opened:
        """See what the document is; pages of a PDF will be rendered at `dpi` dots per inch, all made ready by `steps`.

        Raises EmptyFile, UnsupportedType, DamagedFile, EncryptedPdf, TooManyPixels.
        """
        request = {"step": "open", "document": str(document), "dpi": dpi}
        opened = await self._ask(
            request, lambda answer: Opened(FileType(answer["file_type"]), answer["media_type"], answer["total_pages"])
        )
        self._document, self._dpi, self._steps = document, dpi, steps
        self._of = opened.total_pages if opened.file_type is FileType.PDF or opened.total_pages > 1 else None
        return opened

    async def render(self, number: int, name: str = "page") -> PageInput:
        """Write page `number`, counted from 1, of the opened document to the spool; `name` is what its file is called.

        Raises DamagedFile and TooManyPixels, which concern this page only, and BadPageRange.
        """
        if self._document is None:
            raise RuntimeError("render() before open()")
        target = self._spool / f"{name}-{number:05}.ppm"
        document = {"document": str(self._document), "dpi": self._dpi}
        request = {"step": "render", **document, "number": number, "target": str(target), "steps": self._steps}

        def page(answer: dict[str, Any]) -> PageInput:
            done = answer["preparation"] and Preparation.from_wire(answer["preparation"])
            return PageInput(number, target, answer["width"], answer["height"], self._of, done)

        try:
            return await self._ask(request, page)
        except _Crashed:  # perhaps not by this page: a machine short of memory ends whom it likes
            return await self._ask(request, page)

    async def correction(self, body: Path, content_type: str) -> str:
        """Parse a body that corrects a block. Raises as `correction_body.read_correction`."""
        request = {"step": "correction", "body": str(body), "content_type": content_type}
        return await self._ask(request, lambda answer: str(answer["content"]))

    async def show(self, number: int, width: int | None, target: Path) -> None:
        """Write page `number` of the opened document, nothing done to it, as WebP of `width` px. Raises as `render`."""
        document = {"document": str(self._document), "dpi": self._dpi}
        await self.do("show", **document, number=number, width=width, target=str(target))

    async def draw(self, number: int, regions: Sequence[tuple[str, BBox]], plain: Path, marked: Path) -> None:
        """Write page `number` of the opened document as JPEG, once more with its regions drawn in. Raises as `render`."""
        document = {"document": str(self._document), "dpi": self._dpi}
        await self.do("draw", **document, number=number, regions=regions, targets=[str(plain), str(marked)])

    async def do(self, step: str, **values: Any) -> None:
        """Have the child carry out a step that only leaves files behind, see `reader`. Raises as that step does."""
        await self._ask({"step": step, **values}, lambda _: None)

    def drop(self) -> None:
        """Put the child away; the next step starts another."""
        if self._child is not None:
            self._ending = self._pool.put_away(self._child)
            self._child = None

    async def _ask(self, request: dict[str, Any], parse: Callable[[dict[str, Any]], _T]) -> _T:
        step = request["step"]
        with self._pool.timed(_STAGES.get(step, step)):
            return await self._answered(request, parse)

    async def _answered(self, request: dict[str, Any], parse: Callable[[dict[str, Any]], _T]) -> _T:
        if self._child is None:
            self._child = await self._start()
        try:
            self._child.writer.write(json.dumps(request).encode() + b"\n")
            async with asyncio.timeout(self._pool.limits.wall_seconds):
                return parse(await _answer(self._child.reader))
        except TimeoutError:
            self.drop()
            raise ReaderKilled(f"The step took longer than {self._pool.limits.wall_seconds:g} seconds.") from None
        except (EOFError, OSError, RuntimeError, ValueError, KeyError, TypeError):  # the last: no answer of ours
            self.drop()
            raise _Crashed("The document's reader crashed, or went over its limit of memory or time.") from None
        except ReaderKilled:
            self.drop()  # out of memory: what is left of it is not to be trusted
            raise
        except asyncio.CancelledError:
            self.drop()  # its answer would be taken for the next step's
            raise

    async def _start(self) -> Child:
        for pause in _START_PAUSES:  # a fork server that was killed takes a while to be seen as dead
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(_START_SECONDS):
                    return await self._greeted(await self._launched())
            except (OSError, EOFError, TimeoutError) as error:
                _LOG.warning("a page reader did not start: %r", error)
        raise Unavailable("Documents cannot be opened at the moment.", retry_after=5)

    async def _launched(self) -> Child:
        launch = asyncio.create_task(self._pool.launch(self._spool))
        try:
            return await asyncio.shield(launch)
        except asyncio.CancelledError:
            self._ending = self._pool.see_to(self._abandon(launch))  # a start cannot be stopped half-way
            raise

    async def _abandon(self, launch: asyncio.Task[Child]) -> None:
        with contextlib.suppress(OSError, EOFError):
            await self._pool.put_away(await launch)

    async def _greeted(self, child: Child) -> Child:
        """The child, once it has said that it is ready."""
        try:
            await _answer(child.reader)
        except BaseException:
            self._ending = self._pool.put_away(child)
            raise
        return child


async def _answer(reader: asyncio.StreamReader) -> dict[str, Any]:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    if "error" not in answer:
        ok: dict[str, Any] = answer["ok"]
        return ok
    if "trace" in answer:
        _LOG.error("a page reader failed unexpectedly:\n%s", answer["trace"])
    error: type[OcrError] = BY_CODE[answer["error"]]
    raise error(answer["detail"], retry_after=answer["retry_after"])
