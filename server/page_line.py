"""The line of pages before one model's worker, and the pages in work.

Pages of all requests wait in one line. A page whose worker dies is tried once more, alone, so that a page that kills
its worker takes no other page with it.
"""

import asyncio
from collections import deque
from contextlib import suppress
from pathlib import Path

import structlog

from server.child import NotRecognisedError, Worker, WorkerDiedError
from server.documents import Page
from server.errors import BY_CODE, DeadlineExceeded, EngineCrashed, EngineFailed, QueueFull
from server.page_task import PageTask

_LET_GO_S = 30.0

log = structlog.get_logger("server.page_line")


class PageLine:
    """Pages in the order in which they came. `wake` is set whenever there may be something to do."""

    def __init__(self, model: str, page_timeout_s: float) -> None:
        self.wake = asyncio.Event()
        self.in_work: set[asyncio.Task[None]] = set()
        self.read = 0  # pages that a worker has come back with
        self._model = model
        self._page_timeout_s = page_timeout_s
        self._waiting: deque[PageTask] = deque()
        self._suspect_in_work = False
        self._busy_until = 0.0  # by the event loop's clock: when the worker should be through with what it has begun
        self._behind: set[asyncio.Timeout] = set()  # of pages that the worker has not begun

    def join(self, task: PageTask, start_within_s: float | None) -> None:
        """Put it last. It fails with QueueFull when it has not begun within `start_within_s` seconds (None: any time)."""
        self._waiting.append(task)
        self.wake.set()
        if start_within_s is not None:
            asyncio.get_running_loop().call_later(start_within_s, self._give_up, task)

    def feed(self, worker: Worker) -> int:
        """Begin as many pages as the worker takes now; returns how many."""
        begun = 0
        while self._may_begin(worker):
            self._begin(worker, self._waiting.popleft())
            begun += 1
        return begun

    def turn_away(self, error: Exception) -> None:
        """Answer every page in the line with an error."""
        while self._waiting:
            self._waiting.popleft().fail(error)

    def _give_up(self, task: PageTask) -> None:
        if task in self._waiting and task.tries == 0:
            self._waiting.remove(task)
            task.fail(QueueFull("Its turn did not come in time. Try again later.", retry_after=10))

    def _may_begin(self, worker: Worker) -> bool:
        while self._waiting and self._waiting[0].answer.done():  # cancelled while it waited
            self._waiting.popleft()
        if not self._waiting or len(self.in_work) >= worker.concurrency:
            return False
        return not self.in_work or (self._waiting[0].tries == 0 and not self._suspect_in_work)

    def _begin(self, worker: Worker, task: PageTask) -> None:
        self._suspect_in_work = task.tries > 0
        working = asyncio.create_task(self._work(worker, task))
        self.in_work.add(working)
        working.add_done_callback(self._done)

    def _done(self, working: asyncio.Task[None]) -> None:
        self.in_work.discard(working)
        if not self.in_work:
            self._busy_until = 0.0
        self.wake.set()

    def _begun(self, limit: asyncio.Timeout, together: int) -> None:
        """The time of a page runs from here on; what waits behind it in the worker has that time and its own."""
        self._behind.discard(limit)
        self._busy_until = asyncio.get_running_loop().time() + together * self._page_timeout_s
        for each, until in ((limit, 0.0), *((waiting, self._page_timeout_s) for waiting in self._behind)):
            if not each.expired():
                each.reschedule(self._busy_until + until)

    async def _work(self, worker: Worker, task: PageTask) -> None:
        tries = task.tries

        def begun(together: int) -> None:  # a second time when the batch failed and each page is tried by itself
            task.tries = tries + 1
            self._begun(limit, together)

        now = asyncio.get_running_loop().time()
        limit = asyncio.timeout_at(max(now, self._busy_until) + self._page_timeout_s)
        self._behind.add(limit)
        reading = asyncio.ensure_future(worker.recognise((task.page,), task.options, task.request_id, begun))
        try:
            async with limit:
                pages = await asyncio.shield(reading)
        except TimeoutError:
            error = DeadlineExceeded(f"A page took longer than {self._page_timeout_s:g} s.")
            if worker.withdraws and await _is_let_go(task.page.path, reading):
                task.fail(error)  # it was at work on it: with the pages beside it, another time would be as long
            else:
                await worker.kill()
                await asyncio.wait([reading])
                self._try_again(task, error)
        except WorkerDiedError as error:
            log.warning("page in work lost", model=self._model, request_id=task.request_id, page=task.page.number)
            self._try_again(task, EngineCrashed(f"{self._model} stopped twice on a page: {error}.", retry_after=5))
        except NotRecognisedError as error:
            if error.code is None:
                task.fail(EngineFailed(f"{self._model} could not read a page: {error}"))
            else:
                task.fail(BY_CODE[error.code](str(error)))
        except Exception as error:
            task.fail(EngineFailed(f"{self._model} could not read a page: {error}"))
            raise
        else:
            if len(pages) != 1:
                task.fail(EngineFailed(f"{self._model} gave {len(pages)} results for one page."))
            elif not task.answer.done():
                task.answer.set_result(pages[0])
            self.read += 1
        finally:
            self._behind.discard(limit)

    def _try_again(self, task: PageTask, error: Exception) -> None:
        if task.may_be_tried_again:
            self._waiting.appendleft(task)
        else:
            task.fail(error)


async def _is_let_go(page: Path, reading: "asyncio.Future[tuple[Page, ...]]") -> bool:
    """Whether a worker that is still sound gives up a page whose file is taken away; the file is back afterwards."""
    hidden = page.with_suffix(".late")
    with suppress(FileNotFoundError):  # the request may have ended
        page.rename(hidden)
    await asyncio.wait([reading], timeout=_LET_GO_S)
    with suppress(FileNotFoundError):
        hidden.rename(page)
    return reading.done() and not isinstance(reading.exception(), WorkerDiedError)
