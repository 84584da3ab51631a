"""Tiny weights of every model that vLLM or transformers reads, and servers that hold them."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.running import ROOT, Server

PYTHON = ROOT / ".venv-vllm/bin/python"
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs .venv-vllm, and starts vLLM, which takes half a minute."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="session")
def weights(request: pytest.FixtureRequest) -> Path:
    """A PADDLEX_HOME with tiny models of every kind, locked; made once for as long as their makers stay the same."""
    assert request.config.cache
    sources = [*sorted(_HERE.glob("tiny/*.py")), *sorted((ROOT / "requirements").glob("vllm*.txt"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    home = Path(request.config.cache.mkdir("tiny-vllm")) / digest
    if not home.exists():
        half = home.with_suffix(f".{os.getpid()}")
        half.mkdir()
        command = [str(PYTHON), "-B", "-m", "tests.vllm.tiny", str(half)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        command = [sys.executable, "scripts/prefetch_models.py", "lock", "--to", str(half)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        half.rename(home)
    return home


@pytest.fixture(scope="session")
def serve(weights: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that hold the tiny weights, or gives the one that runs with the same settings; all end at the end."""
    with ExitStack() as stack:
        running: dict[tuple[tuple[str, str], ...], Server] = {}

        def start(**variables: str) -> Server:
            key = tuple(sorted(variables.items()))
            if key not in running:
                running[key] = stack.enter_context(Server(**tiny(weights), **variables)).ready()
            return running[key]

        yield start


def tiny(home: Path) -> dict[str, str]:
    """What a server needs to hold the tiny models: the vision towers that vLLM builds at full size are made tiny."""
    return {"PADDLEX_HOME": str(home), "PYTHONPATH": str(home / "plugin"), "VLLM_CPU_KVCACHE_SPACE": "1"}
