"""Requests that ask for the same at the same time share one reading."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from server.documents import Document
from server.surely import surely


@dataclass(eq=False)
class _Flight:
    """A reading, what it needs, and how many wait for it or use its result."""

    reading: asyncio.Task[Document]
    held: AsyncExitStack
    passengers: int = 0


class Flights:
    """The readings that are under way, by what makes them the same. Used from one event loop."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}

    @asynccontextmanager
    async def share(
        self, key: str, held: AsyncExitStack, read: Callable[[], Awaitable[Document]]
    ) -> AsyncIterator[tuple[Document, bool]]:
        """The document, and whether somebody else's reading it is. While it is used, leave this open.

        Who comes first starts to `read`, and hands over what is `held` for it: files, places in the queue. All that lasts
        until the last one has left, whoever came first. Raises what `read` raises.
        """
        flight = self._flights.get(key)
        shared = flight is not None
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(read()), held.pop_all())
            flight.reading.add_done_callback(partial(self._landed, key, flight))
        flight.passengers += 1
        try:
            yield await asyncio.shield(flight.reading), shared
        finally:
            flight.passengers -= 1
            if not flight.passengers:
                self._forget(key, flight)
                await surely(_end(flight))

    def _landed(self, key: str, flight: _Flight, reading: asyncio.Task[Document]) -> None:
        if reading.cancelled() or reading.exception():
            self._forget(key, flight)  # who comes now tries for himself

    def _forget(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


async def _end(flight: _Flight) -> None:
    flight.reading.cancel()
    await asyncio.wait([flight.reading])
    await flight.held.aclose()
