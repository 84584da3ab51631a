"""Webhooks, against a real HTTP server on loopback: what the receiver gets, and what becomes of its answer."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import pytest
from pydantic import SecretStr

from server.webhooks import MAX_RETRY_AFTER_S, DeliveryError, deliver, event
from tests.contract.hosts import DEAD, Answer, Host, Names, Visit, allowed, endless, here, reply, tls_of

pytestmark = pytest.mark.contract

KEY = b"the receiver's own copy of the key"
SECRET = SecretStr("whsec_" + base64.b64encode(KEY).decode())
EVENT = event({"id": "job_1", "state": "done", "finished": "2026-01-02T03:04:05.678Z"})


def post(
    host: Host,
    path: str = "/hook",
    *,
    name: str = "docs.test",
    names: Names | None = None,
    scheme: str = "http",
    timeout_s: float = 20.0,
) -> None:
    """One attempt at a path of `host`."""

    async def run() -> None:
        async with host:
            await deliver(
                f"{scheme}://{name}:{host.port}{path}",
                EVENT,
                message_id="msg_1",
                secret=SECRET,
                timeout_s=timeout_s,
                resolve=names or Names(docs=here()),
                allowed=allowed,
            )

    asyncio.run(run())


def failure(host: Host, path: str = "/hook?token=hush", **more: object) -> DeliveryError:
    """How an attempt failed; its text gives nothing away."""
    with pytest.raises(DeliveryError) as failed:
        post(host, path, **more)  # type: ignore[arg-type]
    text = str(failed.value)
    for secret in ("127.0.0.", "docs.test", "hush", "whsec_", "inner"):
        assert secret not in text
    assert "webhook_url" in text
    assert "image_url" not in text
    return failed.value


async def verifying(visit: Visit) -> AsyncIterator[bytes]:
    """A receiver that knows the key, as the specification tells it to check: 200 for a sound webhook, 401 for another."""
    sent = visit.headers
    content = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + visit.body
    expected = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    is_sound = (
        abs(time.time() - int(sent["webhook-timestamp"])) < 300
        and f"v1,{expected}" in sent["webhook-signature"].split(" ")
        and json.loads(visit.body)["type"] == "job.done"
    )
    async for block in reply(b"", "200 OK" if is_sound else "401 Unauthorized")(visit):
        yield block


# --- What arrives


def test_a_receiver_can_verify_what_it_gets() -> None:
    host = Host(verifying)
    post(host, "/hook?token=a%2Bb")
    [visit] = host.visits
    assert (visit.method, visit.target, visit.body) == ("POST", "/hook?token=a%2Bb", EVENT)
    signed = {name: visit.headers.pop(name) for name in list(visit.headers) if name.startswith("webhook-")}
    assert signed.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert visit.headers == {
        "host": f"docs.test:{host.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "offline-ocr",
        "content-type": "application/json",
        "content-length": str(len(EVENT)),
    }


def test_over_tls_a_receiver_can_verify_what_it_gets(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    host = Host(verifying, tls_of(certificate))
    post(host, scheme="https")
    assert host.server_names == ["docs.test"]
    assert host.visits[0].headers["host"] == f"docs.test:{host.port}"


def test_a_further_attempt_has_the_same_id_and_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(verifying)
    post(host)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    post(host)
    first, second = (visit.headers for visit in host.visits)
    assert first["webhook-id"] == second["webhook-id"] == "msg_1"
    assert int(second["webhook-timestamp"]) == int(later) > int(first["webhook-timestamp"])
    assert second["webhook-signature"] != first["webhook-signature"]


def test_proxies_and_passwords_in_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens: used, it would fail
    (tmp_path / "netrc").write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    host = Host(reply(Set_Cookie="a=1"))
    post(host)
    assert "authorization" not in host.visits[0].headers


def test_the_next_address_of_a_name_is_tried_when_one_does_not_answer() -> None:
    host = Host(verifying)
    post(host, names=Names(docs=[[DEAD, "127.0.0.1"]]))
    assert len(host.visits) == 1


# --- What becomes of the answer


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Odd"])
def test_a_status_from_200_to_299_is_success(status: str) -> None:
    post(Host(reply(b"", status)))


@pytest.mark.parametrize(
    "status",
    ["300", "304", "400", "401", "404", "408", "413", "422", "425", "429", "500", "502", "503", "504", "599"],
)
def test_any_other_status_is_a_failure_to_try_again_after(status: str) -> None:
    failed = failure(Host(reply(b"" if status == "304" else b"inner secret", f"{status} inner")))
    assert failed.retryable
    assert status in str(failed)
    assert failed.retry_after_s is None


def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    assert not failure(Host(reply(b"", "410 Gone", Retry_After="5"))).retryable


def test_redirects_are_failures_and_not_followed() -> None:
    for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
        host = Host(reply(b"", status, Location="/elsewhere"))
        assert failure(host).retryable
        assert len(host.visits) == 1


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("9" * 400, MAX_RETRY_AFTER_S),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_S),
        ("Fri, 31 Dec 99999999999 23:59:59 GMT", None),
        ("-5", None),
        ("1e3", None),
        ("soon", None),
        ("٣", None),
        ("", None),
    ],
)
def test_when_the_receiver_wants_to_be_asked_again_is_passed_on(status: str, value: str, seconds: float | None) -> None:
    failed = failure(Host(reply(b"", status, Retry_After=value)))
    assert failed.retryable
    assert failed.retry_after_s == seconds


def test_a_date_to_come_back_at_becomes_seconds() -> None:
    seconds = failure(Host(reply(b"", "503 No", Retry_After=formatdate(time.time() + 1000, usegmt=True)))).retry_after_s
    assert seconds is not None
    assert 800 < seconds <= 1000


@pytest.mark.parametrize(
    "answer",
    [
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x", 0.01),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"64\r\n" + b"x" * 100 + b"\r\n", 0.0),
        endless(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 100_000, 0.0),
        reply(b"cut short", length=1000),
        reply(b"not gzip at all", Content_Encoding="gzip"),
    ],
    ids=["drips", "endless chunks", "endless", "cut short", "not gzip"],
)
def test_after_the_status_nothing_more_is_waited_for(answer: Answer) -> None:
    post(Host(answer))


# --- What goes wrong on the way


@pytest.mark.parametrize(
    ("head", "block"),
    [
        (b"", b""),  # connects, says nothing
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),  # headers without end
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_receiver_that_hangs_meets_the_time_limit(head: bytes, block: bytes) -> None:
    failed = failure(Host(endless(head, block, 0.01)), timeout_s=0.4)
    assert failed.retryable
    assert "within 0.4 s" in str(failed)


def test_a_resolver_that_never_answers_meets_the_time_limit() -> None:
    class Silent(Names):
        async def __call__(self, host: str) -> list[str]:
            await asyncio.Event().wait()
            raise AssertionError

    assert failure(Host(verifying), names=Silent(), timeout_s=0.2).retryable


async def hangs_up(_: Visit) -> AsyncIterator[bytes]:
    """Reads the webhook and closes."""
    return
    yield


@pytest.mark.parametrize(
    "answer",
    [
        hangs_up,
        endless(b"SSH-2.0-OpenSSH_9.0\r\n\r\n", b"", 1.0),
        endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 10_000 + b"\r\n", 0.0),
    ],
    ids=["hangs up", "not HTTP", "headers too long"],
)
def test_a_connection_that_breaks_off_is_tried_again(answer: Answer) -> None:
    failed = failure(Host(answer))
    assert failed.retryable
    assert "broke off" in str(failed)


def test_a_reset_is_tried_again() -> None:
    class Resetting(Host):
        async def _serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()  # with the request unread: a reset, not an end

    failed = failure(Resetting(verifying))
    assert failed.retryable
    assert "broke off" in str(failed)


def test_an_unknown_name_and_a_closed_port_are_tried_again() -> None:
    for name, names, text in (
        ("unknown.test", Names(), "not found"),
        ("docs.test", Names(docs=[[DEAD]]), "No connection"),
    ):
        failed = failure(Host(verifying), name=name, names=names)
        assert failed.retryable
        assert text in str(failed)


def test_a_certificate_for_another_name_or_from_nobody_is_tried_again_and_nothing_is_sent(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = Host(verifying, tls_of(certificate))
    assert failure(strange, scheme="https").retryable
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    misnamed = Host(verifying, tls_of(certificate))
    assert failure(misnamed, scheme="https", name="other.test", names=Names(other=here())).retryable
    assert misnamed.server_names == ["other.test"]
    assert strange.visits == misnamed.visits == []


# --- Where it leads


@pytest.mark.parametrize("found", [["127.0.0.2"], ["127.0.0.1", "10.1.2.3"], ["127.0.0.1", "fd00:ec2::254"]])
def test_a_name_with_an_inside_address_is_refused_for_good(found: list[str]) -> None:
    host = Host(verifying)
    failed = failure(host, names=Names(docs=[found]))
    assert not failed.retryable
    assert "public Internet" in str(failed)
    assert host.visits == []


def test_this_host_is_refused_by_default() -> None:
    host = Host(verifying)

    async def run(name: str) -> None:
        async with host:
            await deliver(f"http://{name}:{host.port}/", EVENT, message_id="msg_1", secret=SECRET)

    for name in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"):
        with pytest.raises(DeliveryError, match="public Internet") as failed:
            asyncio.run(run(name))
        assert not failed.value.retryable
    assert host.visits == []


def test_a_name_is_looked_up_once_an_attempt_and_the_connection_stays_with_that_answer() -> None:
    names = Names(docs=[["127.0.0.1"], ["127.0.0.2"]])  # the second answer is a rebinding to an address not allowed
    host = Host(verifying)
    post(host, names=names)
    assert names.asked == ["docs.test"]
    assert not failure(host, names=names).retryable
    assert len(host.visits) == 1


def test_an_address_that_got_odd_while_it_was_stored_is_refused_for_good() -> None:
    assert not failure(Host(verifying), name="docs.test.").retryable
