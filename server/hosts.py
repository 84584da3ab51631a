"""How hosts are written: names, addresses, and both with a port. Standard library only."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

# Letters, digits, hyphens; the last label begins with a letter, as every top-level domain does. What is neither a plain
# address nor such a name (127.1, 2130706433, 0x7f.0.0.1, a trailing dot, %31) is what resolvers read in their own ways.
NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")

_WITH_PORT = re.compile(r"(?:(?P<plain>[^\[\]:]+)|\[(?P<ipv6>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?")


def literal(host: str) -> Address | None:
    """The address that `host` is, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def host_and_port(text: str) -> tuple[Address | str, int | None]:
    """Reads `example.com`, `93.184.216.34:8443` or `[2606:4700::1111]:8443`; names come back in lower case.

    Names are in ASCII (other scripts in their `xn--` form). Raises ValueError for anything else.
    """
    match = _WITH_PORT.fullmatch(text.lower())
    if match:
        host = match["plain"] or match["ipv6"]
        port = int(match["port"]) if match["port"] else None
        address = literal(host)
        is_written_right = isinstance(address, IPv6Address) == bool(match["ipv6"])
        if is_written_right and (address or NAME.fullmatch(host)) and (port is None or 0 < port < 65536):
            return address or host, port
    raise ValueError(f"{text!r} is not a host such as example.com or [2606:4700::1111]:8443")
