"""The local hub, filled, and the command run against it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.prefetch import repositories
from tests.prefetch.hub import Hub

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "prefetch_models.py"


def patience(seconds: int) -> dict[str, str]:
    """How long the clients wait for a hub that says nothing; a busy machine's may be silent for a while."""
    return dict.fromkeys(("HF_HUB_DOWNLOAD_TIMEOUT", "MODELSCOPE_DOWNLOAD_TIMEOUT"), str(seconds))


@dataclass
class Done:
    """How a run of the command ended."""

    code: int
    out: str


@dataclass
class Command:
    """`prefetch_models.py` with the hub's addresses, and nothing else of this machine's environment."""

    hub: Hub
    home: Path
    tmp: Path

    @classmethod
    def of(cls, hub: Hub, folder: Path) -> Self:
        """The command, with an empty PADDLEX_HOME and a home folder in `folder`."""
        (folder / "tmp").mkdir()
        return cls(hub, folder / "models", folder / "tmp")

    def environment(self, **more: str) -> dict[str, str]:
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.tmp), "TMPDIR": str(self.tmp)}
        return kept | patience(60) | self.hub.environment | more

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """The command at work in a process of its own."""
        heeding = ("env", "--default-signal=INT")  # a shell's background jobs ignore it
        return subprocess.Popen(
            [*heeding, sys.executable, str(SCRIPT), *arguments, "--to", str(self.home)],
            env=self.environment(**variables),
            cwd=self.tmp,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def __call__(self, *arguments: str, **variables: str) -> Done:
        process = self.start(*arguments, **variables)
        try:
            out, _ = process.communicate(timeout=500)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise AssertionError(f"the command hangs: {process.communicate()[0]}") from None
        print(out)
        return Done(process.returncode, out)

    def folders(self) -> list[str]:
        """What an engine would take for complete models."""
        return sorted(
            path.relative_to(self.home).as_posix()
            for place in ("official_models", "hub")
            for path in (self.home / place).glob("*")
        )


@contextmanager
def filled_hub() -> Iterator[Hub]:
    """A hub with every repository of the catalogue."""
    with Hub() as running:
        for name, files in repositories.REPOSITORIES.items():
            running.add(name, files)
            running.add(repositories.RENAMED.get(name, name), files, "master")
        for name in repositories.ARCHIVES:
            running.add_archive(name, repositories.REPOSITORIES[f"PaddlePaddle/{name}"])
        yield running


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub of this test's own."""
    with filled_hub() as running:
        yield running


@pytest.fixture
def prefetch(hub: Hub, tmp_path: Path) -> Command:
    """The command, with an empty PADDLEX_HOME."""
    return Command.of(hub, tmp_path)
