"""A real registry on the loopback, Debian's docker-registry."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.contract.running import free_port, wait_for

_CONFIGURATION = """version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""


@dataclass(frozen=True)
class Registry:
    """`name` is what images are called after."""

    name: str
    folder: Path

    def blobs(self) -> dict[str, int]:
        """All it holds: digest → size in bytes."""
        found = self.folder.glob("docker/registry/v2/blobs/sha256/*/*/data")
        return {path.parent.name: path.stat().st_size for path in found}


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """An empty one, with its data in `folder`."""
    port = free_port()
    (folder / "config.yml").write_text(_CONFIGURATION.format(folder=folder, port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        try:
            wait_for(lambda: _answers(port), "the registry answers")
            yield Registry(f"127.0.0.1:{port}", folder)
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/v2/", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
