"""Stand-ins at the seams that this project owns: an engine worker without a process, pages without a pool."""

import asyncio
import os
import selectors
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from server import settings
from server.catalog import ModelEntry
from server.child import LoadFailedError, WorkerDiedError
from server.documents import Page
from server.engines.base import Options, PageInput
from server.knobs import Knobs
from server.places import Places

T = TypeVar("T")

ENTRY = ModelEntry(
    name="fake",
    engine="rapidocr",
    title="Stands in for a model",
    licence="Apache-2.0",
    languages=("en",),
    size_mb=1,
    memory_mb=1,
    token_confidence=True,
)


async def no_gpu() -> None:
    """A machine without one."""


def room_for_all() -> Places:
    """Places without a limit."""
    return Places(0, 1.0, no_gpu)


def settings_of(environment: Mapping[str, str]) -> settings.Settings:
    """What the server would read from exactly this environment."""
    with patch.dict(os.environ, environment, clear=True):
        return settings.read()


def run(case: Coroutine[Any, Any, T], timeout_s: float = 100) -> T:
    """The result of an asynchronous test case, which must not hang."""
    started = time.monotonic()
    result = asyncio.run(asyncio.wait_for(case, timeout_s))
    assert time.monotonic() - started < timeout_s, "it hung until it was cancelled"
    return result


class _NoWaiting(selectors.DefaultSelector):
    """Where nothing is ready, the time that would be waited has passed."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not (ready := super().select(0)) and timeout:
            self.passed += timeout
        return ready


def run_at_once(case: Coroutine[Any, Any, T]) -> T:
    """As `run`, for cases without threads: the loop's clock jumps to the next thing that is due.

    However long the machine pauses, what comes first by the clock comes first.
    """

    def loop() -> asyncio.AbstractEventLoop:
        made = asyncio.SelectorEventLoop(selector := _NoWaiting())
        made.time = lambda: selector.passed  # type: ignore[method-assign]
        return made

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(asyncio.wait_for(case, 10_000))


async def until(condition: Callable[[], object]) -> None:
    """Let everything else go on until the condition holds; what takes longer is looked at less often."""
    now = asyncio.get_running_loop().time
    began = now()
    while not condition():  # noqa: ASYNC110 what is waited for has no event
        await asyncio.sleep(max(0.001, (now() - began) / 100))


def page_input(number: int = 1, folder: Path = Path("/spool")) -> PageInput:
    """A page in the spool; a fake worker does not open it."""
    return PageInput(number, folder / f"page-{number:05}.ppm", 640, 480)


def read_page(number: int, seconds: float = 0.0) -> Page:
    """What a worker returns for that page."""
    return Page(number, 640, 480, text=f"text of page {number}", markdown=f"text of page {number}", seconds=seconds)


class FakeWorker:
    """As `server.child.Worker` towards its host: reads pages as the script says, and can die."""

    def __init__(self, workers: "FakeWorkers", model: str, pid: int) -> None:
        self.model = model
        self.pid = pid
        self.concurrency = workers.concurrency
        self.batches = False
        self.withdraws = False
        self.begun: list[int] = []
        self.in_work = 0
        self.closed = False
        self.killed = False
        self._workers = workers
        self._gone = asyncio.Event()

    async def recognise(
        self, pages: tuple[PageInput, ...], options: Options, request_id: str, on_begun: Callable[[int], None]
    ) -> tuple[Page, ...]:
        """The pages, read as the script says; WorkerDiedError when the worker ends meanwhile."""
        if self._gone.is_set():
            raise WorkerDiedError(self.epitaph())
        [page] = pages
        on_begun(1)
        self.begun.append(page.number)
        self._workers.busy.add(page.number)
        self._workers.beginnings.append((page.number, frozenset(self._workers.busy)))
        self.in_work += 1
        reading = asyncio.ensure_future(self._workers.script(self, page.number))
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((reading, gone), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return tuple(reading.result())
            raise WorkerDiedError(self.epitaph())
        finally:
            reading.cancel()
            gone.cancel()
            self.in_work -= 1
            self._workers.busy.discard(page.number)

    async def ended(self) -> None:
        """Return when it is gone."""
        await self._gone.wait()

    def rss_bytes(self) -> int:
        """As much memory as the test says."""
        return 0 if self._gone.is_set() else self._workers.rss(self)

    async def close(self) -> None:
        """End in good order."""
        self.closed = True
        self.in_work_when_closed = self.in_work
        self._gone.set()

    async def kill(self) -> None:
        """End now."""
        self.killed = True
        self._gone.set()

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self._gone.is_set()

    def die(self) -> None:
        """What a crash is."""
        self._gone.set()

    def epitaph(self) -> str:
        """How it ended."""
        return "killed by SIGKILL" if self._gone.is_set() else "its connection broke"


Script = Callable[[FakeWorker, int], Awaitable[list[Page]]]


async def read_at_once(_: FakeWorker, number: int) -> list[Page]:
    """Every page is read, after the others have had a turn."""
    await asyncio.sleep(0)
    return [read_page(number)]


class FakeWorkers:
    """Every worker that a host has started, in order; put in the place of `Worker.start`."""

    def __init__(self, script: Script = read_at_once, concurrency: int = 1) -> None:
        self.script = script
        self.concurrency = concurrency
        self.started: list[FakeWorker] = []
        self.busy: set[int] = set()
        self.beginnings: list[tuple[int, frozenset[int]]] = []  # each page that began, and all in work then
        self.most_alive = 0
        self.loads = 0
        self.shares: list[float | None] = []  # of the GPU, that each was told
        self.load_failures: list[Exception | None] = []  # what each start comes to; nothing: it works
        self.loading_may_end = asyncio.Event()
        self.loading_may_end.set()
        self.rss: Callable[[FakeWorker], int] = lambda worker: 0

    async def start(self, entry: ModelEntry, *, paddlex_home: Path, knobs: Knobs, load_timeout_s: float) -> FakeWorker:
        """A worker, or the failure that the test asked for."""
        self.loads += 1
        self.shares.append(knobs.gpu_share)
        await self.loading_may_end.wait()
        failure = self.load_failures.pop(0) if self.load_failures else None
        if failure is not None:
            raise failure
        self.started.append(FakeWorker(self, entry.name, pid=1000 + len(self.started)))
        self.most_alive = max(self.most_alive, len(self.alive))
        return self.started[-1]

    @property
    def alive(self) -> list[str]:
        """The models whose workers have not ended."""
        return [worker.model for worker in self.started if not worker.gone]

    @property
    def begun(self) -> list[int]:
        """The pages in the order in which workers began them."""
        return [number for worker in self.started for number in worker.begun]


def load_failed(reason: str) -> LoadFailedError:
    """The worker's own word that its model cannot be loaded."""
    return LoadFailedError(reason)


def died(how: str = "killed by SIGKILL") -> WorkerDiedError:
    """A worker that ended without a word."""
    return WorkerDiedError(how)
