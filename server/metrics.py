"""What Prometheus is told. Units are in the names, as its naming rules ask (prometheus.io/docs/practices/naming).

What is counted as it happens is here; what is looked up when Prometheus asks is in `server.gauges`.
"""

from http import HTTPStatus

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from server import confidence
from server.documents import Page, Verdict
from server.errors import BY_CODE
from server.states import ModelState

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
_STAGE_SECONDS = (0.005, 0.02, *_SECONDS)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1)
_WATCHED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self, version: str, revision: str) -> None:
        # a third of all lines, which PromQL makes no use of
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Gauge("ocr_build_info", "Always 1", ["version", "revision"], registry=self._registry).labels(
            version, revision
        ).set(1)
        self.ready = Gauge("ocr_ready", "1 while requests are served, as /health/ready says", registry=self._registry)
        self.requests = Counter(
            "ocr_http_requests", "HTTP requests answered", ["method", "route", "status"], registry=self._registry
        )
        self.request_seconds = Histogram(
            "ocr_http_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self.requests_in_flight = Gauge(
            "ocr_http_requests_in_flight", "HTTP requests not yet answered", registry=self._registry
        )
        self.errors = Counter(
            "ocr_http_errors", "HTTP requests answered with an error, by its code", ["code"], registry=self._registry
        )
        _begin_at_0(self.errors, *(error.code for error in BY_CODE.values() if error.status in _WATCHED))
        self.pages = Counter("ocr_pages", "Pages by how they came out", ["model", "verdict"], registry=self._registry)
        self.job_pages = Counter("ocr_job_pages", "Pages of jobs, among all pages", registry=self._registry)
        self.page_seconds = Histogram(
            "ocr_page_seconds", "Engine time of a page", ["model"], buckets=_SECONDS, registry=self._registry
        )
        self._confidence = Histogram(
            "ocr_page_confidence_ratio",
            "Confidence of pages with text on them, 0 to 1",
            ["model"],
            buckets=_SHARES,
            registry=self._registry,
        )
        self._tokens = Counter(
            "ocr_generated_tokens", "Tokens that a model generated", ["model"], registry=self._registry
        )
        self.stage_seconds = Histogram(
            "ocr_stage_seconds",
            "Time in a stage of the work",
            ["stage"],
            buckets=_STAGE_SECONDS,
            registry=self._registry,
        )
        self.cache = Counter(
            "ocr_cache", "Documents by how their results were come by", ["how"], registry=self._registry
        )
        _begin_at_0(self.cache, "hit", "shared", "miss")
        self.webhooks = Counter(
            "ocr_webhooks",
            "Calls of jobs' webhooks: delivered, pending (to be tried again) or failed",
            ["state"],
            registry=self._registry,
        )
        _begin_at_0(self.webhooks, "delivered", "pending", "failed")
        self.s3_uploads = Counter(
            "ocr_s3_uploads", "Results sent to S3: uploaded or failed", ["status"], registry=self._registry
        )
        _begin_at_0(self.s3_uploads, "uploaded", "failed")
        self._model_state = Gauge(
            "ocr_model_state", "1 for the state that a model is in", ["model", "state"], registry=self._registry
        )

    def model(self, name: str, state: ModelState) -> None:
        """A model's state has changed."""
        for each in ModelState:
            self._model_state.labels(name, each.value).set(each is state)
        for verdict in Verdict:
            self.pages.labels(name, verdict.value)

    def page(self, model: str, page: Page) -> None:
        """A page has come out, somehow."""
        self.pages.labels(model, page.verdict.value).inc()
        if page.verdict is Verdict.FAILED:
            return
        self.page_seconds.labels(model).observe(page.seconds)
        if page.verdict is not Verdict.BLANK:
            self._confidence.labels(model).observe(confidence.of_page(page).value)
        if page.tokens is not None:
            self.tokens(model, page.tokens)

    def tokens(self, model: str, number: int) -> None:
        """A model has generated so many tokens."""
        self._tokens.labels(model).inc(number)

    def answered(self, method: str, route: str, status: int, seconds: float, error: str | None) -> None:
        """A request is over; `error` is the code that the caller was told."""
        self.requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self.request_seconds.labels(route).observe(seconds)
        if error:
            self.errors.labels(error).inc()

    def look_up(self, collector: Collector) -> None:
        """Have this asked, too, whenever Prometheus asks."""
        self._registry.register(collector)

    def text(self) -> bytes:
        """All of it in Prometheus' text format. It may wait for the disk and the GPU's driver: call it in a thread."""
        return generate_latest(self._registry)


def _begin_at_0(counter: Counter, *values: str) -> None:
    """Prometheus sees a rise only where it has seen what was before."""
    for value in values:
        counter.labels(value)
