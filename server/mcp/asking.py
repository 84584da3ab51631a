"""Who sent a message, what came with it, and for how long its answer is worked on."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from fastapi import Request

from server.auth import Caller
from server.call import Sent
from server.routes.patience import run_while_wanted
from server.routes.reading import Asked, Place
from server.services import Services

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """One message. `sent` is its document, if there is one; the `place` where that lies is given back with `held`."""

    request: Request
    caller: Caller
    asked: Asked
    sent: Sent | None
    place: Place
    held: AsyncExitStack

    @property
    def services(self) -> Services:
        """The parts of this server."""
        return self.asked.services

    async def work(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result, as of `run_while_wanted`; when this is cancelled, so is the work, and waited for.

        In a task of its own: the SDK cancels by anyio's scopes, in which nothing else can be awaited any more.
        """
        # the SDK notices a disconnect, and cancels this
        wanted = run_while_wanted(work, self.request, self.services, started=self.asked.started, reads_body=True)
        task = asyncio.create_task(wanted)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])
            raise
