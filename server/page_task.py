"""What waits in a model's line, a page or a chat: how a worker is asked for it, and the answer that its request gets."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from server.chat import Chat, Ending, Said
from server.child import NotRecognisedError, Worker
from server.documents import Page
from server.engines.base import Options, PageInput

_TRIES = 2

Result = TypeVar("Result")


class Urgency(IntEnum):
    """Who waits for a page, the most urgent first."""

    REQUEST = 0  # somebody holds a connection open
    SHORT_JOB = 1
    LONG_JOB = 2


class Task(ABC, Generic[Result]):
    """A page or a chat, made inside the event loop; `tries` counts how often a worker began it.

    `on_begun` is told each time.
    """

    what: ClassVar[str]
    failure: ClassVar[str]

    def __init__(self, request_id: str, urgency: Urgency, on_begun: Callable[[], None]) -> None:
        self.request_id = request_id
        self.urgency = urgency
        self.on_begun = on_begun
        self.answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.tries = 0

    @property
    @abstractmethod
    def file(self) -> Path:
        """What is taken away to have a worker let go of the task."""

    def is_let_go_by(self, worker: Worker) -> bool:
        """Whether such a worker lets go of it."""
        return worker.withdraws

    @abstractmethod
    async def ask(self, worker: Worker, on_begun: Callable[[int], None]) -> Result:
        """Have the worker do it. Raises as `Worker.recognise` does."""

    @property
    def may_be_tried_again(self) -> bool:
        """Whether a worker that died on it is no reason yet to give it up."""
        return self.tries < _TRIES

    def fail(self, error: Exception) -> None:
        """Answer with an error, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_exception(error)


AnyTask = Task[Any]


class PageTask(Task[Page]):
    """A page to be read."""

    what = "page"
    failure = "could not read a page"

    def __init__(
        self,
        page: PageInput,
        options: Options,
        request_id: str,
        urgency: Urgency = Urgency.REQUEST,
        on_begun: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(request_id, urgency, on_begun)
        self.page = page
        self._options = options

    @property
    def file(self) -> Path:
        """The page's image."""
        return self.page.path

    async def ask(self, worker: Worker, on_begun: Callable[[int], None]) -> Page:
        """The page, read."""
        pages = await worker.recognise((self.page,), self._options, self.request_id, on_begun)
        if len(pages) != 1:
            raise NotRecognisedError(f"it gave {len(pages)} results", None)
        return pages[0]


class ChatTask(Task[Ending]):
    """A chat to be answered; `say` is given the answer piece by piece."""

    what = "chat"
    failure = "could not answer a chat"

    def __init__(
        self, chat: Chat, request_id: str, say: Callable[[Said], None], on_begun: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(request_id, Urgency.REQUEST, on_begun)
        self._chat = chat
        self._say = say
        self._has_said = False

    @property
    def file(self) -> Path:
        """The chat's ticket."""
        return self._chat.ticket

    def is_let_go_by(self, worker: Worker) -> bool:
        """Every engine that answers chats does."""
        return True

    @property
    def may_be_tried_again(self) -> bool:
        """Not once something has been said: it would be said twice."""
        return not self._has_said and super().may_be_tried_again

    async def ask(self, worker: Worker, on_begun: Callable[[int], None]) -> Ending:
        """The end of the answer."""
        return await worker.answer(self._chat, self.request_id, on_begun, self._pass_on)

    def _pass_on(self, said: Said) -> None:
        self._has_said = True
        if not self.answer.done():
            self._say(said)
