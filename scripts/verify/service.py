"""The image's own server, started as the image starts it, and asked as its users ask it."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpx2

ROOT = Path(__file__).parents[2]
_LIVE_S = 30.0
_LOAD_S = 1800.0
_PAGE_S = 900.0
_ENDS_S = 60.0
_USER, _GROUP = 65532, 0
_NOT_PASSED_ON = {"API_TOKENS_FILE", "RATE_LIMIT_PER_MINUTE"}
_PROBE_S = 5.0
_ELSEWHERE = re.compile("(https?:)?//")


class ServiceError(Exception):
    """The server did not do what it must; the message says what it did instead."""


class Service:
    """The server with its default settings and a token of its own; as a context manager it is ended."""

    def __init__(self, log: Path) -> None:
        """`log` is the file that gets its output."""
        self._log = log
        self._token = secrets.token_urlsafe(24)
        port = os.environ.get("PORT") or "8081"
        headers = {"Authorization": f"Bearer {self._token}"}
        self._client = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=_PAGE_S, trust_env=False
        )

    def __enter__(self) -> Self:
        as_root = os.getuid() == 0  # who may administer the network is; the server is not
        self.started = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server"],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                user=_USER if as_root else None,
                group=_GROUP if as_root else None,
                extra_groups=[] if as_root else None,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _environment(self) -> dict[str, str]:
        """The container's, but for what would keep this caller out."""
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
        return kept | {"AUTH_MODE": "bearer", "API_TOKENS": self._token, "HOST": "127.0.0.1"}

    def live(self) -> float:
        """Seconds from its start until the process answers. Raises ServiceError."""
        self._wait("/health/live", _LIVE_S)
        return time.monotonic() - self.started

    def ready(self) -> float:
        """Seconds from its start until it serves requests. Raises ServiceError."""
        self._wait("/health/ready", _LOAD_S)
        return time.monotonic() - self.started

    def models(self) -> list[dict[str, Any]]:
        """The table of models. Raises ServiceError."""
        rows: list[dict[str, Any]] = self._get("/models").json()["models"]
        return rows

    def load(self, model: str) -> None:
        """Load a model and wait until it is there. Raises ServiceError."""
        self._request("POST", f"/models/{model}/load")
        end = time.monotonic() + _LOAD_S
        while time.monotonic() < end:
            [row] = [row for row in self.models() if row["name"] == model]
            if row["state"] in {"ready", "busy"}:
                return
            if row["state"] in {"failed", "absent"}:
                raise ServiceError(f"{row['state']}: {row['reason']}")
            time.sleep(0.2)
        raise ServiceError(f"not loaded after {_LOAD_S:.0f} s")

    def unload(self, model: str) -> None:
        """Free a model. Raises ServiceError."""
        self._request("POST", f"/models/{model}/unload")

    def read(self, model: str, page: Path, options: Mapping[str, Any]) -> str:
        """The text of a page. Raises ServiceError."""
        fields = {"model_name": model, **{name: str(value) for name, value in options.items()}}
        reply = self._request("POST", "/ocr", files={"file": page.read_bytes()}, data=fields)
        if reply.status_code != HTTPStatus.OK:
            raise ServiceError(f"the page was answered with {reply.status_code}: {reply.text[:300]}")
        text: str = reply.json()["text"]
        return text

    def open(self, address: str) -> int:
        """Open a web page and all that it loads; how many files that is. Raises ServiceError."""
        reply = self._get(address, accept="text/html")
        if "html" not in reply.headers.get("content-type", ""):
            raise ServiceError(f"{address} is no web page")
        parser = _References()
        parser.feed(reply.text)
        for reference in parser.found:
            if _ELSEWHERE.match(reference):
                raise ServiceError(f"{address} loads {reference}")
            self._get(urljoin(address, reference))
        return 1 + len(parser.found)

    def end(self) -> int:
        """SIGTERM; the exit code. Raises ServiceError."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_ENDS_S)
        except subprocess.TimeoutExpired:
            raise ServiceError(f"not ended {_ENDS_S:.0f} s after SIGTERM") from None

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text("utf-8", "replace")[-2000:]

    def _get(self, address: str, accept: str = "*/*") -> httpx2.Response:
        reply = self._request("GET", address, headers={"Accept": accept}, follow_redirects=True)
        if reply.status_code != HTTPStatus.OK:
            raise ServiceError(f"{address} was answered with {reply.status_code}")
        return reply

    def _request(self, method: str, address: str, **more: Any) -> httpx2.Response:
        try:
            return self._client.request(method, address, **more)
        except httpx2.TransportError as error:
            try:
                state = f"ended with exit code {self._process.wait(_PROBE_S)}"
            except subprocess.TimeoutExpired:
                state = "runs"
            raise ServiceError(f"{address} was not answered ({error!r}); the server {state}") from error

    def _wait(self, address: str, limit_s: float) -> None:
        status: object = "nothing"
        while time.monotonic() - self.started < limit_s:
            if (code := self._process.poll()) is not None:
                raise ServiceError(f"the server ended with exit code {code}")
            try:
                reply = self._client.get(address, timeout=_PROBE_S)
            except httpx2.TransportError:
                time.sleep(0.01)
                continue
            if reply.status_code == HTTPStatus.OK:
                return
            status = reply.text
            if '"failed"' in reply.text:
                break
            time.sleep(0.02)
        raise ServiceError(f"{address} says {status} after {time.monotonic() - self.started:.0f} s")


class _References(HTMLParser):
    """What a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = {"link": "href", "script": "src", "img": "src", "iframe": "src"}.get(tag)
        self.found += [value for key, value in attrs if key == name and value and not value.startswith("data:")]
