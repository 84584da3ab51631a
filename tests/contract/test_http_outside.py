"""A server that reaches a public address: the world that `outside` makes is what the tests of webhooks take it for."""

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable

import httpx2
import pytest

from tests.contract.outside import Outside
from tests.contract.running import Server

pytestmark = pytest.mark.contract

SECRET = "sixteen-letters-and-more"

# One attempt by the server's own rules, nothing replaced: prints how it ended
_DELIVER = """
import asyncio, json, sys
from pydantic import SecretStr
from server.webhooks import DeliveryError, check_url, deliver
url, host, secret = sys.argv[1:]
try:
    check_url(url, [host])
    asyncio.run(deliver(url, b'{"a":1}', message_id="msg_1", secret=SecretStr(secret)))
    print(json.dumps("delivered"))
except DeliveryError as error:
    print(json.dumps([str(error), error.retryable]))
"""


def attempt(outside: Outside, url: str, host: str) -> object:
    done = outside.run(sys.executable, "-c", _DELIVER, url, host, SECRET)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_server_inside_is_reached_from_here_at_its_own_address_only(
    outside: Outside, start: Callable[..., Server]
) -> None:
    server = start(
        prefix=outside.prefix,
        HOST=outside.server_host,
        PRELOAD="none",
        WEBHOOK_HOSTS=outside.host,
        WEBHOOK_SECRET=SECRET,
    ).live()

    assert server.client.get("/health/live").status_code == 200
    shown = server.client.get("/debug/info")
    assert shown.json()["settings"]["webhook_hosts"] == [outside.host]
    assert SECRET not in shown.text + server.output()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{server.port}/health/live", trust_env=False)


def test_a_webhook_from_inside_arrives_signed_at_a_public_address(outside: Outside) -> None:
    assert attempt(outside, outside.url, outside.host) == "delivered"

    [received] = outside.received
    assert (received.method, received.target, received.body) == ("POST", "/hook", b'{"a":1}')
    assert received.headers["host"] == outside.host
    content = f"msg_1.{received.headers['webhook-timestamp']}.".encode() + received.body
    expected = base64.b64encode(hmac.new(SECRET.encode(), content, hashlib.sha256).digest()).decode()
    assert received.headers["webhook-signature"] == f"v1,{expected}"


def test_the_receiver_answers_as_it_is_told(outside: Outside) -> None:
    outside.statuses = [503, 410]

    results = [attempt(outside, outside.url, outside.host) for _ in range(3)]

    answered = "The host of webhook_url answered with status"
    assert results == [[f"{answered} 503.", True], [f"{answered} 410.", False], "delivered"]
    assert len(outside.received) == 3


def test_the_world_outside_has_no_other_host(outside: Outside) -> None:
    public = "93.184.216.34"
    assert attempt(outside, f"http://{public}/", public) == [
        "No connection to the host of webhook_url: it does not answer, or its certificate is not valid.",
        True,
    ]
