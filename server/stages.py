"""The stages of the work: each is timed for Prometheus and traced, in one place.

    receive    a request's body → the disk                      wait       a page in its model's line
    parse      that body → fields and documents                 recognise  a page in the engine, a second try included
    fetch      a document at an address → the disk              reply      pages → what is answered, saved files included
    open       a document → its type and its pages
    render     a page → its image                               load       waiting for a model that is not loaded

Those of jobs count as well, and those that fail or are cancelled count to their end.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from server.metrics import Metrics
from server.tracing import Span, Tracing, current


class Stage:
    """One that is under way."""

    def __init__(self, name: str, stages: "Stages") -> None:
        self._stages = stages
        self._above = current()
        self._is_over = False
        self._begin(name)

    def becomes(self, name: str) -> None:
        """What was under way is over and this begins, unless it has, or nothing is under way any more. From any context."""
        if name != self._name and not self._is_over:
            self._close(None)
            self._begin(name)

    def end(self, error: BaseException | None = None) -> None:
        """It is over; by an error, if one is given."""
        self._is_over = True
        self._close(error)

    def _close(self, error: BaseException | None) -> None:
        self._stages.metrics.stage_seconds.labels(self._name).observe(time.perf_counter() - self._started)
        self._span.end(error)

    def _begin(self, name: str) -> None:
        self._name = name
        self._started = time.perf_counter()
        self._span = self._stages.tracing.begin(name, self._above)


class Stages:
    """`with stages("render"): …`"""

    def __init__(self, metrics: Metrics, tracing: Tracing) -> None:
        self.metrics = metrics
        self.tracing = tracing

    @contextmanager
    def __call__(self, name: str) -> Iterator[Stage]:
        """A stage, from here to the end of the block."""
        stage = Stage(name, self)
        try:
            yield stage
        except BaseException as error:
            stage.end(error)
            raise
        stage.end()

    def page(self, model: str, number: int) -> Span:
        """A page's span, which stages of the page are to be inside of."""
        span = self.tracing.begin("page")
        span.note(model=model, page=number)
        return span
