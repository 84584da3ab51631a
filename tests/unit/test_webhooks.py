"""Where webhooks may go, what they say, and when they are tried again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import UrlNotAllowed, WebhookNotAllowed
from server.webhooks import DELAYS_S, JITTER, check_url, event, next_delay_s

HOSTS = (
    "hooks.example.com",
    "Other.Example:8443",
    "93.184.216.34",
    "[2606:4700:0::1111]:8080",
    "10.0.0.1",
    "a.test:443",
)

# --- where they may go


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?token=1",
        "http://hooks.example.com",
        "HTTPS://HOOKS.example.COM:443/",
        "https://other.example:8443/",
        "http://93.184.216.34/",
        "http://[2606:4700::1111]:8080/",
        "https://a.test/",
    ],
)
def test_listed_hosts_are_allowed(url: str) -> None:
    check_url(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://sub.hooks.example.com/",
        "https://hooks.example.com.evil.test/",
        "https://evilhooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://hooks.example.com:80/",
        "http://hooks.example.com:443/",
        "https://other.example/",
        "https://other.example:8444/",
        "http://93.184.216.35/",
        "http://[2606:4700::1111]/",
        "http://127.0.0.1/",
        "http://a.test/",
    ],
)
def test_other_hosts_and_other_ports_are_not(url: str) -> None:
    with pytest.raises(WebhookNotAllowed, match="WEBHOOK_HOSTS"):
        check_url(url, HOSTS)


@pytest.mark.parametrize("url", ["https://hooks.example.com/", "nonsense"])
def test_without_listed_hosts_there_are_no_webhooks(url: str) -> None:
    with pytest.raises(WebhookNotAllowed, match="sends no webhooks"):
        check_url(url, ())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example.com/",
        "hooks.example.com/a",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com./",
        "https://hooks.example.com:99999/",
        "https://[::1",
        "",
        "https://hooks.example.com/" + "a" * 9000,
    ],
)
def test_odd_spellings_are_refused_in_words_of_webhooks(url: str) -> None:
    with pytest.raises(UrlNotAllowed, match="webhook_url") as refused:
        check_url(url, HOSTS)
    for word in ("image_url", "document", "redirect"):
        assert word not in refused.value.detail


def test_a_listed_address_that_is_not_public_is_refused_at_once() -> None:
    with pytest.raises(UrlNotAllowed, match="webhook_url must be on the public Internet"):
        check_url("http://10.0.0.1/", HOSTS)


# --- what they say


def job(state: str) -> dict[str, Any]:
    return {
        "id": "job_1",
        "state": state,
        "finished": "2026-01-02T03:04:05.678Z",
        "files": [{"index": 0, "filename": "скан \udcff.pdf"}],
        "links": {"self": "/jobs/job_1"},
    }


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_the_body_is_the_job_with_a_type_and_the_time_when_it_finished(state: str) -> None:
    body = event(job(state))

    assert json.loads(body) == {"type": f"job.{state}", "timestamp": "2026-01-02T03:04:05.678Z", "data": job(state)}
    assert body == event(job(state))
    assert body.startswith(b'{"type":"job.')  # small, in the specification's order


# --- when they are tried again


def test_the_schedule_grows_from_at_once_over_about_a_day_and_ends() -> None:
    plain = [next_delay_s(attempts, draw=lambda: 0.0) for attempts in range(len(DELAYS_S) + 2)]

    assert plain == [0, 5, 30, 120, 600, 3600, 3 * 3600, 7 * 3600, 11 * 3600, None, None]
    usual = [next_delay_s(attempts, draw=lambda: 0.5) for attempts in range(len(DELAYS_S))]
    assert 23 < sum(delay or 0.0 for delay in usual) / 3600 < 25


@given(st.integers(0, 8), st.none() | st.floats(0, 3600), st.floats(0, 1))
def test_jitter_only_draws_out_and_what_the_receiver_wants_is_not_undercut(
    attempts: int, retry_after_s: float | None, draw: float
) -> None:
    delay = next_delay_s(attempts, retry_after_s, lambda: draw)
    least = max(DELAYS_S[attempts], retry_after_s or 0)

    assert delay is not None
    assert least <= delay <= least * (1 + JITTER)


def test_a_receivers_wish_does_not_make_the_attempts_endless() -> None:
    assert next_delay_s(len(DELAYS_S), 1.0) is None


def test_two_webhooks_do_not_wait_the_same_time() -> None:
    assert len({next_delay_s(1) for _ in range(100)}) > 1
