"""A page on its way through a worker, and the answer that its request waits for."""

import asyncio
from dataclasses import dataclass, field

from server.documents import Page
from server.engines.base import Options, PageInput

_TRIES = 2


@dataclass(eq=False)
class PageTask:
    """A page in a model's line. Made inside the event loop; `tries` counts how often a worker began it."""

    page: PageInput
    options: Options
    request_id: str
    answer: asyncio.Future[Page] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    tries: int = 0

    @property
    def may_be_tried_again(self) -> bool:
        """Whether a worker that died on it is no reason yet to give the page up."""
        return self.tries < _TRIES

    def fail(self, error: Exception) -> None:
        """Answer with an error, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_exception(error)
