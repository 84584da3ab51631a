"""How webhooks are signed: Standard Webhooks 1.0.0, the symmetric scheme `v1`. Standard library only.

Source: spec/standard-webhooks.md in github.com/standard-webhooks/standard-webhooks, "Signature scheme" and "Webhook
headers". Every library listed there verifies what is signed here.
"""

import base64
import hashlib
import hmac
import re

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)  # as the specification has it
_PLAIN = re.compile(r"[\x21-\x7e]{16,}")
_UNFIT = (
    "it must be whsec_ and 24 to 64 bytes in base64 (for example whsec_ and what `openssl rand -base64 32` prints), "
    "or 16 characters of ASCII or more, without spaces"
)


def key_of(secret: str) -> bytes:
    """The key in a secret: what `whsec_` is followed by, decoded; the characters themselves of one without `whsec_`.

    Raises ValueError, without the secret, for one of neither kind.
    """
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except ValueError:
            raise ValueError(_UNFIT) from None
        if len(key) not in _KEY_BYTES:
            raise ValueError(_UNFIT)
        return key
    if not _PLAIN.fullmatch(secret):
        raise ValueError(_UNFIT)
    return secret.encode("ascii")


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that go with `body`: `v1,` and the base64 of HMAC-SHA256 over `message_id.timestamp.body`.

    `message_id` belongs to the event and stays the same over all attempts to deliver it; it must hold no full stop.
    `timestamp`, in seconds since 1970, is the attempt's own: receivers refuse what is some minutes old.
    """
    digest = hmac.digest(key_of(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
