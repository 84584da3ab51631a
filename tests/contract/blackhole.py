"""A network that swallows packets: every attempt to reach anything hangs, and is counted.

A namespace holds one end of a veth pair whose other end answers nothing, with a permanent neighbour entry for the
gateway, a default route over it, and a name server behind it. IPv6 is off: the kernel's own packets would count.
Needs root and iproute2.
"""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

_DEVICE = "v0"
_NAMELESS = 'hostname nowhere-in-hosts && exec "$@"'
"""As in a container without network: looking up the machine's own name is an attempt, too."""
_GATEWAY, _OWN, _NAME_SERVER = "10.99.0.2", "10.99.0.1/24", "10.99.0.53"


def impossible() -> str | None:
    """Why there can be no such network here, or None."""
    if not shutil.which("ip"):
        return "iproute2 is not installed"
    if os.geteuid() != 0:
        return "only root may make a network namespace"
    name = f"oo-try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no network namespace can be made: {tried.stderr.strip()}"
    _ip("netns", "del", name)
    return None


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


class BlackHole:
    """The network; as a context manager it is removed at the end."""

    def __init__(self) -> None:
        self.name = f"oo-{os.getpid()}"
        self._peer = f"{self.name}-peer"
        self._configuration = Path("/etc/netns") / self.name
        self.prefix = ("ip", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", _NAMELESS, "sh")
        """Before a command, runs it inside."""

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def run(self, *command: str, limit_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever its exit code."""
        return subprocess.run([*self.prefix, *command], capture_output=True, text=True, check=False, timeout=limit_s)

    def attempts(self) -> int:
        """Packets that anything inside has tried to send so far."""
        return int(self.run("cat", f"/sys/class/net/{_DEVICE}/statistics/tx_packets").stdout)

    def _make(self) -> None:
        for name in (self.name, self._peer):
            _ip("netns", "add", name)
            for scope in ("all", "default"):
                switch = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
                _ip("netns", "exec", name, "sh", "-c", f"test ! -e {switch} || echo 1 > {switch}")
        _ip("link", "add", _DEVICE, "netns", self.name, "type", "veth", "peer", "name", "v1", "netns", self._peer)
        _ip("-n", self.name, "link", "set", "lo", "up")
        _ip("-n", self._peer, "link", "set", "v1", "up")
        _ip("-n", self.name, "addr", "add", _OWN, "dev", _DEVICE)
        _ip("-n", self.name, "link", "set", _DEVICE, "up")
        _ip(
            "-n", self.name, "neigh", "add", _GATEWAY, "lladdr", "02:00:00:00:00:02", "dev", _DEVICE, "nud", "permanent"
        )
        _ip("-n", self.name, "route", "add", "default", "via", _GATEWAY)
        _ip(
            "-n",
            self.name,
            "neigh",
            "add",
            _NAME_SERVER,
            "lladdr",
            "02:00:00:00:00:53",
            "dev",
            _DEVICE,
            "nud",
            "permanent",
        )
        self._configuration.mkdir(parents=True)
        (self._configuration / "resolv.conf").write_text(f"nameserver {_NAME_SERVER}\n")

    def _remove(self) -> None:
        for name in (self.name, self._peer):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(self._configuration, ignore_errors=True)
