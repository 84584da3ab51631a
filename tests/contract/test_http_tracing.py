"""Traces: what a collector is sent of a request and of a job, and that nothing suffers where there is none."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.contract import samples
from tests.contract.jobs import ended, hand_in
from tests.contract.running import Server, wait_for

pytestmark = pytest.mark.contract

WORD = "Zanzibar"
FILENAME = "salaries-of-everybody.pdf"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
STAGES_OF_A_PAGE = {"render", "wait", "recognise"}
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}  # ms between two sendings; 5 s are usual
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}  # s; 10 are usual, after which spans are dropped


class Sent:
    """A span as it came."""

    def __init__(self, span: Any) -> None:
        self.name: str = span.name
        self.trace: str = span.trace_id.hex()
        self.id: str = span.span_id.hex()
        self.parent: str = span.parent_span_id.hex()
        self.is_server = span.kind == span.SPAN_KIND_SERVER
        self.failed = span.status.code == span.status.STATUS_CODE_ERROR
        self.seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        self.attributes: dict[str, Any] = {
            each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
        }


class Collector:
    """Takes OTLP over HTTP; as a context manager it is gone at the end."""

    def __init__(self, status: int = 200) -> None:
        """It has its port at once, and refuses connections there until it is entered."""
        self.status = status
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                collector.requests.append((self.path, headers, body))
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The tests' output is not its place."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.server_bind()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def resources(self) -> list[Any]:
        """All that came, in the classes of the protocol."""
        return [
            each for _, _, body in self.requests for each in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    def spans(self) -> list[Sent]:
        return [Sent(span) for resource in self.resources for scope in resource.scope_spans for span in scope.spans]

    def trace_of(self, request_id: str) -> list[Sent]:
        """All spans of the trace of a request or a job, once the uppermost is there, which is the last to end."""

        def top() -> list[Sent]:
            return [span for span in self.spans() if span.attributes.get("ocr.request_id") == request_id]

        [found] = wait_for(top, f"the span of {request_id}")
        return [span for span in self.spans() if span.trace == found.trace]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def traced(collector: Collector) -> Iterator[Server]:
    with Server(
        PDF_DPI="72",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url + "/",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Basic%20c2VjcmV0",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=tests",
        **SOON,
        **PATIENT,
    ) as running:
        yield running.ready()


def children(spans: list[Sent], above: Sent) -> list[Sent]:
    return [span for span in spans if span.parent == above.id]


def only(spans: list[Sent], name: str) -> Sent:
    [found] = [span for span in spans if span.name == name]
    return found


def assert_pages(spans: list[Sent], above: Sent, numbers: list[int]) -> None:
    """A span for each page, with its stages below it."""
    pages = [span for span in children(spans, above) if span.name == "page"]
    assert sorted(page.attributes["ocr.page"] for page in pages) == numbers
    for page in pages:
        assert page.attributes == {
            "ocr.model": "pp-ocr",
            "ocr.page": page.attributes["ocr.page"],
            "ocr.verdict": "ok",
            "ocr.width": 240,
            "ocr.height": 240,
        }
        stages = children(spans, page)
        assert {stage.name for stage in stages} == STAGES_OF_A_PAGE
        assert sum(stage.seconds for stage in stages) <= page.seconds <= above.seconds


def test_a_request_is_a_tree_of_its_pages_and_stages(traced: Server, collector: Collector) -> None:
    headers = {"X-Request-ID": "traced-1", **TRACEPARENT}
    reply = traced.client.post("/ocr", files={"file": (FILENAME, samples.pdf(3, WORD))}, headers=headers)
    assert WORD in reply.json()["markdown"]

    spans = collector.trace_of("traced-1")
    request = only(spans, "POST /ocr")
    assert (request.trace, request.parent, request.is_server, request.failed) == (TRACE, PARENT, True, False)
    assert request.attributes == {
        "ocr.request_id": "traced-1",
        "http.request.method": "POST",
        "http.route": "/ocr",
        "http.response.status_code": 200,
    }
    stages = {span.name for span in children(spans, request)} - {"page"}
    assert stages == {"receive", "parse", "open", "reply"}
    assert_pages(spans, request, [1, 2, 3])
    assert len(spans) == 1 + 4 + 3 * 4

    def lines() -> list[dict[str, Any]]:
        return [line for line in traced.log() if line.get("request_id") == "traced-1" and "path" in line]

    assert [line["trace_id"] for line in wait_for(lines, "the request's line")] == [TRACE]


def test_a_job_has_a_trace_of_its_own(traced: Server, collector: Collector) -> None:
    job = hand_in(traced.client, samples.pdf(2, WORD))
    ended(traced.client, job)

    spans = collector.trace_of(job["id"])
    run = only(spans, "job")
    assert (run.parent, run.failed, run.attributes["ocr.model"]) == ("", False, "pp-ocr")
    assert {span.name for span in children(spans, run)} == {"open", "page"}
    assert_pages(spans, run, [1, 2])
    said = [line for line in traced.log() if line.get("request_id") == job["id"] and line["event"] == "job ended"]
    assert [line["trace_id"] for line in said] == [run.trace]


def test_a_page_that_fails_and_an_error_show_their_codes(traced: Server, collector: Collector) -> None:
    headers = {"X-Request-ID": "traced-2"}
    assert traced.client.post("/ocr", files={"file": ("x", b"no document")}, headers=headers).status_code == 415
    spans = collector.trace_of("traced-2")
    request, opened = only(spans, "POST /ocr"), only(spans, "open")
    assert request.attributes["error.type"] == opened.attributes["error.type"] == "unsupported_type"
    assert (request.failed, opened.failed) == (False, True)  # the caller's mistake is none of the server's


def test_only_who_is_known_continues_a_trace(traced: Server, collector: Collector) -> None:
    with traced.new_client("wrong-token") as stranger:
        stranger.get("/models", headers={"X-Request-ID": "traced-3", **TRACEPARENT})
    [request] = collector.trace_of("traced-3")
    assert request.trace != TRACE
    assert request.parent == ""
    assert request.attributes["http.response.status_code"] == 401


@pytest.mark.parametrize("header", ["", "00-0-0-01", "x" * 1000, f"00-{'0' * 32}-{PARENT}-01", "é"])
def test_what_is_no_traceparent_begins_a_trace(traced: Server, collector: Collector, header: str) -> None:
    request_id = f"traced-bad-{len(header)}"
    headers = {b"X-Request-ID": request_id.encode(), b"traceparent": header.encode()}
    assert traced.client.get("/models", headers=headers).status_code == 200
    [request] = collector.trace_of(request_id)
    assert request.parent == ""


def test_probes_are_not_traced_and_no_span_holds_text_a_name_or_a_token(traced: Server, collector: Collector) -> None:
    traced.client.get("/metrics")
    traced.client.get("/files/md/secret-name.md", headers={"X-Request-ID": "traced-4"})
    collector.trace_of("traced-4")
    names = {span.name for span in collector.spans()}
    assert "GET /files/{kind}/{name}" in names
    assert not [name for name in names if "health" in name or "metrics" in name]
    everything = b"".join(body for _, _, body in collector.requests)
    for secret in (WORD, FILENAME, "salaries", "secret-name", "127.0.0.1", traced.environment["API_TOKENS"]):
        assert secret.encode() not in everything


def test_the_collector_hears_who_sends_and_gets_its_headers(traced: Server, collector: Collector) -> None:
    traced.client.get("/models", headers={"X-Request-ID": "traced-5"})
    collector.trace_of("traced-5")
    for path, headers, _ in collector.requests:
        assert (path, headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        assert headers["authorization"] == "Basic c2VjcmV0"
    of = {each.key: each.value.string_value for each in collector.resources[0].resource.attributes}
    assert of["service.name"] == "offline-ocr"
    assert of["deployment.environment.name"] == "tests"
    assert set(of) == {"service.name", "service.version", "deployment.environment.name"}


def test_children_do_not_get_the_collectors_headers(traced: Server) -> None:
    for pid in traced.processes():
        with suppress(FileNotFoundError, ProcessLookupError):  # a child that has ended meanwhile
            assert b"c2VjcmV0" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_what_is_left_is_sent_at_the_end(collector: Collector) -> None:
    slow = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}
    with Server(PRELOAD="none", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SERVICE_NAME="mine", **slow) as server:
        server.live().client.get("/models", headers={"X-Request-ID": "traced-6"})
        assert server.stop() == 0
    collector.trace_of("traced-6")
    assert "mine" in {
        each.value.string_value for resource in collector.resources for each in resource.resource.attributes
    }


def test_a_collector_that_is_away_and_comes_back_is_told_of_once_each_and_harms_nothing() -> None:
    away = "traces do not reach the collector; until they do, they are dropped"
    collector = Collector(status=400)
    times = {"OTEL_EXPORTER_OTLP_TIMEOUT": "5", **SOON}  # in so many seconds it tries thrice
    with Server(PRELOAD="none", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **times) as server:
        assert server.live().client.get("/models").status_code == 200
        wait_for(lambda: _said(server, away), "the line about the collector")
        with collector:  # it is there, and refuses
            for number in range(1, 4):
                assert server.client.get("/models").status_code == 200
                wait_for(lambda: len(collector.requests) >= number, "what it refuses")  # noqa: B023 called at once
            collector.status = 200
            server.client.get("/models", headers={"X-Request-ID": "traced-7"})
            collector.trace_of("traced-7")
            wait_for(lambda: _said(server, "traces reach the collector again"), "the line about its return")
        assert server.stop() == 0
        assert [line["event"] for line in server.log() if line["level"] != "info"] == [away]
        server.assert_nothing_left()


def test_a_collector_that_never_answers_does_not_hold_up_the_end() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as mute:  # nobody accepts
        url = f"http://127.0.0.1:{mute.server_address[1]}"
        with Server(
            PRELOAD="none", OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_TIMEOUT="600", **SOON
        ) as server:
            assert server.live().client.get("/models").status_code == 200
            server.process.terminate()
            wait_for(lambda: server.process.poll() is not None, "the server ends", 20)  # the SDK itself would take 30 s
            assert server.process.returncode == 0
            server.assert_nothing_left()


def _said(server: Server, event: str) -> list[dict[str, Any]]:
    return [line for line in server.log() if line["event"] == event]
