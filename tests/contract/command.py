"""`offline-ocr` as a user starts it: a process of its own, with the environment that says where the server is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contract.running import ROOT, TOKEN

LIMIT_S = 110


@dataclass(frozen=True)
class Command:
    """The client for one server."""

    url: str
    token: str = TOKEN

    def __call__(self, *words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        done = subprocess.run(
            self._line(words),
            env=self._environment(),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return done

    @contextmanager
    def start(self, *words: str | Path) -> Iterator["subprocess.Popen[str]"]:
        """Start it, with its output in one pipe; it is killed at the end."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            self._line(words), env=self._environment(), cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True
        ) as running:
            try:
                yield running
            finally:
                running.kill()

    def _line(self, words: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "server.client", *map(str, words)]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        place = {"OFFLINE_OCR_URL": self.url, "OFFLINE_OCR_TOKEN": self.token}
        return {**kept, **place, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
