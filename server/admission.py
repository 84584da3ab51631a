"""Who may come in: a queue bounded in pages and bytes, and the drain at the end.

A request holds one page's place from the moment its headers are read, and more when its document turns out to be
longer; each place is given back as its page is done.
"""

import asyncio
import math
from types import TracebackType
from typing import Self

from server.errors import Draining, QueueFull

_SMOOTHING = 0.2  # weight of the newest page in the moving average of seconds a page
_MAX_RETRY_AFTER_S = 120


class Admission:
    """The places in the queue. Used from one event loop."""

    def __init__(self, max_pages: int, max_bytes: int) -> None:
        self.max_pages = max_pages
        self.max_bytes = max_bytes
        self.pages = 0
        self.bytes = 0
        self.requests = 0
        self.draining = False
        self.seconds_per_page = 1.0  # of late
        self._empty = asyncio.Event()
        self._empty.set()

    def enter(self, pages: int = 1) -> "Permit":
        """A place for so many pages, to be used as a context manager. Raises Draining or QueueFull."""
        if self.draining:
            raise Draining(
                "The server is shutting down. Send the request again; another replica will take it.", retry_after=5
            )
        return self.let_in(pages)

    def let_in(self, pages: int) -> "Permit":
        """As `enter`, for what belongs to a request that is in: it is not turned away while the server drains."""
        self.reserve(pages=pages)
        self.requests += 1
        self._empty.clear()
        return Permit(self, pages)

    def reserve(self, *, pages: int = 0, size: int = 0) -> None:
        """Take places for `pages` and `size` bytes. Raises QueueFull, and takes nothing then."""
        if self.pages + pages > self.max_pages or self.bytes + size > self.max_bytes:
            raise QueueFull(
                f"{self.pages} pages are waiting or in work. Send the request again later, or a shorter document.",
                retry_after=self.retry_after(),
            )
        self.pages += pages
        self.bytes += size

    def release(self, *, pages: int, size: int) -> None:
        """Give places back."""
        self.pages -= pages
        self.bytes -= size

    def leave(self) -> None:
        """One request is over."""
        self.requests -= 1
        if self.requests == 0:
            self._empty.set()

    def page_done(self, seconds: float) -> None:
        """Learn how long a page takes now, all engines working: from this comes Retry-After."""
        self.seconds_per_page += _SMOOTHING * (seconds - self.seconds_per_page)

    def retry_after(self) -> int:
        """Seconds until about half of the queue is done, 1 to 120."""
        return min(_MAX_RETRY_AFTER_S, max(1, math.ceil(self.pages / 2 * self.seconds_per_page)))

    async def drain(self, grace_s: float) -> bool:
        """Let nobody in any more and wait until all are out, `grace_s` seconds at most. True when they are."""
        self.draining = True
        try:
            async with asyncio.timeout(grace_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True


class Permit:
    """The places of one request; left as a context manager, it gives all of them back."""

    def __init__(self, admission: Admission, pages: int) -> None:
        self._admission = admission
        self._pages = pages
        self._bytes = 0

    def grow_bytes(self, size: int) -> None:
        """`size` more bytes have arrived. Raises QueueFull when too much lies in the spool already."""
        self._admission.reserve(size=size)
        self._bytes += size

    def another(self) -> "Permit":
        """A place for a page of another document of the same request. Raises QueueFull."""
        return self._admission.let_in(1)

    def set_pages(self, pages: int) -> None:
        """The document has this many pages to read. Raises QueueFull.

        A long document never takes more than half of the queue, so that it can come in at all and short ones still can.
        """
        wanted = min(pages, max(1, self._admission.max_pages // 2))
        self._admission.reserve(pages=wanted - self._pages)
        self._pages = wanted

    def pages_left(self, pages: int) -> None:
        """Only so many pages are still to do: places above that are given back."""
        if pages < self._pages:
            self._admission.release(pages=self._pages - pages, size=0)
            self._pages = pages

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.release(pages=self._pages, size=self._bytes)
        self._pages = self._bytes = 0
        self._admission.leave()
