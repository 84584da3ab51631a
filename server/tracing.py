"""What is traced of the work: nothing, unless `server.otlp` is there to send it to a collector.

    request | job → page → stage (see `server.stages`)

Spans hold numbers, models, verdicts, ids and error codes; never a document's text, nor a name that a caller chose.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Value = str | int | float


class Span:
    """A piece of work. This one is not traced."""

    trace_id: str | None = None
    """32 hexadecimal digits, as log lines and collectors write it."""

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Spans that begin inside are below this one, also in tasks and threads that begin inside."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def note(self, **attributes: Value) -> None:
        """Add attributes; their names begin with `ocr.` where they come out."""

    def answered(self, method: str, route: str, status: int, error: str | None) -> None:
        """The end of a request's span, which is called by its route; `error` is the code that the caller was told."""

    def end(self, error: BaseException | None = None) -> None:
        """It is over; by an error, if one is given: its code or its class is told, and not its message."""


class Tracing:
    """Makes spans. These do nothing."""

    def begin(self, name: str, below: Span | None = None) -> Span:
        """A span below the one given, else below the one that this is inside of, else of a trace of its own."""
        return _NOTHING

    def request(self, headers: Mapping[str, str]) -> Span:
        """A request's span; it continues the trace that the headers name (w3.org/TR/trace-context)."""
        return _NOTHING

    def close(self) -> None:
        """Send what is left, in a few seconds or not at all. It waits: call it in a thread."""


_NOTHING = Span()
_current: ContextVar[Span] = ContextVar("span", default=_NOTHING)


def current() -> Span:
    """The span that this is inside of."""
    return _current.get()
