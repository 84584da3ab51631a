"""A finished job calls back: signed, again and again until it is heard, through a restart, and only where it may."""

import base64
import hashlib
import hmac
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import samples
from tests.contract.blackhole import impossible
from tests.contract.outside import Outside, Received
from tests.contract.running import Server, assert_problem, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]

SECRET = "sixteen-letters-and-more"


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    """A network with one public host, which receives webhooks."""
    if reason := impossible():
        pytest.skip(reason)
    with Outside() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_received(outside: Outside) -> None:
    outside.received.clear()
    outside.statuses.clear()


def _inside(outside: Outside, **more: str) -> Server:
    return Server(
        prefix=outside.prefix,
        HOST=outside.server_host,
        PDF_DPI="72",
        WEBHOOK_HOSTS=outside.host,
        WEBHOOK_SECRET=SECRET,
        **more,
    )


@pytest.fixture(scope="module")
def server(outside: Outside) -> Iterator[Server]:
    with _inside(outside) as running:
        yield running.ready()


def _post(server: Server, url: str, data: bytes | None = None) -> dict[str, Any]:
    reply = server.client.post("/jobs", files={"file": ("a.png", data or samples.png())}, data={"webhook_url": url})
    assert reply.status_code == 202, reply.text
    job: dict[str, Any] = reply.json()
    return job


def _webhook(server: Server, job: dict[str, Any]) -> dict[str, Any]:
    webhook: dict[str, Any] = server.client.get(job["links"]["self"]).json()["webhook"]
    return webhook


def _verify(received: Received) -> dict[str, Any]:
    signed = b".".join(
        (received.headers["webhook-id"].encode(), received.headers["webhook-timestamp"].encode(), received.body)
    )
    expected = base64.b64encode(hmac.digest(SECRET.encode(), signed, hashlib.sha256)).decode()
    assert received.headers["webhook-signature"] == f"v1,{expected}"
    payload: dict[str, Any] = json.loads(received.body)
    return payload


def test_the_end_of_a_job_is_told(server: Server, outside: Outside) -> None:
    job = _post(server, outside.url)
    wait_for(lambda: _webhook(server, job)["state"] == "delivered", "it is heard")
    [received] = outside.received
    payload = _verify(received)
    assert payload["type"] == "job.done"
    shown = server.client.get(job["links"]["self"]).json()
    told = payload["data"]
    assert {**told, "webhook": None} == {**shown, "webhook": None}
    assert payload["timestamp"] == shown["finished"]
    assert _webhook(server, job) == {"state": "delivered", "attempts": 1, "error": None}
    assert SECRET not in server.output()
    assert outside.url not in server.output()  # it may hold a token


def test_a_cancelled_job_is_told_too(server: Server, outside: Outside) -> None:
    job = _post(server, outside.url, samples.pdf(200))
    server.client.delete(job["links"]["self"])
    wait_for(lambda: outside.received, "it is heard")
    assert _verify(outside.received[0])["type"] == "job.cancelled"


@pytest.mark.timeout(300)
def test_what_is_not_heard_is_said_again_also_by_the_next_server(outside: Outside, tmp_path: Path) -> None:
    outside.statuses = [503]
    with _inside(outside, DATA_DIR=str(tmp_path)) as server:
        job = _post(server.live(), outside.url)
        tried = wait_for(lambda: (shown := _webhook(server, job))["attempts"] and shown, "the first attempt", 110)
        assert tried == {
            "state": "pending",
            "attempts": 1,
            "error": "The host of webhook_url answered with status 503.",
        }
        assert 'ocr_webhooks_total{state="pending"} 1.0' in server.client.get("/metrics").text
        os.killpg(server.pid, signal.SIGKILL)
    with _inside(outside, DATA_DIR=str(tmp_path), PRELOAD="none") as again:
        again.live()
        wait_for(lambda: _webhook(again, job)["state"] == "delivered", "it is heard")
        assert 'ocr_webhooks_total{state="delivered"} 1.0' in again.client.get("/metrics").text
    first, second = outside.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    _verify(first)
    _verify(second)


def test_who_is_gone_is_not_asked_again(server: Server, outside: Outside) -> None:
    outside.statuses = [410]
    job = _post(server, outside.url)
    wait_for(lambda: _webhook(server, job)["state"] == "failed", "it is given up")
    assert _webhook(server, job)["attempts"] == 1


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://192.88.98.1:1/hook", 403, "webhook_not_allowed"),
        ("https://elsewhere.example/hook", 403, "webhook_not_allowed"),
        ("ftp://192.88.98.1/", 422, "url_not_allowed"),
        ("", 202, ""),
    ],
)
def test_it_goes_to_listed_hosts_only(server: Server, url: str, status: int, code: str) -> None:
    reply = server.client.post("/jobs", files={"file": ("a.png", samples.png())}, data={"webhook_url": url})
    if code:
        assert_problem(reply, status, code)
    else:
        assert (reply.status_code, reply.json()["webhook"]) == (status, None)


def test_a_listed_address_that_is_not_public_is_refused(start: Start) -> None:
    server = start(PRELOAD="none", WEBHOOK_HOSTS="127.0.0.1:9", WEBHOOK_SECRET=SECRET).live()
    for url, code in (("http://127.0.0.1:9/", "url_not_allowed"), ("http://localhost:9/", "webhook_not_allowed")):
        reply = server.client.post("/jobs", files={"file": ("a.png", samples.png())}, data={"webhook_url": url})
        assert reply.status_code in {403, 422}
        assert reply.json()["code"] == code


def test_without_hosts_there_are_none(start: Start) -> None:
    server = start(PRELOAD="none").live()
    reply = server.client.post(
        "/jobs", files={"file": ("a.png", samples.png())}, data={"webhook_url": "https://a.example/"}
    )
    assert_problem(reply, 403, "webhook_not_allowed")
    assert server.client.get("/jobs").json()["jobs"] == []
