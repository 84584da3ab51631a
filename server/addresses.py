"""Which addresses the server connects to for a caller, and how they may be spelled. Pure: nothing is resolved here."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import httpx2

from server.errors import UrlNotAllowed
from server.hosts import NAME, Address, literal

MAX_URL_CHARS = 8192


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a caller names an address for, as the texts of refusals have it."""

    field: str
    wherever: str
    """The address and every further one that it leads to."""
    instead: str = ""
    """What the caller can do without it: a sentence after a space."""


INSTEAD = "Send the document itself as `file` or `image_base64` instead."
DOCUMENT = Purpose("image_url", "image_url, and what it redirects to,", f" {INSTEAD}")
WEBHOOK = Purpose("webhook_url", "webhook_url")

# Own tables, not `ipaddress.is_global`: that one follows the Python patch release and lets multicast, 6to4 and parts
# of 192.0.0.0/24 (Oracle Cloud's metadata is 192.0.0.192) pass.
_IPV4_REFUSED = [
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba Cloud's metadata is 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent: a public address with private content
        "169.254.0.0/16",  # link-local, metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]
_IPV6_GLOBAL = IPv6Network("2000::/3")  # all that IANA hands out: not ::1, ::ffff:0:0/96, fc00::/7, fe80::/10
_IPV6_REFUSED = [
    IPv6Network(block)
    for block in (
        "2001::/23",  # IETF protocol assignments, among them Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether the server may connect to `address`: unicast, and globally reachable by IANA's registries.

    Forms that carry an IPv4 address inside are refused as a whole (IPv4-mapped, IPv4-compatible, 6to4, Teredo), except
    NAT64 (RFC 6052): there the address inside decides, because behind DNS64 every IPv4 site looks like that.
    Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), RFC 5771 (multicast),
    RFC 4291 (scopes), RFC 9637 (3fff::/20).
    """
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _IPV4_REFUSED)
    if address.scope_id is not None:  # an interface of this host is meant
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _IPV6_GLOBAL and not any(address in block for block in _IPV6_REFUSED)


def parse_url(text: str, base: httpx2.URL | None = None, purpose: Purpose = DOCUMENT) -> httpx2.URL:
    """Reads an address, relative to `base` where one is given; raises `UrlNotAllowed` with what to mend.

    What comes back has http or https, no user name or password, and a host that is one address in its usual spelling or
    one ASCII name (RFC 1123; other scripts arrive as their IDNA 2008 form). Whether it is public is not asked here.
    """
    field = purpose.field
    if len(text) > MAX_URL_CHARS:
        raise UrlNotAllowed(f"{field} is longer than {MAX_URL_CHARS} characters.{purpose.instead}")
    try:
        url = httpx2.URL(text) if base is None else base.join(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise UrlNotAllowed(f"{field} cannot be read as an address; write it as https://host/path.") from error
    if url.scheme not in ("http", "https"):
        raise UrlNotAllowed(f"{purpose.wherever} must begin with http:// or https://.")
    if url.userinfo:
        raise UrlNotAllowed(f"{field} must not hold a user name or a password.{purpose.instead}")
    if url.port is not None and not 0 < url.port < 65536:
        raise UrlNotAllowed(f"The port in {field} must be between 1 and 65535.")
    host = host_of(url)
    if literal(host) is None and not NAME.fullmatch(host):
        raise UrlNotAllowed(
            f"The host in {field} must be like example.com, with no final dot, or an address in its usual spelling."
        )
    return url


def host_of(url: httpx2.URL) -> str:
    """The host in ASCII."""
    return url.raw_host.decode("ascii")  # `url.host` would decode IDNA again
