"""Work goes on only while somebody wants it: until the deadline, the caller's disconnect, or the end of the server."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from server.errors import DeadlineExceeded, Draining
from server.services import Services

T = TypeVar("T")


async def run_while_wanted(  # noqa: PLR0913 who waits, since when, and for what
    work: Coroutine[Any, Any, T],
    request: Request,
    services: Services,
    *,
    started: float | None = None,
    reads_body: bool = False,
    advice: str = "Ask for fewer pages at once with `pages`.",
) -> T:
    """The work's result. Work that reads the request's body notices a disconnect itself.

    Raises DeadlineExceeded REQUEST_TIMEOUT_S after `started` (of `time.perf_counter`; None is now), Draining when the
    server gives up waiting for it, ClientDisconnect.
    """
    seconds = services.settings.request_timeout_s
    passed = 0.0 if started is None else time.perf_counter() - started
    working = asyncio.create_task(work)
    gone = asyncio.create_task(asyncio.Event().wait() if reads_body else _disconnect(request))
    giving_up = asyncio.create_task(services.giving_up.wait())
    try:
        await asyncio.wait(
            (working, gone, giving_up),
            timeout=max(0.0, seconds - passed),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if working.done():
            return working.result()
        if gone.done():
            raise ClientDisconnect
        if giving_up.done():
            raise Draining("The server is shutting down. Send the request again.", retry_after=5)
        raise DeadlineExceeded(f"The request took longer than {seconds:g} s. {advice}")
    finally:
        for task in (gone, giving_up, working):
            task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await working


async def _disconnect(request: Request) -> bool:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return True
