"""S3 over HTTP: `save` ends in a bucket, documents come from one, and what is wrong with it is said without a secret."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from werkzeug.wrappers import Response

from tests.contract import samples
from tests.contract.running import Server, assert_problem, held_port, wait_for
from tests.contract.s3_servers import ACCESS_KEY, BUCKET, INPUTS, SECRET_KEY, Refused, S3Store

pytestmark = pytest.mark.contract
Start = Callable[..., Server]

FOUR = {
    "CLOUDRU_S3_ENDPOINT": "http://127.0.0.1:9",
    "CLOUDRU_S3_BUCKET": BUCKET,
    "CLOUDRU_S3_ACCESS_KEY": ACCESS_KEY,
    "CLOUDRU_S3_SECRET_KEY": SECRET_KEY,
}


@pytest.fixture
def store() -> Iterator[S3Store]:
    """A sound store with its buckets."""
    with S3Store() as running:
        yield running


def saved(server: Server, **fields: str) -> dict[str, Any]:
    """The reply for a small image that is saved."""
    reply = server.ocr(samples.png(), "Счёт 7.png", save="true", **fields)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def assert_no_secret(server: Server) -> None:
    """Neither in the log nor in what is told about the server; a link holds the access key and is no log's business."""
    shown = [server.client.get(path).text for path in ("/debug/info", "/debug/logs", "/health", "/metrics")]
    for text in (*shown, server.output()):
        assert SECRET_KEY not in text
        assert ACCESS_KEY not in text
        assert "X-Amz-Signature" not in text


def test_from_save_to_a_link_and_from_the_bucket_to_text(start: Start, store: S3Store) -> None:
    server = start(LOG_LEVEL="debug", **store.environment(S3_INPUT_BUCKETS=INPUTS)).ready()
    assert server.health()["s3_storage"] == "enabled"

    body = saved(server, formats="csv")
    files = body["s3_files"]
    kinds = {"markdown", "json", "csv"}
    assert set(files) == {"status", "error", "retryable", "bucket", "keys", "expires"} | kinds
    assert (files["status"], files["error"], files["bucket"]) == ("uploaded", None, BUCKET)
    assert 'ocr_s3_uploads_total{status="uploaded"} 1.0' in server.client.get("/metrics").text
    assert set(body["local_files"]) == set(files["keys"]) == kinds
    for kind in kinds:
        assert files["keys"][kind].rpartition("/")[2] == body["local_files"][kind].rpartition("/")[2]
        assert files["keys"][kind].startswith("ocr-results/")
        local = server.client.get(body["local_files"][kind])
        far = httpx2.get(files[kind], timeout=60, trust_env=False)
        assert (far.status_code, far.content) == (200, local.content)
        assert far.headers["content-type"] == local.headers["content-type"]
    assert SECRET_KEY not in str(body)

    store.put(INPUTS, "2026/Счёт 8.png", samples.png("Order 42"))
    reply = server.client.post("/ocr", json={"image_url": f"s3://{INPUTS}/2026/Счёт 8.png"})
    assert (reply.status_code, reply.json()["text"], reply.json()["input_type"]) == (200, "Order 42", "url")
    assert "s3_files" not in reply.json()
    reply = server.client.post("/layout-parsing", json={"file": f"s3://{INPUTS}/2026/Счёт 8.png"})
    assert reply.json()["result"]["layoutParsingResults"][0]["markdown"]["text"] == "Order 42"
    for url, status, code in (
        (f"s3://{INPUTS}/missing.png", 422, "s3_fetch_failed"),
        (f"s3://{BUCKET}/a.png", 403, "bucket_not_allowed"),
        (f"s3://{INPUTS}", 422, "url_not_allowed"),
        ("http://example.com/a.png", 403, "url_input_disabled"),
    ):
        assert_problem(server.client.post("/ocr", json={"image_url": url}), status, code)

    checked = server.client.post("/test/s3-upload")
    assert (checked.status_code, checked.json()["status"], checked.json()["failed_step"]) == (200, "success", None)
    assert set(checked.json()["steps"][0]) == {"name", "ok", "seconds", "detail"}
    assert set(store.objects()) == set(files["keys"].values())
    assert_no_secret(server)


def test_a_store_that_fails_costs_no_result(start: Start, store: S3Store) -> None:
    server = start(**store.environment(CLOUDRU_S3_SECRET_KEY="wrong-" + SECRET_KEY)).ready()

    body = saved(server)
    files = body["s3_files"]
    assert (files["status"], files["retryable"], files["keys"], files["expires"]) == ("failed", False, {}, None)
    assert 'ocr_s3_uploads_total{status="failed"} 1.0' in server.client.get("/metrics").text
    assert "check CLOUDRU_S3_SECRET_KEY" in files["error"]
    assert server.client.get(body["local_files"]["markdown"]).text == body["markdown"]
    line = next(line for line in server.log() if line["event"] == "upload to S3 failed")
    assert line["request_id"] == body["request_id"]

    store.fault = lambda _: Refused(503, "SlowDown").response()
    files = saved(server)["s3_files"]
    assert (files["status"], files["retryable"]) == ("failed", True)
    assert "3 times with status 503" in files["error"]
    store.fault = lambda _: None

    checked = server.client.post("/test/s3-upload").json()
    assert (checked["status"], checked["failed_step"]) == ("failed", "bucket")
    assert "check CLOUDRU_S3_SECRET_KEY" in checked["steps"][-1]["detail"]
    assert "s3_files" not in server.ocr(samples.png()).json()
    assert_no_secret(server)


def test_a_dead_store_is_said_and_the_rest_works(start: Start) -> None:
    with held_port() as port:
        dead = {**FOUR, "CLOUDRU_S3_ENDPOINT": f"http://127.0.0.1:{port}"}
        server = start(**dead, S3_INPUT_BUCKETS=INPUTS).ready()

        body = saved(server)
        assert "Connection refused" in body["s3_files"]["error"]
        assert server.client.get(body["local_files"]["json"]).status_code == 200
        problem = assert_problem(
            server.client.post("/ocr", json={"image_url": f"s3://{INPUTS}/a.png"}), 503, "s3_unavailable"
        )
        assert problem["retry_after"] >= 1
        assert server.client.post("/test/s3-upload").json()["failed_step"] == "connection"


def test_health_answers_while_an_upload_hangs(start: Start, store: S3Store) -> None:
    """The store answers when the server's own probe has answered: it would never, if the upload held the event loop."""
    server = start(**store.environment()).ready()

    def fault(_: object) -> Response | None:
        return None if server.client.get("/health/live").status_code == 200 else Response("held", 500)

    store.fault = fault
    assert saved(server)["s3_files"]["status"] == "uploaded"


@pytest.mark.parametrize("absent", ["CLOUDRU_S3_SECRET_KEY", "CLOUDRU_S3_BUCKET"])
def test_a_variable_too_few_switches_s3_off_and_is_named(start: Start, absent: str) -> None:
    server = start(PRELOAD="none", **{**FOUR, absent: ""}).live()

    assert server.health()["s3_storage"] == "incomplete"
    [line] = [line for line in server.log() if line["event"] == "S3 is off: variables are missing"]
    assert (line["level"], line["missing"]) == ("warning", [absent])
    problem = assert_problem(server.client.post("/test/s3-upload"), 503, "s3_disabled")
    assert absent in problem["detail"]
    assert not any(name in problem["detail"] for name in FOUR if name != absent)
    assert_problem(server.client.post("/ocr", json={"image_url": f"s3://{INPUTS}/a.png"}), 503, "s3_disabled")
    assert "s3_files" not in saved(server)


def test_without_s3_nothing_is_said_of_it(server: Server, client: httpx2.Client) -> None:
    assert client.get("/health").json()["s3_storage"] == "disabled"
    problem = assert_problem(client.post("/test/s3-upload"), 503, "s3_disabled")
    assert all(name in problem["detail"] for name in FOUR)
    assert not any("S3" in line["event"] for line in server.log())


# --- buckets in the host name

_HOSTS = 'mount --bind "$HOSTS_FILE" /etc/hosts && exec "$@"'


def _impossible() -> str | None:
    if os.geteuid() != 0:
        return "only root may change the names of a process of its own"
    tried = subprocess.run(["unshare", "--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"], check=False)
    return None if tried.returncode == 0 else "no mount namespace can be made"


def test_buckets_in_the_host_name(start: Start, tmp_path: Path) -> None:
    if reason := _impossible():
        pytest.skip(reason)
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost s3.test {BUCKET}.s3.test {INPUTS}.s3.test\n")
    prefix = ("env", f"HOSTS_FILE={hosts}", "unshare", "--mount", "sh", "-c", _HOSTS, "sh")
    with S3Store("s3.test") as store:
        server = start(
            prefix=prefix, **store.environment(CLOUDRU_S3_ADDRESSING="virtual", S3_INPUT_BUCKETS=INPUTS)
        ).ready()
        files = saved(server)["s3_files"]
        assert (files["status"], files["error"]) == ("uploaded", None)
        assert files["markdown"].startswith(f"http://{BUCKET}.s3.test:{store.port}/ocr-results/")
        store.put(INPUTS, "a.png", samples.png("Order 42"))
        assert server.client.post("/ocr", json={"image_url": f"s3://{INPUTS}/a.png"}).json()["text"] == "Order 42"
        checked = server.client.post("/test/s3-upload").json()
        assert (checked["failed_step"], checked["steps"][1]["detail"]) == (None, f"{BUCKET}.s3.test is 127.0.0.1")
        assert store.hosts == {f"{BUCKET}.s3.test:{store.port}", f"{INPUTS}.s3.test:{store.port}"}
        wait_for(lambda: len(store.objects()) == 2, "what was saved is there, and the probe is not")
