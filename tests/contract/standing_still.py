"""A worker that stands still: what it is given stays in work for as long as a test needs that."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.contract.running import Server


@contextmanager
def standing_still(server: Server, model: str = "pp-ocr") -> Iterator[None]:
    """While inside, the model's worker does nothing, and takes nothing amiss."""
    worker = server.worker(model)
    assert worker is not None
    os.kill(worker["pid"], signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it may have ended with the server
            os.kill(worker["pid"], signal.SIGCONT)
