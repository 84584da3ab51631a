"""Wakes whoever waits for a job to change."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Who watches which job. Used from one event loop."""

    def __init__(self) -> None:
        self._watching: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def tell(self, job_id: str) -> None:
        """This job has changed."""
        for changed in self._watching.get(job_id, ()):
            changed.set()

    def tell_all(self) -> None:
        """Every job may have changed, or there will be no more changes."""
        for job_id in list(self._watching):
            self.tell(job_id)

    @contextmanager
    def of(self, job_id: str) -> Iterator[asyncio.Event]:
        """Set at every change from here on. Watch first, then look: what happens in between is not missed."""
        changed = asyncio.Event()
        self._watching[job_id].add(changed)
        try:
            yield changed
        finally:
            self._watching[job_id].discard(changed)
            if not self._watching[job_id]:
                del self._watching[job_id]
