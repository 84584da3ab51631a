"""What Prometheus is told. Units are in the names, as its naming rules ask (prometheus.io/docs/practices/naming)."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server.states import ModelState

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)


class Metrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self, version: str, revision: str) -> None:
        self._registry = CollectorRegistry()
        Gauge("ocr_build_info", "Always 1", ["version", "revision"], registry=self._registry).labels(
            version, revision
        ).set(1)
        self.requests = Counter(
            "ocr_http_requests", "HTTP requests answered", ["method", "route", "status"], registry=self._registry
        )
        self.request_seconds = Histogram(
            "ocr_http_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self.queue_pages = Gauge("ocr_queue_pages", "Pages waiting or in work", registry=self._registry)
        self.pages = Counter("ocr_pages", "Pages by how they came out", ["model", "verdict"], registry=self._registry)
        self.page_seconds = Histogram(
            "ocr_page_seconds", "Engine time of a page", ["model"], buckets=_SECONDS, registry=self._registry
        )
        self.render_seconds = Histogram(
            "ocr_render_seconds", "Time to make a page image", buckets=_SECONDS, registry=self._registry
        )
        self._model_state = Gauge(
            "ocr_model_state", "1 for the state that a model is in", ["model", "state"], registry=self._registry
        )
        self._restarts = Gauge(
            "ocr_worker_restarts", "Workers replaced because they died", ["model"], registry=self._registry
        )

    def model(self, name: str, state: ModelState, restarts: int) -> None:
        """A model's state has changed."""
        for each in ModelState:
            self._model_state.labels(name, each.value).set(each is state)
        self._restarts.labels(name).set(restarts)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
