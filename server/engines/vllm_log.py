"""What vLLM's processes print, as lines of this process's log, and what in it explains why they ended."""

import logging
import re
from collections.abc import Iterable

_LINE = re.compile(
    r"(?:\(\w[^)]* pid=\d+\) )?(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)"
    r"(?: \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\]|:) +(?P<text>.*)"
)
"""vLLM's own form (vllm/logging_utils/formatter.py, vllm/logger.py), and uvicorn's."""
_PREFIX = re.compile(r"\(\w[^)]* pid=\d+\) ")
_CAUSE = re.compile(r"[\w.]*(?:Error|Exception): .+")
_CAUSE_LENGTH = 400  # characters

log = logging.getLogger("vllm")


class LogForwarder:
    """Forwards lines; `cause` is the first exception among them, in its own words.

    When `closing`, what it says is not worth a line: told to end, vLLM reports that its engine died and what it leaked.
    """

    def __init__(self) -> None:
        self.cause: str | None = None
        self.closing = False
        self._level = logging.INFO

    def forward(self, lines: Iterable[str]) -> None:
        """Every line until there are no more. One without a level of its own, of a traceback, has that of the one before."""
        for line in lines:
            text = line.rstrip()
            if found := _LINE.match(text):
                self._level = getattr(logging, found["level"])
                text = found["text"]
            else:
                text = _PREFIX.sub("", text, count=1)
            if self.cause is None and (cause := _CAUSE.match(text.strip())):
                self.cause = cause[0][:_CAUSE_LENGTH]
            if text and not self.closing:
                log.log(self._level, "%s", text)
