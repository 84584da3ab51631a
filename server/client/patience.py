"""How long a command puts up with a server that does not answer: for a time counted from the last progress, not the first
failure, so that a server that is killed and restarted now and then is no reason to give up."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from server.client.errors import Busy, NoConnection, NotTheServer, ServerFault

_LONGEST_WAIT_S = 60.0  # whatever Retry-After says: the server may be back earlier
_TOLD_AFTER_S = 3.0  # a queue that is full for a second, a reconnection, is nobody's concern
_FAULTS = 4  # attempts at a request that the server answers with 500 each time

T = TypeVar("T")


class Patience:
    """`seconds` without any progress are borne. A server that has never answered is waited for only with `from_the_start`.

    `tell` gets one line for each time without an answer that lasts.
    """

    def __init__(self, seconds: float, tell: Callable[[str], None], *, from_the_start: bool = False) -> None:
        self.seconds = seconds
        self._tell = tell
        self._met = from_the_start
        self._waiting_since: float | None = None
        self._told = False
        self.progress()

    def progress(self) -> None:
        """Something came about: the time begins anew."""
        self._since = time.monotonic()

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._since >= self.seconds

    async def answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` returns in the end. Raises what it raises where waiting does not help, or has taken too long."""
        faults = 0

        def again(error: Exception) -> bool | float:
            nonlocal faults
            faults += isinstance(error, ServerFault)
            return faults < _FAULTS and self._bears(error)

        async for attempt in stamina.retry_context(
            on=again, attempts=None, timeout=None, wait_initial=0.5, wait_max=15.0
        ):
            with attempt:
                found = await ask()
        self._met = True
        self._waiting_since, self._told = None, False
        return found

    def _bears(self, error: Exception) -> bool | float:
        if isinstance(error, NotTheServer) or not isinstance(error, NoConnection | ServerFault):
            return False
        self._met |= isinstance(error, Busy | ServerFault)
        if not self._met or self.is_over:
            return False
        if isinstance(error, ServerFault):
            return True
        now = time.monotonic()
        self._waiting_since = now if self._waiting_since is None else self._waiting_since
        if not self._told and now - self._waiting_since >= _TOLD_AFTER_S:
            self._told = True
            self._tell(f"{error} Trying again, for up to {self.seconds:g} s.")
        return True if error.retry_after is None else min(error.retry_after, _LONGEST_WAIT_S)
