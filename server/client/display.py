"""stderr: one line that changes in place where a person looks at a terminal, and lines of text anywhere."""

import os
import shutil
import sys
import time

from server.client.plain import plain

_ERASE = "\r\x1b[K"  # to the line's beginning, and what is in it away: ECMA-48, EL
_PAUSE_S = 0.1


class Display:
    """`live` where lines can change in place. `say` writes a line that stays."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""
        self._when = 0.0

    def show(self, line: str) -> None:
        """Replace the changing line; nothing where there is none."""
        now = time.monotonic()
        if self.live and now - self._when >= _PAUSE_S:
            self._shown, self._when = plain(line), now
            self._draw()

    def say(self, line: str) -> None:
        self._erase()
        sys.stderr.write(plain(line) + "\n")
        self._draw()

    def clear(self) -> None:
        """Take the changing line away."""
        self._erase()
        self._shown, self._when = "", 0.0

    def _draw(self) -> None:
        if self._shown:
            columns = shutil.get_terminal_size().columns
            sys.stderr.write(_ERASE + self._shown[: columns - 1])
            sys.stderr.flush()

    def _erase(self) -> None:
        if self._shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
