"""How far long work is: a bar that redraws itself on a terminal, a plain line every few seconds elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WIDTH = 30
_TERMINAL_S = 0.2
_PLAIN_S = 10.0


@contextmanager
def shown(what: str, total: int, done: Callable[[], int]) -> Iterator[None]:
    """Show `done()` of `total` bytes on stderr while the body runs."""
    terminal = sys.stderr.isatty()
    ended = threading.Event()
    started = time.monotonic()
    first = done()

    def show() -> None:
        while not ended.wait(_TERMINAL_S if terminal else _PLAIN_S):
            _show(_line(what, min(done(), total), total, first, time.monotonic() - started), terminal)

    thread = threading.Thread(target=show, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if terminal:
            sys.stderr.write("\r\x1b[K")


def _line(what: str, done: int, total: int, first: int, seconds: float) -> str:
    share = done / total if total else 1.0
    speed = (done - first) / seconds
    left = f", {(total - done) / speed:.0f} s left" if speed > 0 else ""
    bar = "█" * int(share * _WIDTH) + "░" * (_WIDTH - int(share * _WIDTH))
    return f"{what} {bar} {share:4.0%} of {size(total)}, {size(speed)}/s{left}"


def _show(line: str, terminal: bool) -> None:
    sys.stderr.write(f"\r{line}\x1b[K" if terminal else f"{line}\n")
    sys.stderr.flush()


def size(number: float) -> str:
    """Bytes for a person: `1.9 GB`."""
    units = ["TB", "GB", "MB", "kB"]
    if number < 1000:
        return f"{number:.0f} B"
    while (number := number / 1000) >= 1000 and len(units) > 1:
        units.pop()
    return f"{number:.1f} {units[-1]}"
