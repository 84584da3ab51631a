"""A job's events as they happen, over however many connections that takes."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from server.client.api import Api
from server.client.errors import NoConnection, NotTheServer
from server.client.job import ENDED

_PAUSE_S = 0.5  # between two connections of which the first brought something


@dataclass(slots=True)
class Follower:
    """Follows one job; `show` gets the name and the data of each event, once each where the event has an id."""

    api: Api
    job_id: str
    show: Callable[[str, dict[str, Any]], None]
    last_id: str = field(default="", init=False)
    ended: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Return when the job has ended. Raises ClientError."""
        while not self.ended:
            await self.api.patience.answer(self._connection)
            await asyncio.sleep(0 if self.ended else _PAUSE_S)

    async def _connection(self) -> None:
        """The events of one connection. Raises NoConnection when it brought none."""
        heard = False
        try:
            async with self.api.events(self.job_id, self.last_id) as events:
                async for event in events:
                    heard |= bool(event.data)
                    self.take(event)
                    if self.ended:
                        return
        except NotTheServer:
            raise
        except NoConnection:
            if not heard:
                raise
        if not heard:
            raise NoConnection("The server ended the events before the job.")

    def take(self, event: httpx2.ServerSentEvent) -> None:
        """One event; one without data, such as a `retry` alone, is none. Raises NotTheServer for data of another kind."""
        if not event.data:
            return
        try:
            data = json.loads(event.data)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise NotTheServer("The server sends events that this client does not understand.")
        self.last_id = event.id or self.last_id
        self.ended = event.event == "state" and data.get("state") in ENDED
        self.api.patience.progress()
        self.show(event.event, data)
