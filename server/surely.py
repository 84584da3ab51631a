"""Clean-up that is done to its end, however often whoever began it is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any

_UNDER_WAY: set[asyncio.Task[None]] = set()  # the event loop itself holds tasks weakly


async def surely(work: Coroutine[Any, Any, None]) -> None:
    """Wait for the work, which goes on by itself where this is cancelled."""
    task = asyncio.create_task(work)
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)
    await asyncio.shield(task)
