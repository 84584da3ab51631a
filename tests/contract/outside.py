"""An outside world of one host, for a server that connects to public addresses only.

A network namespace has a public address on its loopback device, with a receiver of webhooks behind it; nothing leaves
the namespace. A veth pair lets the test talk to a server inside:

    with Outside() as outside, Server(prefix=outside.prefix, HOST=outside.server_host, WEBHOOK_HOSTS=outside.host, …):

Needs root and iproute2, as `blackhole` does.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Self, TypeVar

from tests.contract.running import Later

T = TypeVar("T")

_PUBLIC = "192.88.98.1"  # nobody's, and in none of the blocks that the server refuses
_BLOCKS = IPv4Address("169.254.1.0")  # of four addresses each: another process may have a world of its own
_CLONE_NEWNET = 0x40000000  # setns(2); Python has os.setns from 3.12 on


@dataclass(frozen=True)
class Received:
    """One request as the receiver saw it; names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Outside:
    """The namespace and its receiver; as a context manager both are gone at the end."""

    def __init__(self) -> None:
        self.name = f"oo-out-{os.getpid()}"
        self.prefix = ("ip", "netns", "exec", self.name)
        """Before a command, runs it inside."""
        block = _BLOCKS + 4 * (os.getpid() % (1 << 13))  # up to 169.254.128.255: clouds have an address further on
        self._test_side, self.server_host = str(block + 1), str(block + 2)
        """Where a server inside has to listen for the test to reach it."""
        self.received: list[Received] = []
        self.statuses: list[int] = []
        """What the next requests are answered with; 200 when there is none left."""

    @property
    def host(self) -> str:
        """The receiver, as `WEBHOOK_HOSTS` has it."""
        return f"{_PUBLIC}:{self._receiver.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook"

    def __enter__(self) -> Self:
        try:
            self._make()
            self._receive()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.shutdown()
        self._receiver.server_close()
        self._remove()

    def run(self, *command: str, limit_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever its exit code."""
        return subprocess.run([*self.prefix, *command], capture_output=True, text=True, check=False, timeout=limit_s)

    def _make(self) -> None:
        outer, inner = f"oo{os.getpid()}", "v0"
        for command in (
            f"netns add {self.name}",
            f"link add {outer} type veth peer name {inner} netns {self.name}",
            f"addr add {self._test_side}/30 dev {outer}",
            f"link set {outer} up",
            f"-n {self.name} addr add {self.server_host}/30 dev {inner}",
            f"-n {self.name} addr add {_PUBLIC}/32 dev lo",
            f"-n {self.name} link set {inner} up",
            f"-n {self.name} link set lo up",
        ):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)

    def _remove(self) -> None:
        for command in (f"link del oo{os.getpid()}", f"netns del {self.name}"):
            subprocess.run(["ip", *command.split()], capture_output=True, check=False)

    def _receive(self) -> None:
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outside.received.append(Received("POST", self.path, headers, body))
                self.send_response(outside.statuses.pop(0) if outside.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The tests' output is not its place."""

        # A socket belongs to the namespace it was made in, whoever uses it: the receiver itself runs here.
        self._receiver = self._inside(lambda: ThreadingTCPServer((_PUBLIC, 0), Handler))
        threading.Thread(target=self._receiver.serve_forever, daemon=True).start()

    def _inside(self, call: Callable[[], T]) -> T:
        """What `call` returns in the namespace: in a thread of its own, which alone moves there."""

        def moved() -> T:
            libc = ctypes.CDLL(None, use_errno=True)
            with Path(f"/run/netns/{self.name}").open("rb") as namespace:
                if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return call()

        return Later(moved).result()
