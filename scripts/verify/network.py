"""A network in which every attempt to reach anything is counted, and nothing is reached.

Where this process may administer its own network namespace it makes a black hole there: a device whose other end answers
nothing, as behind a firewall that swallows packets; attempts hang, and are read off the other end. Where it may not, the
namespace must have no network at all: the kernel then counts attempts as packets without a route (RFC 4293,
ipSystemStatsOutNoRoutes; /proc/net/snmp, /proc/net/snmp6).
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from scripts.verify.frames import described

_DEVICE, _PEER = "offline0", "offline1"
_OWN, _GATEWAY = "192.0.2.1/24", "192.0.2.254"
_GATEWAY_ADDRESS = "02:00:00:00:00:02"
_ETH_P_ALL = 3
_IFF_UP = 1

_CONNECT = "import socket; socket.create_connection(('203.0.113.1', 443), 0.3)"
_CONNECT_6 = "import socket; socket.create_connection(('2001:db8::1', 443), 0.3)"
_LOOK_UP = "import socket; socket.getaddrinfo('deliberate-attempt.invalid', 443)"
_IPV6 = Path("/proc/net/if_inet6")  # where the kernel has IPv6 at all


class CannotCountError(Exception):
    """Attempts cannot be counted here; the message says how to start it."""


class Network(Protocol):
    """What counts: `kind` in words, `attempts()` packets so far, `seen` each of them in words, where that can be told."""

    kind: str
    seen: list[str]

    def attempts(self) -> int:
        """How many packets anything in this namespace has tried to send to anywhere but itself."""
        ...


def closed() -> Network:
    """The best of both that is possible here. Raises CannotCountError when there is a network, or only half a one."""
    if others := sorted(_devices_up() - {"lo"}):
        raise CannotCountError(f"this container has a network ({', '.join(others)}): start it with --network none")
    try:
        return BlackHole()
    except PermissionError:
        return NoRoute()


def prove(network: Network) -> int:
    """Try to reach hosts, and to look one up; how many packets that was. Raises CannotCountError for one not counted."""
    attempts = {"a connection": _CONNECT, "a look-up": _LOOK_UP}
    if _IPV6.exists():  # where it is switched off, nothing is sent and nothing counted: then no one could tell
        attempts["a connection over IPv6 (start it with --sysctl net.ipv6.conf.all.disable_ipv6=0)"] = _CONNECT_6
    first = network.attempts()
    for what, attempt in attempts.items():
        before = network.attempts()
        quick = {**os.environ, "RES_OPTIONS": "timeout:1 attempts:1"}
        done = subprocess.run([sys.executable, "-I", "-c", attempt], env=quick, capture_output=True, check=False)
        if done.returncode == 0:
            raise CannotCountError(f"{what} to somewhere else succeeded: this is no closed network")
        if network.attempts() == before:
            raise CannotCountError(f"{what}, tried on purpose, was not counted")
    return network.attempts() - first


class NoRoute:
    """No network: the kernel's count of packets that had no route."""

    kind = "no network, counted by the kernel as packets without a route"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def attempts(self) -> int:
        return without_route(Path("/proc/net/snmp").read_text("ascii"), _text("/proc/net/snmp6"))


class BlackHole:
    """A network that swallows packets. Raises PermissionError where none may be made, CannotCountError when that fails."""

    kind = "a network that swallows packets"

    def __init__(self) -> None:
        self.seen: list[str] = []
        try:
            _ip("link", "add", _DEVICE, "type", "veth", "peer", "name", _PEER)
        except CannotCountError as error:
            raise PermissionError(str(error)) from None
        for device in (_DEVICE, _PEER):
            _ip("link", "set", device, "addrgenmode", "none")  # the kernel's own IPv6 packets would count
        _ip("link", "set", _PEER, "up")
        _ip("addr", "add", _OWN, "dev", _DEVICE)
        _ip("link", "set", _DEVICE, "up")
        _ip("neigh", "add", _GATEWAY, "lladdr", _GATEWAY_ADDRESS, "dev", _DEVICE, "nud", "permanent")
        _ip("route", "add", "default", "via", _GATEWAY)
        self._no_route = NoRoute()
        self._listen(self._tap())

    def attempts(self) -> int:
        sent = int(Path(f"/sys/class/net/{_DEVICE}/statistics/tx_packets").read_text("ascii"))
        return sent + self._no_route.attempts()

    def _tap(self) -> Callable[[], bytes] | None:
        try:
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        except PermissionError:
            return None
        tap.bind((_PEER, 0))
        return lambda: tap.recv(2048)

    def _listen(self, receive: Callable[[], bytes] | None) -> None:
        def listen(receive: Callable[[], bytes]) -> None:
            while True:
                self.seen.append(described(receive()))

        if receive:
            threading.Thread(target=listen, args=(receive,), name="tap", daemon=True).start()


def without_route(snmp: str, snmp6: str) -> int:
    """The packets without a route, of both versions of IP, in the kernel's two files."""
    names, values = (line.split() for line in snmp.splitlines() if line.startswith("Ip:"))
    count = int(dict(zip(names, values, strict=True))["OutNoRoutes"])
    six = dict(line.split() for line in snmp6.splitlines())
    return count + int(six.get("Ip6OutNoRoutes", 0))


def _text(path: str) -> str:
    """Empty where the kernel has no IPv6."""
    try:
        return Path(path).read_text("ascii")
    except FileNotFoundError:
        return ""


def _devices_up() -> set[str]:
    """The network devices that are up."""
    folders = Path("/sys/class/net").iterdir()
    return {each.name for each in folders if int((each / "flags").read_text("ascii"), 16) & _IFF_UP}


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotCountError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
