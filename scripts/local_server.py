"""A server on a free port of this machine, for the demo and the benchmark."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

_ROOT = Path(__file__).parents[1]
_READY_S = 120.0


@contextmanager
def running(environment: Mapping[str, str]) -> Iterator[httpx2.Client]:
    """A client with a bearer token for a server that is ready. Its log goes to stderr when it ends badly.

    Raises RuntimeError when the server ends, or is not ready within two minutes.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_urlsafe(16)
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "API_TOKENS": token, "LOG_LEVEL": "warning", **environment}
    server = subprocess.Popen([sys.executable, "-m", "server"], env=os.environ | settings, cwd=_ROOT, stdout=sys.stderr)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=None, trust_env=False
        ) as client:
            _wait_ready(client, server)
            yield client
    finally:
        server.terminate()
        server.wait()


def _wait_ready(client: httpx2.Client, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {server.returncode}; its last words are above")
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx2.TransportError:
            pass  # the port is not open yet
        time.sleep(0.1)
    raise RuntimeError(f"not ready: {client.get('/health/ready').text}")
