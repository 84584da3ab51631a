"""Folders of wheels that pip is configured to look into, over HTTP: a build has no other way to them."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

_PORT = 28766


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served() -> Iterator[list[str]]:
    """Their addresses, or those that pip has already."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    links = {word for line in lines if ".find-links=" in line for word in line.partition("=")[2].strip("'").split()}
    # The same address every time: it is an argument of the build, and another one would build all of it anew.
    servers = [
        ThreadingHTTPServer(("127.0.0.1", _PORT + number), partial(_Quiet, directory=link))
        for number, link in enumerate(sorted(links))
        if link.startswith("/")
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_port}/" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()
