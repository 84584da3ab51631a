"""The line of pages before one model's worker, and the pages in work. A chat is in it as a page is.

Pages of all requests and jobs wait in one line. A page whose worker dies is tried once more, alone, so that a page that
kills its worker takes no other page with it.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from server.child import NotRecognisedError, Worker, WorkerDiedError
from server.errors import BY_CODE, DeadlineExceeded, EngineCrashed, EngineFailed, OutOfSpace, QueueFull
from server.page_queue import PageQueue
from server.page_task import AnyTask

_LET_GO_S = 30.0
_ROOM_AGAIN_S = 10

log = structlog.get_logger("server.page_line")


class PageLine:
    """Pages in the order of `PageQueue`. `wake` is set whenever there may be something to do."""

    def __init__(self, model: str, page_timeout_s: float) -> None:
        self.wake = asyncio.Event()
        self.in_work: set[asyncio.Task[None]] = set()
        self.read = 0  # pages that a worker has come back with
        self._model = model
        self._page_timeout_s = page_timeout_s
        self._waiting = PageQueue()
        self._suspect_in_work = False
        self._busy_until = 0.0  # by the event loop's clock: when the worker should be through with what it has begun
        self._behind: set[asyncio.Timeout] = set()  # of pages that the worker has not begun

    def __len__(self) -> int:
        """How many pages wait, those included that nobody waits for any more until their turn comes."""
        return len(self._waiting)

    def join(self, task: AnyTask, start_within_s: float | None) -> None:
        """Put it in the line. It fails with QueueFull when it has not begun within `start_within_s` s (None: any time)."""
        self._waiting.append(task)
        self.wake.set()
        if start_within_s is not None:
            asyncio.get_running_loop().call_later(start_within_s, self._give_up, task)

    def feed(self, worker: Worker) -> int:
        """Begin as many pages as the worker takes now; returns how many."""
        begun = 0
        while self._may_begin(worker):
            self._begin(worker, self._waiting.take())
            begun += 1
        return begun

    def turn_away(self, error: Exception) -> None:
        """Answer every page in the line with an error."""
        while self._waiting.head():
            self._waiting.take().fail(error)

    def _give_up(self, task: AnyTask) -> None:
        if task.tries == 0 and self._waiting.remove(task):
            task.fail(QueueFull("Its turn did not come in time. Try again later.", retry_after=10))

    def _may_begin(self, worker: Worker) -> bool:
        head = self._waiting.head()
        if head is None or len(self.in_work) >= worker.concurrency:
            return False
        return not self.in_work or (head.tries == 0 and not self._suspect_in_work)

    def _begin(self, worker: Worker, task: AnyTask) -> None:
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

    async def _work(self, worker: Worker, task: AnyTask) -> None:
        tries = task.tries

        def begun(together: int) -> None:  # a second time when the batch failed and each page is tried by itself
            task.tries = tries + 1
            task.on_begun()
            self._begun(limit, together)

        now = asyncio.get_running_loop().time()
        limit = asyncio.timeout_at(max(now, self._busy_until) + self._page_timeout_s)
        self._behind.add(limit)
        reading = asyncio.ensure_future(task.ask(worker, begun))
        try:
            async with limit:
                done = await asyncio.shield(reading)
        except TimeoutError:
            error = DeadlineExceeded(f"A {task.what} took longer than {self._page_timeout_s:g} s.")
            if task.is_let_go_by(worker) and await _is_let_go(task.file, reading):
                task.fail(error)  # it was at work on it: with the pages beside it, another time would be as long
            else:
                await worker.kill()
                await asyncio.wait([reading])
                self._try_again(task, error)
        except WorkerDiedError as error:
            log.warning(f"{task.what} in work lost", model=self._model, request_id=task.request_id, file=task.file.name)
            crashed = f"{self._model} stopped{' twice' if task.tries > 1 else ''} on a {task.what}: {error}."
            self._try_again(task, EngineCrashed(crashed, retry_after=5))
        except NotRecognisedError as error:
            if error.code is None:
                task.fail(EngineFailed(f"{self._model} {task.failure}: {error}"))
            else:
                again = _ROOM_AGAIN_S if error.code == OutOfSpace.code else None
                task.fail(BY_CODE[error.code](str(error), retry_after=again))
        except Exception as error:
            task.fail(EngineFailed(f"{self._model} {task.failure}: {error}"))
            raise
        else:
            if not task.answer.done():
                task.answer.set_result(done)
            self.read += 1
        finally:
            self._behind.discard(limit)

    def _try_again(self, task: AnyTask, error: Exception) -> None:
        if task.may_be_tried_again:
            self._waiting.put_back(task)
        else:
            task.fail(error)


async def _is_let_go(file: Path, reading: "asyncio.Future[Any]") -> bool:
    """Whether a worker that is still sound gives up a page whose file is taken away; the file is back afterwards."""
    hidden = file.with_suffix(".late")
    with suppress(FileNotFoundError):  # the request may have ended
        file.rename(hidden)
    await asyncio.wait([reading], timeout=_LET_GO_S)
    with suppress(FileNotFoundError):
        hidden.rename(file)
    return reading.done() and not isinstance(reading.exception(), WorkerDiedError)
