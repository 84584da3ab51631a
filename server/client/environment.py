"""Where the server is and who asks, from the environment. The token never comes from an argument: others can read those."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from server.client.errors import WrongUsage

URL = "OFFLINE_OCR_URL"
TOKEN = "OFFLINE_OCR_TOKEN"  # noqa: S105 the name of it
DEFAULT_URL = "http://localhost:8081"


@dataclass(frozen=True, slots=True)
class Place:
    """A server's address, and the token for it; an empty token is none."""

    url: str
    token: str = field(repr=False)


def read(variables: Mapping[str, str]) -> Place:
    """The place that the variables name. Raises WrongUsage, which never shows the token or a password."""
    given = variables.get(URL, "").strip() or DEFAULT_URL
    try:
        url = httpx2.URL(given)
    except httpx2.InvalidURL:
        raise WrongUsage(f"{URL} is not an address. Give one such as {DEFAULT_URL}.") from None
    if url.userinfo:
        raise WrongUsage(f"{URL} holds a password. Put the token into {TOKEN}.")
    if url.scheme not in {"http", "https"} or not url.host:
        raise WrongUsage(f"{URL} is {given[:200]!r}; it must begin with http:// or https:// and name a host.")
    token = variables.get(TOKEN, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise WrongUsage(f"{TOKEN} holds characters that no token has.")
    return Place(given, token)
