"""Traces to an OpenTelemetry collector, by OTLP over HTTP. Imported only where OTEL_EXPORTER_OTLP_ENDPOINT is set.

They leave in the background, and 2048 spans wait for that at the most: a collector that is slow or away costs spans, not
requests.
The SDK reads its other standard variables itself (OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, …).
"""

import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server import build
from server.errors import OcrError
from server.settings import Settings
from server.tracing import Span, Tracing, Value, current

_PATH = "/v1/traces"  # opentelemetry.io/docs/specs/otlp/#otlphttp-request
_CLOSE_S = 2.0

log = structlog.get_logger("server.otlp")


class _Span(Span):
    def __init__(self, otel: OtelSpan) -> None:
        self.otel = otel
        self.trace_id = format_trace_id(otel.get_span_context().trace_id)

    def note(self, **attributes: Value) -> None:
        self.otel.set_attributes({f"ocr.{name}": value for name, value in attributes.items()})

    def answered(self, method: str, route: str, status: int, error: str | None) -> None:
        # the names are those of opentelemetry.io/docs/specs/semconv/http/http-spans
        self.otel.update_name(f"{method} {route}")
        self.otel.set_attributes({"http.request.method": method, "http.route": route})
        self.otel.set_attribute("http.response.status_code", status)
        if error:
            self.otel.set_attribute("error.type", error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # what the caller did wrong is no error of the server's
            self.otel.set_status(StatusCode.ERROR)
        self.otel.end()

    def end(self, error: BaseException | None = None) -> None:
        if error is not None:
            self.otel.set_attribute("error.type", error.code if isinstance(error, OcrError) else type(error).__name__)
            self.otel.set_status(StatusCode.ERROR)
        self.otel.end()


class OtlpTracing(Tracing):
    """Makes spans and sends them to the collector that the settings name."""

    def __init__(self, settings: Settings) -> None:
        own = Resource({SERVICE_NAME: "offline-ocr", SERVICE_VERSION: build.version()})
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        endpoint = (settings.otel_exporter_otlp_endpoint or "").rstrip("/") + _PATH
        self._provider.add_span_processor(BatchSpanProcessor(_Exporter(endpoint, headers=settings.otlp_headers())))
        self._tracer = self._provider.get_tracer("offline-ocr")

    def begin(self, name: str, below: Span | None = None) -> Span:
        parent = below or current()
        context = set_span_in_context(parent.otel, Context()) if isinstance(parent, _Span) else Context()
        return _Span(self._tracer.start_span(name, context))

    def request(self, headers: Mapping[str, str]) -> Span:
        context = TraceContextTextMapPropagator().extract(headers, Context())
        return _Span(self._tracer.start_span("request", context, SpanKind.SERVER))

    def close(self) -> None:
        # a thread of its own, for which the end of the process does not wait when the collector is away
        closing = threading.Thread(target=self._provider.shutdown, name="otlp-close", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)


class _Exporter(OTLPSpanExporter):
    """Says when the collector goes away and when it is back. The SDK's own lines, one for each attempt, are left out."""

    _away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away is not self._away:
            self._away = away
            if away:
                log.warning("traces do not reach the collector; until they do, they are dropped")
            else:
                log.info("traces reach the collector again")
        return result
