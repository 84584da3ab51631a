"""Pages → engine → Document: pages in flight together, results in order, memory bounded, one bad page kept to itself."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from server.admission import Admission, Permit
from server.documents import Document, Page, Verdict
from server.engines.base import Options, PageInput
from server.errors import DamagedFile, DeadlineExceeded, EngineCrashed, EngineFailed, OcrError, ReaderKilled, TooLarge
from server.metrics import Metrics
from server.model_host import ModelHost
from server.pages import Opened, Reader

_SPOOL_PAGES = 32  # page images lying in the spool at once, over all requests
_PAGE_ERRORS = (DamagedFile, ReaderKilled, TooLarge, EngineCrashed, EngineFailed, DeadlineExceeded)


class Pipeline:
    """The way of every document through this server."""

    def __init__(self, admission: Admission, metrics: Metrics, max_wait_s: float) -> None:
        self._admission = admission
        self._metrics = metrics
        self._max_wait_s = max_wait_s
        self._spool = asyncio.Semaphore(_SPOOL_PAGES)

    async def run(  # noqa: PLR0913 the parts of one request
        self,
        reader: Reader,
        opened: Opened,
        numbers: Sequence[int],
        host: ModelHost,
        options: Options,
        permit: Permit,
        request_id: str,
    ) -> Document:
        """The document's chosen pages, read.

        A page that fails becomes a page with `Verdict.FAILED`; the page's own error is raised only when no page is left.
        Raises ModelLoading, ModelUnavailable, QueueFull when the model's turn does not come in time.
        """
        with host.in_use():
            await host.wait_loaded(self._max_wait_s)
            done: dict[int, Page] = {}
            errors: dict[int, OcrError] = {}
            ahead = asyncio.Semaphore(host.concurrency + 1)

            def settle(page: Page) -> None:
                done[page.number] = page
                permit.pages_left(len(numbers) - len(done))
                self._metrics.pages.labels(host.entry.name, page.verdict.value).inc()

            async def read(image: PageInput, wait_s: float | None) -> None:
                try:
                    page = await host.recognise(image, options, request_id, start_within_s=wait_s)
                except _PAGE_ERRORS as error:
                    errors[image.number] = error
                    page = _failed(image.number, error, image.width, image.height)
                else:
                    self._metrics.page_seconds.labels(host.entry.name).observe(page.seconds)
                    self._admission.page_done(page.seconds / host.side_by_side)
                settle(page)

            def release(image: PageInput, _: asyncio.Task[None]) -> None:
                image.path.unlink(missing_ok=True)
                self._spool.release()
                ahead.release()

            wait_s: float | None = self._max_wait_s  # for the first page: when its turn has come, so has the document's
            try:
                async with asyncio.TaskGroup() as reading:
                    for number in numbers:
                        await ahead.acquire()
                        await self._spool.acquire()
                        try:
                            image = await self._render(reader, number)
                        except BaseException as error:
                            self._spool.release()
                            if not isinstance(error, _PAGE_ERRORS):
                                raise
                            ahead.release()
                            errors[number] = error
                            settle(_failed(number, error))
                        else:
                            # a callback, because a task cancelled before its first step never reaches its own `finally`
                            reading.create_task(read(image, wait_s)).add_done_callback(partial(release, image))
                            wait_s = None
            except BaseExceptionGroup as group:
                ours = [error for error in group.exceptions if isinstance(error, OcrError)]
                raise ours[0] if len(ours) == len(group.exceptions) else group from None
            if len(errors) == len(numbers):
                raise errors[numbers[0]]
            return Document(opened.file_type, opened.total_pages, tuple(done[number] for number in numbers))

    async def _render(self, reader: Reader, number: int) -> PageInput:
        started = time.perf_counter()
        image = await reader.render(number)
        self._metrics.render_seconds.observe(time.perf_counter() - started)
        return image


def _failed(number: int, error: OcrError, width: int = 0, height: int = 0) -> Page:
    return replace(Page(number, width, height), verdict=Verdict.FAILED, error=error.detail)
