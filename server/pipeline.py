"""Pages → engine → Document: pages in flight together, results in order, memory bounded, one bad page kept to itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial

from server.admission import Admission, Permit
from server.chat import Chat, Ending, Said
from server.documents import Document, Page, Verdict
from server.engines.base import Options, PageInput
from server.errors import DamagedFile, DeadlineExceeded, EngineCrashed, EngineFailed, OcrError, ReaderKilled, TooLarge
from server.model_host import ModelHost
from server.page_task import Urgency
from server.pages import Opened, Reader
from server.stages import Stages
from server.tracing import Span, current

_SPOOL_PAGES = 32  # page images lying in the spool at once, over all requests
_PAGE_ERRORS = (DamagedFile, ReaderKilled, TooLarge, EngineCrashed, EngineFailed, DeadlineExceeded)


class Pipeline:
    """The way of every document through this server."""

    def __init__(self, admission: Admission, stages: Stages, max_wait_s: float) -> None:
        self._admission = admission
        self._stages = stages
        self._max_wait_s = max_wait_s
        self._spool = asyncio.Semaphore(_SPOOL_PAGES)
        self._several = asyncio.Lock()

    async def run(  # noqa: PLR0913 the parts of one request
        self,
        reader: Reader,
        opened: Opened,
        numbers: Sequence[int],
        host: ModelHost,
        options: Options,
        permit: Permit,
        request_id: str,
        told: Callable[[int, int], None] = lambda done, of: None,
    ) -> Document:
        """The document's chosen pages, read; `told` hears how many are done, of how many.

        When every page fails, the first one's error is raised; else as `read`.
        """
        done: dict[int, Page] = {}

        async def keep(page: Page) -> None:
            done[page.number] = page
            permit.pages_left(len(numbers) - len(done))
            told(len(done), len(numbers))

        errors = await self.read(reader, numbers, host, options, request_id, on_page=keep)
        if len(errors) == len(numbers):
            raise errors[numbers[0]]
        return Document(opened.file_type, opened.total_pages, tuple(done[number] for number in numbers))

    async def read(  # noqa: PLR0913 the parts of one document
        self,
        reader: Reader,
        numbers: Iterable[int],
        host: ModelHost,
        options: Options,
        request_id: str,
        *,
        on_page: Callable[[Page], Awaitable[None]],
        urgency: Urgency = Urgency.REQUEST,
        wanted: Callable[[], bool] = lambda: True,
    ) -> dict[int, OcrError]:
        """Give every page to `on_page` as soon as it is read, in any order, its figures still in the spool.

        A page that fails comes with `Verdict.FAILED`; its error is among those returned, by page number. No further page
        is begun when `wanted` says so. Raises ModelLoading, ModelUnavailable, QueueFull when the model's turn does not
        come in time, and what `on_page` raises.
        """
        async with self.loaded(host):
            errors: dict[int, OcrError] = {}
            ahead = asyncio.Semaphore(host.concurrency + 1)

            async def settle(page: Page) -> None:
                self._observe(host.entry.name, page, urgency)
                await on_page(page)

            async def read(image: PageInput, wait_s: float | None) -> None:
                try:
                    with self._stages("wait") as stage:
                        begun = partial(stage.becomes, "recognise")
                        page = await host.recognise(
                            image, options, request_id, start_within_s=wait_s, urgency=urgency, on_begun=begun
                        )
                except _PAGE_ERRORS as error:
                    errors[image.number] = error
                    page = _failed(image.number, error, image.width, image.height)
                else:
                    self._admission.page_done(page.seconds / host.side_by_side)
                await settle(replace(page, preparation=image.preparation))

            def release(image: PageInput | None, span: Span, _: object = None) -> None:
                span.end()
                if image:
                    image.path.unlink(missing_ok=True)
                self._spool.release()
                ahead.release()

            # for a request's first page: when its turn has come, so has the document's
            wait_s = self._max_wait_s if urgency is Urgency.REQUEST else None
            try:
                async with asyncio.TaskGroup() as reading:
                    for number in numbers:
                        await ahead.acquire()
                        if not wanted():
                            break
                        await self._spool.acquire()
                        span = self._stages.page(host.entry.name, number)
                        with ExitStack() as unread, span.inside():
                            unread.callback(release, None, span)
                            try:
                                image = await reader.render(number)
                            except _PAGE_ERRORS as error:
                                errors[number] = error
                                await settle(_failed(number, error))
                                continue
                            unread.pop_all()
                            # a callback, because a task cancelled before its first step never reaches its own `finally`
                            task = reading.create_task(read(image, wait_s))
                            task.add_done_callback(partial(release, image, span))
                            wait_s = None
            except BaseExceptionGroup as group:
                ours = [error for error in group.exceptions if isinstance(error, OcrError)]
                raise ours[0] if len(ours) == len(group.exceptions) else group from None
            return errors

    @asynccontextmanager
    async def loaded(self, host: ModelHost) -> AsyncIterator[None]:
        """While inside, the model is loaded and stays so. Raises ModelLoading, ModelUnavailable."""
        with host.in_use():
            with nullcontext() if host.loaded else self._stages("load"):
                await host.wait_loaded(self._max_wait_s)
            yield

    @asynccontextmanager
    async def room_for(self, images: int) -> AsyncIterator[None]:
        """While inside, so many images of one chat may lie in the spool."""
        taken = 0
        try:
            async with self._several:  # or else two of them, each with half of its own, would wait for ever
                while taken < images:
                    await self._spool.acquire()
                    taken += 1
            yield
        finally:
            for _ in range(taken):
                self._spool.release()

    async def answer(self, host: ModelHost, chat: Chat, request_id: str, say: Callable[[Said], None]) -> Ending:
        """The end of an answer that `say` is given piece by piece; the model is `loaded`. Raises as `ModelHost.answer`."""
        with self._stages("wait") as stage:
            begun = partial(stage.becomes, "recognise")
            ending = await host.answer(chat, request_id, say, start_within_s=self._max_wait_s, on_begun=begun)
        self._stages.metrics.tokens(host.entry.name, ending.completion_tokens)
        self._admission.page_done(ending.seconds / host.side_by_side)
        return ending

    def _observe(self, model: str, page: Page, urgency: Urgency) -> None:
        self._stages.metrics.page(model, page)
        if urgency is not Urgency.REQUEST:
            self._stages.metrics.job_pages.inc()
        current().note(verdict=page.verdict.value, width=page.width, height=page.height)


def _failed(number: int, error: OcrError, width: int = 0, height: int = 0) -> Page:
    return replace(Page(number, width, height), verdict=Verdict.FAILED, error=error.detail)
