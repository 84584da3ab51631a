"""Signatures of webhooks: the specification's own numbers, and what may be a secret."""

import base64

import pytest

from server.signing import key_of, signed

# From the test suites of github.com/standard-webhooks/standard-webhooks: libraries/python (and Go, PHP, …), libraries/rust
VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1649367553,
        b'{"email":"test@example.com","username":"test_user"}',
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
]


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), VECTORS)
def test_signatures_are_those_of_the_specifications_libraries(
    secret: str, message_id: str, timestamp: int, body: bytes, signature: str
) -> None:
    assert signed(secret, message_id, timestamp, body) == {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


def test_a_secret_without_prefix_is_its_own_key() -> None:
    key = b"sixteen-letters!sixteen-letters!"
    of_base64 = signed("whsec_" + base64.b64encode(key).decode(), "msg_1", 1, b"{}")

    assert signed(key.decode(), "msg_1", 1, b"{}") == of_base64


def test_id_time_and_body_are_signed() -> None:
    secret = VECTORS[0][0]
    signatures = {
        signed(secret, message_id, timestamp, body)["webhook-signature"]
        for message_id in ("msg_1", "msg_2")
        for timestamp in (1, 2)
        for body in (b"{}", b"[]")
    }
    assert len(signatures) == 8


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_key_has_as_many_bytes_as_the_specification_wants(length: int) -> None:
    assert key_of("whsec_" + base64.b64encode(bytes(length)).decode()) == bytes(length)


@pytest.mark.parametrize(
    "secret",
    [
        *("", "fifteen-letters", "sixteen letters!", "шестнадцать-букв", "sixteen-letters!\n", "\udcff" * 16),
        *("whsec_" + base64.b64encode(bytes(length)).decode() for length in (0, 23, 65)),
        "whsec_" + "A" * 34,  # a length that base64 does not have
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",  # of the alphabet for addresses
        "whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw",
        "whsec_тайна-из-многих-букв-и-ещё",
    ],
)
def test_an_unfit_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refused:
        key_of(secret)
    assert len(secret) < 10 or secret not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
