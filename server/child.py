"""One running engine worker, seen from the server: start it, send it pages, notice its end."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import structlog

from server import protocol, stacks
from server.catalog import ModelEntry
from server.chat import Chat, Ending, Said
from server.documents import Page
from server.engines.base import Options, PageInput
from server.knobs import Knobs

_ROOT = Path(__file__).parents[1]
_CLOSE_S = 10.0
_NO_KNOBS = Knobs()

log = structlog.get_logger("server.worker")


class WorkerDiedError(Exception):
    """The worker ended, or had to be ended, while something was expected of it."""


class LoadFailedError(Exception):
    """The worker says that its model cannot be loaded; the message is its reason."""


class NotRecognisedError(Exception):
    """The engine raised an error on these pages, or this chat; the worker is still there. The message is that error.

    `code` is set when it is one of `server.errors`: the engine knows what the caller did wrong.
    """

    def __init__(self, detail: str, code: str | None) -> None:
        super().__init__(detail)
        self.code = code


class Worker:
    """A worker process with its model loaded. Made by `start`; every other method may be called from one event loop."""

    def __init__(
        self, model: str, process: asyncio.subprocess.Process, writer: asyncio.StreamWriter, scratch: Path
    ) -> None:
        self.model = model
        self.pid = process.pid
        self.concurrency = 1
        self.batches = False
        self.withdraws = False
        self._process = process
        self._writer = writer
        self._scratch = scratch
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._on_begun: dict[int, Callable[[int], None]] = {}
        self._on_said: dict[int, Callable[[Said], None]] = {}
        self._loaded: asyncio.Future[protocol.Loaded] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def start(
        cls,
        entry: ModelEntry,
        *,
        paddlex_home: Path,
        load_timeout_s: float,
        knobs: Knobs = _NO_KNOBS,
    ) -> Self:
        """A worker whose model is loaded and warm.

        Raises LoadFailedError with the worker's reason, WorkerDiedError when it could not be started, ended without a
        reason or took longer than `load_timeout_s` seconds. Nothing of it is left behind then, nor on cancellation.
        """
        scratch = Path(tempfile.mkdtemp(prefix="offline-ocr-worker-"))
        variables = stacks.variables(paddlex_home, scratch) | knobs.variables()
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours, limit=protocol.MAX_LINE_BYTES)
        command = (stacks.python_of(entry.engine), "-m", "server.worker", entry.name, "--channel")
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *(*command, str(theirs.fileno())),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                    env=variables,
                    cwd=_ROOT,
                    start_new_session=True,
                )
        except BaseException as error:
            writer.close()
            shutil.rmtree(scratch, ignore_errors=True)
            if isinstance(error, OSError):
                raise WorkerDiedError(f"it could not be started: {error}") from error
            raise
        worker = cls(entry.name, process, writer, scratch)
        worker._tasks = [asyncio.create_task(worker._listen(reader)), asyncio.create_task(worker._forward_log())]
        try:
            async with asyncio.timeout(load_timeout_s):
                loaded = await worker._loaded
            worker.concurrency, worker.batches = loaded.concurrency, loaded.batches
            worker.withdraws = loaded.withdraws
        except TimeoutError:
            await worker.kill()
            raise WorkerDiedError(f"not loaded within {load_timeout_s:.0f} s") from None
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def recognise(
        self, pages: tuple[PageInput, ...], options: Options, request_id: str, on_begun: Callable[[int], None]
    ) -> tuple[Page, ...]:
        """The pages, read. Raises NotRecognisedError or WorkerDiedError.

        `on_begun` is called when the worker begins, with how many requests it works on together.
        """
        pages_read: tuple[Page, ...] = await self._ask(
            lambda key: protocol.Recognise(key, pages, options, request_id), on_begun
        )
        return pages_read

    async def answer(
        self, chat: Chat, request_id: str, on_begun: Callable[[int], None], on_said: Callable[[Said], None]
    ) -> Ending:
        """The end of an answer that `on_said` is given piece by piece. Raises, and begins, as `recognise` does."""
        ending: Ending = await self._ask(lambda key: protocol.Answer(key, chat, request_id), on_begun, on_said)
        return ending

    async def _ask(
        self,
        message: Callable[[int], protocol.Message],
        on_begun: Callable[[int], None],
        on_said: Callable[[Said], None] | None = None,
    ) -> Any:
        if self._process.returncode is not None:
            raise WorkerDiedError(self.epitaph())
        key = next(self._ids)
        answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        self._on_begun[key] = on_begun
        if on_said:
            self._on_said[key] = on_said
        try:
            await self._send(message(key))
            return await answer
        finally:
            for expected in (self._waiting, self._on_begun, self._on_said):
                expected.pop(key, None)

    async def ended(self) -> None:
        """Return when the process is gone, however that came."""
        await self._process.wait()

    def rss_bytes(self) -> int:
        """The memory it holds now; 0 when it has ended."""
        try:
            resident_pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0
        return resident_pages * os.sysconf("SC_PAGE_SIZE")

    async def close(self) -> None:
        """Let it finish and free its model; end it when it does not."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._send(protocol.Close())
                await self._process.wait()
        except (TimeoutError, WorkerDiedError):
            log.warning("worker did not close by itself", model=self.model, pid=self.pid)
        await self.kill()

    async def kill(self) -> None:
        """End it and all that it started, now."""
        self._end()
        await self._process.wait()
        await asyncio.gather(*self._tasks)
        self._writer.close()
        await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    def _end(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            log.debug("worker had ended", model=self.model, pid=self.pid)

    async def _send(self, message: protocol.Message) -> None:
        try:
            self._writer.write(protocol.encode(message))
            await self._writer.drain()
        except (ConnectionError, RuntimeError):  # the latter is uvloop's word for a connection that is closed
            raise WorkerDiedError(self.epitaph()) from None

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while (line := await reader.readline()).endswith(b"\n"):  # a line without its end is a dying worker's
                self._hear(protocol.decode(line))
        except ConnectionError as error:  # it died with something of ours unread
            log.debug("connection to the worker broke", model=self.model, pid=self.pid, error=str(error))
            self._end()
        except (ValueError, protocol.ProtocolError) as error:
            log.exception("worker is not sane", model=self.model, pid=self.pid, error=str(error))
            self._end()
        await self._process.wait()
        expected: list[asyncio.Future[Any]] = [self._loaded, *self._waiting.values()]
        for answer in expected:
            if not answer.done():
                answer.set_exception(WorkerDiedError(self.epitaph()))
        if not self._loaded.cancelled():
            self._loaded.exception()  # nobody may be waiting for it any more

    def _hear(self, message: protocol.Message) -> None:
        match message:
            case protocol.Loaded() | protocol.LoadFailed() if self._loaded.done():
                log.debug("nobody waits for the model any more", model=self.model, pid=self.pid)
            case protocol.Loaded():
                self._loaded.set_result(message)
            case protocol.LoadFailed(detail):
                self._loaded.set_exception(LoadFailedError(detail))
            case protocol.Begun(keys):
                for key in keys:
                    if on_begun := self._on_begun.get(key):
                        on_begun(len(keys))
            case protocol.Recognised(key, pages):
                self._answer(key, pages)
            case protocol.More(key, said):
                if on_said := self._on_said.get(key):
                    on_said(said)
            case protocol.Answered(key, ending):
                self._answer(key, ending)
            case protocol.NotRecognised(key, detail, code):
                self._answer(key, NotRecognisedError(detail, code))
            case other:
                raise protocol.ProtocolError(f"{other.kind} is not for the server")

    def _answer(self, key: int, outcome: tuple[Page, ...] | Ending | NotRecognisedError) -> None:
        answer = self._waiting.get(key)
        if answer is None or answer.done():  # the request was cancelled meanwhile
            return
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def epitaph(self) -> str:
        """How it ended, in a few words for the log and for the caller."""
        code = self._process.returncode
        if code is None:
            return "its connection broke"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    async def _forward_log(self) -> None:
        """Whatever the worker or its libraries print becomes a line of our log."""
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:  # a line longer than the stream's limit: its rest follows
                continue
            if not line:
                return
            fields = _log_fields(line)
            level = fields.pop("level", "info")
            event = fields.pop("event")
            known = level if level in {"debug", "info", "warning", "error"} else "error"
            getattr(log, known)(event, model=self.model, worker_pid=self.pid, **fields)


def _log_fields(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8", "replace").rstrip()
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if isinstance(fields, dict) and isinstance(fields.get("event"), str):
        return {"source" if name == "logger" else name: value for name, value in fields.items()}
    return {"event": text}
