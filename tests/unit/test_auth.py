"""Who calls: every way to send a token, nothing learnt from a wrong one, and so many requests a minute."""

import base64
import hmac
from types import SimpleNamespace

import pytest
from fastapi import Request
from hypothesis import example, given
from hypothesis import strategies as st

from server import auth
from server.auth import Authenticator, Caller, challenge
from server.errors import RateLimited, Unauthorized
from tests.unit.fakes import settings_of

TOKENS = ("alice-token", "bob-token", "carol:token")


def request(path: str = "/ocr", **headers: str) -> Request:
    """A request with these headers; `_` stands for `-`."""
    raw = [(name.replace("_", "-").lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "path": path, "server": ("test", 80), "headers": raw})


def authenticator(**environment: str) -> Authenticator:
    """One that knows the three tokens."""
    return Authenticator(settings_of({"API_TOKENS": ",".join(TOKENS), **environment}))


def basic(text: str) -> str:
    """The header that a browser sends."""
    return "Basic " + base64.b64encode(text.encode()).decode()


def owner(token: str) -> str:
    """To whom that token belongs."""
    return authenticator().check(request(authorization=f"Bearer {token}")).owner


# --- ways to send a token


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_may_be_sent_in_every_way_and_is_the_same_caller(token: str) -> None:
    ways = [
        request(authorization=f"Bearer {token}"),
        request(authorization=f"bearer   {token} "),
        request(authorization=f"BEARER {token}"),
        request(x_api_key=token),
        request(authorization=basic(f"anyone:{token}")),
        request(authorization=basic(f":{token}")),
        request(x_api_key=token, authorization="Bearer of-the-gateway"),
    ]
    assert {authenticator().check(way) for way in ways} == {Caller(owner(token))}


def test_each_token_is_a_caller_of_its_own() -> None:
    assert len({owner(token) for token in TOKENS}) == 3


def test_an_owner_is_a_harmless_folder_name_and_not_the_token() -> None:
    found = owner("alice-token")

    assert found.isalnum()
    assert found.isascii()
    assert "alice" not in found
    assert found == owner("alice-token")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Token alice-token"},
        {"authorization": "alice-token"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic é"},
        {"authorization": "Basic a"},
        {"x_api_key": ""},
        {"cookie": "token=alice-token"},
    ],
)
def test_without_a_credential_the_caller_reads_how_to_send_one(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized, match="Authorization: Bearer <token>"):
        authenticator().check(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer mallory-token"},
        {"authorization": "Bearer alice-toke"},
        {"authorization": "Bearer alice-token2"},
        {"authorization": "Bearer ALICE-TOKEN"},
        {"authorization": "Bearer alice-token,bob-token"},
        {"authorization": "Bearer \xe9\xff"},
        {"x_api_key": "mallory"},
        {"x_api_key": "mallory", "authorization": "Bearer alice-token"},
        {"authorization": basic("alice-token:")},
        {"authorization": basic("alice-token")},
        {"authorization": basic("x:y:alice-token")},
        {"authorization": "Basic "},
    ],
)
def test_a_wrong_token_is_refused_and_not_repeated(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized) as refused:
        authenticator().check(request(**headers))
    assert str(refused.value) == "The token is not one that this server knows."


@given(st.text(st.characters(max_codepoint=255)), st.sampled_from(["", "Bearer ", "Basic ", "Digest "]))
@example("é", "Basic ")
@example("YWxpY2U=é", "Basic ")
def test_whatever_a_header_holds_it_is_no_server_error(value: str, scheme: str) -> None:
    for headers in ({"authorization": scheme + value}, {"x_api_key": value}):
        with pytest.raises(Unauthorized):
            authenticator().check(request(**headers))


@pytest.mark.parametrize("given_token", ["alice-token", "carol:token", "mallory-token"])
def test_every_known_token_is_compared_whichever_one_was_sent(
    monkeypatch: pytest.MonkeyPatch, given_token: str
) -> None:
    compared: list[bytes] = []
    in_constant_time = hmac.compare_digest

    def spy(known: bytes, sent: bytes) -> bool:
        compared.append(known)
        return in_constant_time(known, sent)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    checker = authenticator()
    try:
        checker.check(request(x_api_key=given_token))
    except Unauthorized:
        assert given_token == "mallory-token"

    assert compared == [token.encode() for token in TOKENS]


# --- behind a gateway


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer of-the-gateway"}, {"x_api_key": "x"}])
def test_behind_a_gateway_every_caller_is_let_in_as_one(headers: dict[str, str]) -> None:
    checker = Authenticator(settings_of({"AUTH_MODE": "platform"}))

    assert checker.check(request(**headers)) == Caller("platform")


# --- the challenge


def test_a_browser_is_asked_for_a_password_and_a_program_is_not() -> None:
    assert challenge(request(accept="text/html,application/xhtml+xml")).startswith("Basic realm=")
    assert challenge(request(accept="application/json")) == "Bearer"
    assert challenge(request()) == "Bearer"
    assert challenge(request("/docs/assets/swagger-ui.css", accept="text/css,*/*")).startswith("Basic realm=")


# --- the rate limit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test moves: `clock.now`, in seconds."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def taken(checker: Authenticator, token: str = "alice-token") -> int:
    """How many requests are let through at once."""
    for number in range(10_000):
        try:
            checker.check(request(x_api_key=token))
        except RateLimited:
            return number
    return 10_000


def test_without_a_limit_nobody_is_refused() -> None:
    assert taken(authenticator(RATE_LIMIT_PER_MINUTE="0")) == 10_000


def test_a_minutes_requests_may_come_at_once_and_then_steadily(clock: SimpleNamespace) -> None:
    checker = authenticator(RATE_LIMIT_PER_MINUTE="60")

    assert taken(checker) == 60
    clock.now += 1.001
    assert taken(checker) == 1
    clock.now += 10.001
    assert taken(checker) == 10
    clock.now += 86_400
    assert taken(checker) == 60


def test_each_token_has_a_limit_of_its_own(clock: SimpleNamespace) -> None:
    checker = authenticator(RATE_LIMIT_PER_MINUTE="5")

    assert [taken(checker, token) for token in TOKENS] == [5, 5, 5]


def test_a_wrong_token_uses_up_nobodys_requests(clock: SimpleNamespace) -> None:
    checker = authenticator(RATE_LIMIT_PER_MINUTE="1")
    for _ in range(5):
        with pytest.raises(Unauthorized):
            checker.check(request(x_api_key="mallory"))

    assert taken(checker) == 1


def test_behind_a_gateway_all_callers_share_the_limit(clock: SimpleNamespace) -> None:
    checker = Authenticator(settings_of({"AUTH_MODE": "platform", "RATE_LIMIT_PER_MINUTE": "3"}))

    assert (taken(checker, "a"), taken(checker, "b")) == (3, 0)


@given(st.integers(1, 100_000), st.integers(0, 200))
def test_who_waits_as_long_as_told_is_let_in(limit: int, part: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = SimpleNamespace(now=5000.0)
        patch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: clock.now))
        bucket = auth._Bucket(limit)
        bucket.level = part / 201  # less than one request is left

        with pytest.raises(RateLimited) as refused:
            bucket.take()
        assert refused.value.retry_after is not None
        assert 1 <= refused.value.retry_after <= 60
        clock.now += refused.value.retry_after + 1e-6
        bucket.take()


@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=60))
def test_no_pattern_of_requests_gets_more_than_the_limit(limit: int, pauses: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = SimpleNamespace(now=0.0)
        patch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: clock.now))
        bucket = auth._Bucket(limit)
        taken_at = []
        for pause in pauses:
            clock.now += pause
            try:
                bucket.take()
                taken_at.append(clock.now)
            except RateLimited as refused:
                assert refused.retry_after is not None
                assert refused.retry_after >= 1

        assert len(taken_at) <= limit + clock.now * limit / 60 + 1e-6
        assert 0 <= bucket.level <= limit


# --- who may continue a trace


def test_who_is_known_is_told_without_counting_a_request() -> None:
    known = authenticator(RATE_LIMIT_PER_MINUTE="1")
    for _ in range(3):
        assert known.knows(request(x_api_key=TOKENS[0]))
    assert not known.knows(request(x_api_key="another"))
    assert not known.knows(request())
    known.check(request(x_api_key=TOKENS[0]))


def test_behind_a_gateway_everybody_is_known() -> None:
    assert Authenticator(settings_of({"AUTH_MODE": "platform"})).knows(request())
