"""Webhooks: a finished job tells a host of the caller's, signed, once per attempt; whoever calls this keeps the queue.

Format, statuses and times are those of Standard Webhooks 1.0.0 (spec/standard-webhooks.md in
github.com/standard-webhooks/standard-webhooks). A webhook goes to hosts that the operator has listed, and `outgoing`
sees to it that these are on the public Internet.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from typing import Any

import httpx2
from pydantic import SecretStr

from server.addresses import WEBHOOK, host_of, is_public, parse_url
from server.errors import UrlNotAllowed, WebhookNotAllowed
from server.hosts import host_and_port, literal
from server.outgoing import BROKEN_OFF, Allowed, NoConnectionError, Outgoing, Resolve, resolve_name
from server.signing import signed

DELAYS_S = (0.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 3 * 3600.0, 7 * 3600.0, 11 * 3600.0)
"""Before the first attempt, the second, and so on: some 24 hours in all, after which a job's result is usually gone."""
JITTER = 0.2  # the largest share by which a delay is drawn out
MAX_RETRY_AFTER_S = 3600.0  # a receiver may slow the attempts down, not stop them
_DEFAULT_PORTS = {"http": 80, "https": 443}


class DeliveryError(Exception):
    """An attempt that failed. The text is public and names neither the address nor what the receiver wrote.

    `retryable`: a further attempt may do better. `retry_after_s`: the receiver's wish, None where it has none.
    """

    def __init__(self, reason: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


def check_url(url: str, hosts: Sequence[str]) -> None:
    """Whether webhooks may go to `url`, of which `hosts` (`WEBHOOK_HOSTS`) decides; nothing is resolved here.

    An entry with a port stands for that port, one without for the usual port of the scheme. Raises `WebhookNotAllowed`,
    and `UrlNotAllowed` for a spelling that `parse_url` refuses, or an address that is not public.
    """
    if not hosts:
        raise WebhookNotAllowed("This server sends no webhooks (WEBHOOK_HOSTS is empty). Ask GET /jobs/ID instead.")
    parsed = parse_url(url, purpose=WEBHOOK)
    host, usual = host_of(parsed), _DEFAULT_PORTS[parsed.scheme]
    address = literal(host)
    wanted = (address or host, parsed.port or usual)
    listed = map(host_and_port, hosts)
    if wanted not in {(name, port or usual) for name, port in listed}:
        raise WebhookNotAllowed("This server sends no webhooks to the host and port of webhook_url (WEBHOOK_HOSTS).")
    if address and not is_public(address):
        raise UrlNotAllowed("webhook_url must be on the public Internet.")


def event(job: Mapping[str, Any]) -> bytes:
    """The body that tells of a finished job, given as `GET /jobs/ID` shows it.

    The specification's "Payload structure": `type` is `job.done`, `job.failed` or `job.cancelled`, `timestamp` when the
    job finished (ISO 8601), `data` the job.
    """
    payload = {"type": f"job.{job['state']}", "timestamp": job["finished"], "data": job}
    return json.dumps(payload, separators=(",", ":")).encode()


async def deliver(  # noqa: PLR0913 - the last two are the seam for tests
    url: str,
    body: bytes,
    *,
    message_id: str,
    secret: SecretStr,
    timeout_s: float = 20.0,
    resolve: Resolve = resolve_name,
    allowed: Allowed = is_public,
) -> None:
    """One attempt to deliver `body`; a status from 200 to 299 is success, and nothing after the status is read.

    `timeout_s`, in seconds, covers all of it; the specification wants 15 to 30. Raises `DeliveryError`. As it says
    under "Delivery success and failure", any other status is a failure to try again after, a redirect too, which is not
    followed; only 410 Gone ends the matter. So does an address that is refused. What happens on the way (names,
    connections, certificates, time) is tried again.
    """
    headers = signed(secret.get_secret_value(), message_id, int(time.time()), body)
    try:
        async with asyncio.timeout(timeout_s):
            outgoing = await Outgoing.make(WEBHOOK, resolve, allowed)
            target = parse_url(url, purpose=WEBHOOK)
            async with outgoing.request(
                "POST", target, {"Content-Type": "application/json", **headers}, body
            ) as response:
                _check(response)
    except TimeoutError as error:
        raise DeliveryError(
            f"The host of webhook_url did not answer within {timeout_s:g} s.", retryable=True
        ) from error
    except NoConnectionError as error:
        raise DeliveryError(str(error), retryable=True) from error
    except BROKEN_OFF as error:
        raise DeliveryError("The connection to the host of webhook_url broke off.", retryable=True) from error
    except UrlNotAllowed as error:
        raise DeliveryError(error.detail, retryable=False) from error


def _check(response: httpx2.Response) -> None:
    if response.is_success:
        return
    status = response.status_code
    raise DeliveryError(
        f"The host of webhook_url answered with status {status}.",
        retryable=status != HTTPStatus.GONE,
        retry_after_s=_retry_after_s(response.headers.get("retry-after", "")),
    )


def _retry_after_s(value: str) -> float | None:
    """`Retry-After` (RFC 9110, 10.2.3): seconds, or a date; None for anything else. At most `MAX_RETRY_AFTER_S`."""
    if value.isascii() and value.isdigit():
        return min(float(value), MAX_RETRY_AFTER_S)
    date = parsedate_tz(value)
    if date is None:
        return None
    try:
        return min(max(mktime_tz(date) - time.time(), 0.0), MAX_RETRY_AFTER_S)
    except (ValueError, OverflowError):
        return None


def next_delay_s(
    attempts: int, retry_after_s: float | None = None, draw: Callable[[], float] = random.random
) -> float | None:
    """How long to wait, in seconds, after so many `attempts` failed; None when it is time to give up.

    The schedule is of the kind that the specification shows, growing, with jitter, but over one day instead of three.
    `retry_after_s` is that of the last `DeliveryError`, and is never undercut. `draw` gives a number from 0 to 1.
    """
    if attempts >= len(DELAYS_S):
        return None
    return max(DELAYS_S[attempts], retry_after_s or 0.0) * (1 + JITTER * draw())
