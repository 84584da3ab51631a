"""One model on this server: its state machine, and the worker that holds it."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import Context
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from server.catalog import ModelEntry
from server.chat import Chat, Ending, Said
from server.child import LoadFailedError, Worker, WorkerDiedError
from server.documents import Page
from server.engines.base import Options, PageInput
from server.errors import ModelLoading, ModelUnavailable
from server.knobs import Knobs
from server.page_line import PageLine
from server.page_task import ChatTask, PageTask, Result, Task, Urgency
from server.places import NoRoomError, Places
from server.states import ModelState, move

_LOAD_ATTEMPTS = 5
_MAX_BACK_OFF_S = 30.0

log = structlog.get_logger("server.model_host")


@dataclass(frozen=True, slots=True)
class Policy:
    """When a worker is ended or replaced, and how models are run. Times in seconds, memory in bytes.

    `serve` maps a model onto arguments of `vllm serve` that go before the catalogue's.
    """

    paddlex_home: Path
    load_timeout_s: float
    page_timeout_s: float
    max_pages: int
    max_rss_bytes: int
    knobs: Knobs = field(default_factory=Knobs)
    serve: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def _log_mistake(serving: asyncio.Task[None]) -> None:
    if not serving.cancelled() and (error := serving.exception()):
        log.critical("the supervisor itself failed", exc_info=error)


def _back_off_s(attempt: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, … 30."""
    return min(2.0 ** min(attempt - 1, 10), _MAX_BACK_OFF_S)


class ModelHost:
    """One model: its state, its line of pages, and the worker that holds it."""

    def __init__(
        self, entry: ModelEntry, policy: Policy, places: Places, on_change: Callable[["ModelHost"], None]
    ) -> None:
        self.entry = entry
        self.reason = entry.absence(policy.paddlex_home, policy.knobs)
        self.recogniser = None if self.reason else entry.recogniser(policy.knobs)
        self.revision = None if self.reason else entry.revision(policy.paddlex_home, policy.knobs)
        self.state = ModelState.ABSENT if self.reason else ModelState.IDLE
        self.since = time.monotonic()
        self.restarts = 0
        self.worker: Worker | None = None
        self._policy = policy
        self._places = places
        self._on_change = on_change
        self._line = PageLine(entry.name, policy.page_timeout_s)
        self._deaths = 0  # in a row, without a page read between them
        self._stopping = False
        self._gave_way = False  # to another model, and has not been loaded since
        self._serving: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()  # not loading: ready, failed or unloaded

    @property
    def concurrency(self) -> int:
        """How many pages its worker takes at once; 1 while there is none."""
        return self.worker.concurrency if self.worker else 1

    @property
    def side_by_side(self) -> int:
        """How many pages' time passes at once."""
        return 1 if self.worker and self.worker.batches else self.concurrency

    @property
    def pages_waiting(self) -> int:
        """How many pages are in its line, not begun."""
        return len(self._line)

    @property
    def pages_in_work(self) -> int:
        """How many pages its worker has."""
        return len(self._line.in_work)

    @property
    def loaded(self) -> bool:
        """Whether it answers pages now."""
        return self.state in {ModelState.READY, ModelState.BUSY}

    @property
    def available(self) -> bool:
        """Whether it answers pages: now, or after it has been loaded again because it gave way to another model."""
        return self.loaded or self._gave_way

    def in_use(self) -> AbstractContextManager[None]:
        """While a document is inside, the model does not give way to another one."""
        return self._places.in_use(self)

    @property
    def is_in_the_way(self) -> bool:
        """Whether another model waits for room: a long job had better stand aside now and then."""
        return self._places.contended

    def load(self) -> None:
        """Begin to load, unless it is loaded or loading. Raises ModelUnavailable where the machine lacks something."""
        if self.state is ModelState.ABSENT:
            raise ModelUnavailable(f"{self.entry.name} cannot run on this server: {self.reason}.")
        if self.state in {ModelState.IDLE, ModelState.FAILED}:
            self._stopping = False
            self._move(ModelState.LOADING)
            # a context of its own: the request that asks for a model first must not put its id on every later log line
            self._serving = asyncio.create_task(self._serve(), context=Context())
            self._serving.add_done_callback(_log_mistake)

    async def wait_loaded(self, timeout_s: float) -> None:
        """Load if need be. Raises ModelLoading after `timeout_s` seconds, ModelUnavailable when it cannot be loaded."""
        try:
            async with asyncio.timeout(timeout_s):
                if self._stopping and self._gave_way and self._serving:
                    await asyncio.wait([self._serving])
                    if not self._gave_way:  # unloaded meanwhile
                        raise self._unloading()
                self.load()
                await self._settled.wait()
        except TimeoutError:
            why = f" ({self.reason})" if self.reason else ""
            raise ModelLoading(
                f"{self.entry.name} has been loading for {time.monotonic() - self.since:.0f} s{why}. Try again soon.",
                retry_after=10,
            ) from None
        if self.state is ModelState.FAILED:
            raise ModelUnavailable(f"{self.entry.name} could not be loaded: {self.reason}")

    async def recognise(  # noqa: PLR0913 what a page's task is made of
        self,
        page: PageInput,
        options: Options,
        request_id: str,
        *,
        start_within_s: float | None,
        urgency: Urgency = Urgency.REQUEST,
        on_begun: Callable[[], None] = lambda: None,
    ) -> Page:
        """The page, read; `on_begun` is called when the worker begins with it, again when it is tried again.

        Raises QueueFull when its turn has not come within `start_within_s` seconds (None: any time), EngineCrashed when
        the worker died on it twice, EngineFailed with the engine's own error, DeadlineExceeded when it outlived the
        page's time twice.
        """
        return await self._done(PageTask(page, options, request_id, urgency, on_begun), start_within_s)

    async def answer(
        self,
        chat: Chat,
        request_id: str,
        say: Callable[[Said], None],
        *,
        start_within_s: float | None,
        on_begun: Callable[[], None] = lambda: None,
    ) -> Ending:
        """The end of an answer that `say` is given piece by piece. Raises as `recognise` does, and what the engine says
        that the caller did wrong; EngineCrashed and DeadlineExceeded at once when something has been said.
        """
        return await self._done(ChatTask(chat, request_id, say, on_begun), start_within_s)

    async def _done(self, task: Task[Result], start_within_s: float | None) -> Result:
        if self._stopping or self.state in {ModelState.ABSENT, ModelState.FAILED, ModelState.IDLE}:
            raise ModelUnavailable(f"{self.entry.name} is not loaded.", retry_after=5)
        self._line.join(task, start_within_s)
        try:
            return await task.answer
        finally:
            self._line.wake.set()

    async def unload(self) -> None:
        """Finish the pages in work, free the worker; pages still in the line get ModelUnavailable."""
        self._gave_way = False
        serving = self._serving
        if serving is None or serving.done():
            return
        self._stopping = True
        self._line.wake.set()
        await asyncio.sleep(0)  # a task cancelled before its first step never reaches its own `finally`
        if self.state is ModelState.LOADING:
            serving.cancel()
        await asyncio.wait([serving])

    def give_way(self) -> None:
        """Begin to free the worker for another model. Whoever asks for this one meanwhile waits, and loads it again."""
        self._gave_way = True
        self._stopping = True
        self._line.wake.set()

    def _unloading(self) -> ModelUnavailable:
        return ModelUnavailable(f"{self.entry.name} is being unloaded.", retry_after=5)

    def _move(self, state: ModelState, reason: str | None = None) -> None:
        if state is self.state:
            return
        if {state, self.state} != {ModelState.READY, ModelState.BUSY}:
            self.since = time.monotonic()
        self.state = move(self.state, state)
        self.reason = reason
        if state in {ModelState.READY, ModelState.FAILED}:
            self._gave_way = False
        if state is ModelState.LOADING:
            self._settled.clear()
        elif state is not ModelState.DRAINING:
            self._settled.set()
        self._on_change(self)

    async def _serve(self) -> None:
        try:
            await self._places.take(self)
            while not self._stopping and (worker := await self._start_worker()):
                self.worker = worker
                log.info("model ready", model=self.entry.name, seconds=round(time.monotonic() - self.since, 2))
                self._move(ModelState.READY)
                self._places.settle()
                read = self._line.read
                in_good_order = await self._dispatch(worker)
                if self._line.read > read:
                    self._deaths = 0
                if in_good_order:
                    self._move(ModelState.DRAINING)
                    await worker.close()
                else:
                    self.restarts += 1
                    self._deaths += 1
                    await worker.kill()
                self.worker = None
                if not self._stopping:
                    self._move(ModelState.LOADING)
                    if self._deaths > 1:
                        await asyncio.sleep(_back_off_s(self._deaths - 1))
        except NoRoomError as error:
            self._move(ModelState.FAILED, str(error))
        finally:
            if self.worker is not None:
                await self.worker.kill()
                self.worker = None
            if self.state is not ModelState.FAILED:
                if self.loaded:
                    self._move(ModelState.DRAINING)
                self._move(ModelState.IDLE)
            failed = ModelUnavailable(f"{self.entry.name} could not be loaded: {self.reason}")
            self._line.turn_away(failed if self.state is ModelState.FAILED else self._unloading())
            self._places.free(self)

    async def _start_worker(self) -> Worker | None:
        """A loaded worker, after as many attempts as that takes; None when the model has to be given up."""
        for attempt in range(1, _LOAD_ATTEMPTS + 1):
            try:
                return await Worker.start(
                    self.entry,
                    paddlex_home=self._policy.paddlex_home,
                    knobs=replace(
                        self._policy.knobs,
                        gpu_share=self._places.gpu_share(self.entry),
                        serve=self._policy.serve.get(self.entry.name, {}),
                    ),
                    load_timeout_s=self._policy.load_timeout_s,
                )
            except LoadFailedError as error:
                self._move(ModelState.FAILED, str(error))
                return None
            except WorkerDiedError as error:
                reason = f"its worker ended while loading: {error}"
                log.warning("model not loaded", model=self.entry.name, attempt=attempt, error=str(error))
                self.restarts += 1
                if attempt < _LOAD_ATTEMPTS:
                    await asyncio.sleep(_back_off_s(attempt))
        self._move(ModelState.FAILED, reason)
        return None

    async def _dispatch(self, worker: Worker) -> bool:
        """Feed the worker. True when it is to be closed in good order, False when it has died."""
        served = 0
        death = asyncio.create_task(worker.ended())
        death.add_done_callback(lambda _: self._line.wake.set())
        try:
            while not death.done():
                self._line.wake.clear()
                # not before its first page: a model that is that large from the start would be replaced for ever
                too_large = served > 0 and worker.rss_bytes() > self._policy.max_rss_bytes
                # a vLLM server takes minutes to start, and what grows with pages is not in it
                tired = too_large or (served >= self._policy.max_pages and self.recogniser != "vllm")
                if self._stopping or tired:
                    if not self._line.in_work:
                        log.info("worker ends", model=self.entry.name, pages=served, rss_bytes=worker.rss_bytes())
                        return True
                else:
                    served += self._line.feed(worker)
                self._move(ModelState.BUSY if self._line.in_work else ModelState.READY)
                await self._line.wake.wait()
        finally:
            death.cancel()
        await asyncio.gather(*self._line.in_work, return_exceptions=True)
        log.error("worker died", model=self.entry.name, pid=worker.pid, how=worker.epitaph())
        return False
