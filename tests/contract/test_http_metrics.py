"""What Prometheus sees of a server at work, and what it makes of it: the alerts and the dashboard's every query."""

import json
import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.contract import samples
from tests.contract.jobs import ended, hand_in, small_pages
from tests.contract.running import ROOT, TOKEN, Server, free_port, wait_for

pytestmark = pytest.mark.contract

MONITORING = ROOT / "docker/monitoring"
PANELS = [
    panel for panel in json.loads((MONITORING / "dashboard.json").read_text("utf-8"))["panels"] if "targets" in panel
]
QUERIES = [
    (panel["title"], target["expr"].replace("$__rate_interval", "10m").replace("$instance", ".*"))
    for panel in PANELS
    for target in panel["targets"]
]
ALERTS = [
    (rule["alert"], rule["expr"])
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
WITHOUT_DATA = {"GPU memory", "GPU memory in use", "Tokens by model"}
"""Panels that are empty here: there is no GPU, and pp-ocr generates no tokens."""

COUNTED_AT_0 = {"queue_full", "rate_limited", "out_of_space", "model_loading", "draining", "internal_error"}


class Prometheus:
    """A Prometheus that scrapes one server every second, with this project's configuration but for that."""

    def __init__(self, server: Server, folder: Path) -> None:
        given = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
        given["global"] = dict.fromkeys(given["global"], "1s")
        given["scrape_configs"][0]["static_configs"] = [{"targets": [server.url.removeprefix("http://")]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(given))
        (folder / "token").write_text(TOKEN)
        shutil.copy(MONITORING / "alerts.yml", folder)
        port = free_port()
        self._output = (folder / "output").open("wb")
        self.process = subprocess.Popen(
            [
                *("prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"),
                *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
            ],
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        self._client = httpx2.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", timeout=60, trust_env=False)

    def close(self) -> None:
        """End it."""
        self._client.close()
        self.process.kill()
        self.process.wait()
        self._output.close()

    def get(self, what: str, **query: str) -> Any:
        """The data of an answer; None while it does not listen yet."""
        assert self.process.poll() is None, Path(self._output.name).read_text()
        try:
            reply = self._client.get(what, params=query)
        except httpx2.TransportError:
            return None
        return reply.json()["data"] if reply.status_code == 200 else None

    def query(self, expression: str) -> list[float]:
        """The values of an expression now, those that are numbers."""
        answer = self.get("query", query=expression)
        assert answer is not None, f"{expression}: refused"
        return [value for each in answer["result"] if not math.isnan(value := float(each["value"][1]))]

    def has_seen(self, since: float, scrapes: int) -> None:
        """Wait for so many successful scrapes after `since`, of `time.time`."""

        def look() -> bool:
            found = self.get("query", query=f"count_over_time((timestamp(up == 1) > {since})[5m:1s])")
            return bool(found and found["result"]) and float(found["result"][0]["value"][1]) >= scrapes

        wait_for(look, f"{scrapes} scrapes")


def is_quiet(server: Server) -> bool:
    """Whether nobody asks but us, and nothing that was asked before is still worked on."""
    found = families(server)
    pages = ("ocr_queue_pages", "ocr_job_pages_left", "ocr_model_pages_waiting", "ocr_model_pages_in_work")
    left = sum(sample.value for name in pages for sample in found[name].samples)
    jobs = sum(sample.value for sample in found["ocr_jobs"].samples if sample.labels["state"] in {"queued", "running"})
    [requests] = found["ocr_http_requests_in_flight"].samples
    return (left, jobs, requests.value) == (0, 0, 1)


def run_a_little(server: Server) -> None:
    """A document, a job, a mistake of the caller's, one of somebody without a token."""
    assert server.ocr(samples.pdf(3)).status_code == 200
    ended(server.client, hand_in(server.client, small_pages(2)))
    assert server.ocr(b"no document").status_code == 415
    assert httpx2.get(f"{server.url}/models", trust_env=False).status_code == 401


@pytest.fixture(scope="module")
def prometheus(jobs_server: Server) -> Iterator[Prometheus]:
    """One that has seen the server before, between and after two runs: a rate is made of two values."""
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed")
    with tempfile.TemporaryDirectory() as folder:
        running = Prometheus(jobs_server, Path(folder))
        try:
            run_a_little(jobs_server)
            running.has_seen(time.time(), 1)
            run_a_little(jobs_server)
            running.has_seen(time.time(), 2)
            yield running
        finally:
            running.close()


def value(server: Server, name: str, labels: Mapping[str, str]) -> float:
    """A sample's value; 0 where there is none yet."""
    for family in families(server).values():
        for sample in family.samples:
            if (sample.name, sample.labels) == (name, labels):
                return sample.value
    return 0.0


def families(server: Server) -> dict[str, Metric]:
    """What the server says, as Prometheus' own library reads it."""
    text = server.client.get("/metrics").text
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_a_run_is_counted(jobs_server: Server) -> None:
    server = jobs_server
    stages = {"receive": 3, "parse": 3, "open": 3, "render": 5, "wait": 5, "recognise": 5, "reply": 1}
    counted = {
        ("ocr_pages_total", ("model", "pp-ocr"), ("verdict", "ok")): 5,
        ("ocr_job_pages_total",): 2,
        ("ocr_page_seconds_count", ("model", "pp-ocr")): 5,
        ("ocr_page_confidence_ratio_count", ("model", "pp-ocr")): 5,
        ("ocr_http_errors_total", ("code", "unsupported_type")): 1,
        ("ocr_http_errors_total", ("code", "unauthorized")): 1,
        ("ocr_http_requests_total", ("method", "POST"), ("route", "/ocr"), ("status", "415")): 1,
        ("ocr_jobs", ("state", "done")): 1,
        # a job's document is opened when it is handed in, and when it is read; what is no document is opened, too
        **{("ocr_stage_seconds_count", ("stage", name)): number for name, number in {**stages, "open": 4}.items()},
    }
    wait_for(lambda: is_quiet(server), "whoever used the server before is done")
    before = {key: value(server, key[0], dict(key[1:])) for key in counted}
    run_a_little(server)

    assert {key: value(server, key[0], dict(key[1:])) - before[key] for key in counted} == counted


def test_what_is_there_now_is_told(jobs_server: Server) -> None:
    wait_for(lambda: is_quiet(jobs_server), "whoever used the server before is done")
    found = families(jobs_server)
    values = {sample.name: sample.value for family in found.values() for sample in family.samples if not sample.labels}

    assert values["ocr_ready"] == 1
    assert (values["ocr_queue_pages"], values["ocr_queue_max_pages"]) == (0, 64)
    assert (values["ocr_queue_bytes"], values["ocr_queue_max_bytes"]) == (0, 800 << 20)
    assert values["ocr_http_requests_in_flight"] == 1  # this one
    assert values["ocr_job_pages_left"] == 0
    assert values["process_resident_memory_bytes"] > 10e6
    assert {sample.labels["code"] for sample in found["ocr_http_errors"].samples} >= COUNTED_AT_0
    [memory] = found["ocr_worker_resident_memory_bytes"].samples
    assert (memory.labels, memory.value) == (
        {"model": "pp-ocr"},
        pytest.approx(jobs_server.worker()["rss_bytes"], rel=0.2),
    )
    for kind in ("free", "size"):
        disks = {sample.labels["folder"]: sample.value for sample in found[f"ocr_disk_{kind}_bytes"].samples}
        assert set(disks) == {"spool", "data"}
        assert min(disks.values()) > 0
    assert not [name for name in found if name.startswith("ocr_gpu") or name.endswith("_created")]


def test_no_caller_makes_metrics_without_end(jobs_server: Server) -> None:
    for number in range(3):
        jobs_server.client.request(f"METHOD{number}", f"/never-seen-{number}")
    told = jobs_server.client.get("/metrics").text

    assert "METHOD" not in told
    assert "never-seen" not in told
    assert value(jobs_server, "ocr_http_requests_total", {"method": "other", "route": "unknown", "status": "404"}) >= 3


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_finds_nothing_wrong_with_names_and_texts(jobs_server: Server) -> None:
    told = jobs_server.client.get("/metrics").text
    checked = subprocess.run(["promtool", "check", "metrics"], input=told, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


# --- with Prometheus itself


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_every_query_of_the_dashboard_has_data(prometheus: Prometheus, title: str, query: str) -> None:
    assert bool(prometheus.query(query)) is (title not in WITHOUT_DATA)


def test_the_dashboards_choice_of_servers_has_the_server(prometheus: Prometheus, jobs_server: Server) -> None:
    assert prometheus.get("label/instance/values", **{"match[]": "ocr_ready"}) == [f"127.0.0.1:{jobs_server.port}"]


@pytest.mark.parametrize(("name", "expression"), ALERTS)
def test_every_alert_can_be_worked_out(prometheus: Prometheus, name: str, expression: str) -> None:
    prometheus.query(expression)


def test_prometheus_works_the_alerts_out_and_a_sound_server_gives_none(
    prometheus: Prometheus, jobs_server: Server
) -> None:
    """But the one about the disk, where this machine's is almost full; and one that a slow scrape gives goes again."""
    disk = shutil.disk_usage(jobs_server.folder)
    expected = {name: ("ok", "inactive") for name, _ in ALERTS}
    if disk.free < disk.total * 0.1:
        expected["OcrDiskAlmostFull"] = ("ok", "pending")

    def told() -> dict[str, tuple[str, str]]:
        [group] = prometheus.get("rules")["groups"]
        return {rule["name"]: (rule["health"], rule["state"]) for rule in group["rules"]}

    wait_for(lambda: told() == expected, f"the alerts come to {expected}")


def test_a_query_that_is_wrong_would_be_noticed(prometheus: Prometheus) -> None:
    with pytest.raises(AssertionError, match="refused"):
        prometheus.query("rate(ocr_pages_total)")
    assert prometheus.query("rate(ocr_no_such_total[1m])") == []
