"""Who calls: bearer tokens compared in constant time, and each token's requests per minute."""

import base64
import hashlib
import hmac
import math
import time
from dataclasses import dataclass, field

from fastapi import Request

from server.errors import RateLimited, Unauthorized
from server.settings import AuthMode, Settings

_PAGES = ("/docs", "/redoc", "/openapi.json")  # and what they load


@dataclass(frozen=True, slots=True)
class Caller:
    """An accepted caller. `owner` names what is theirs (saved results) without giving the token away."""

    owner: str


@dataclass(slots=True)
class _Bucket:
    """A token bucket: it holds a minute's requests at most and refills steadily."""

    per_minute: int
    level: float = field(init=False)
    at: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self.at = float(self.per_minute), time.monotonic()

    def take(self) -> None:
        """One request. Raises RateLimited."""
        now = time.monotonic()
        self.level = min(self.per_minute, self.level + (now - self.at) * self.per_minute / 60)
        self.at = now
        if self.level < 1:
            wait = math.ceil((1 - self.level) * 60 / self.per_minute)
            raise RateLimited(f"This token may send {self.per_minute} requests a minute.", retry_after=wait)
        self.level -= 1


class Authenticator:
    """Checks the credentials of every request that is not a probe."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = [(token.encode(), _owner(token)) for token in settings.tokens()]
        self._platform = settings.auth_mode is AuthMode.PLATFORM
        owners = ["platform"] if self._platform else [owner for _, owner in self._tokens]
        limit = settings.rate_limit_per_minute
        self._buckets = {owner: _Bucket(limit) for owner in owners} if limit else {}

    def check(self, request: Request) -> Caller:
        """The caller. Raises Unauthorized or RateLimited."""
        caller = Caller("platform") if self._platform else self._bearer(request)
        if bucket := self._buckets.get(caller.owner):
            bucket.take()
        return caller

    def knows(self, request: Request) -> bool:
        """Whether `check` would not find the credentials wanting. It counts for no limit."""
        try:
            return self._platform or bool(self._bearer(request))
        except Unauthorized:
            return False

    def _bearer(self, request: Request) -> Caller:
        given = _credential(request)
        if given is None:
            raise Unauthorized("Send the header 'Authorization: Bearer <token>' or 'X-API-Key: <token>'.")
        found = None
        for token, owner in self._tokens:  # no early exit: the time taken must not tell which token is near
            if hmac.compare_digest(token, given):
                found = owner
        if found is None:
            raise Unauthorized("The token is not one that this server knows.")
        return Caller(found)


def _credential(request: Request) -> bytes | None:
    """The token in the request's headers. A browser can only send Basic: any user name, the token as its password."""
    if key := request.headers.get("x-api-key"):
        return key.encode("latin-1")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return value.encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:  # not base64, or not even ASCII
            return None
    return None


def _owner(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def challenge(request: Request) -> str:
    """The WWW-Authenticate header of a 401 (RFC 9110, 11.6.1): a browser is asked to prompt, a program is not."""
    by_browser = "text/html" in request.headers.get("accept", "") or request.url.path.startswith(_PAGES)
    return 'Basic realm="offline-ocr, the password is an API token", charset="UTF-8"' if by_browser else "Bearer"
