"""Tiny weights of every model that vLLM or transformers reads, and servers that hold them."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.running import ROOT, Server
from tests.once import made_once
from tests.paddle.patience import LOAD_S, PATIENT, loaded

PYTHON = ROOT / ".venv-vllm/bin/python"
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs .venv-vllm, and time."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(2 * LOAD_S))


def tiny_weights(config: pytest.Config) -> Path:
    """A PADDLEX_HOME with tiny models of every kind, locked; made once for as long as their makers stay the same."""
    assert config.cache
    makers = [path for path in sorted(_HERE.glob("*.py")) if not path.name.startswith("test_")]
    sources = [*makers, *sorted((ROOT / "requirements").glob("vllm*.txt"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]

    def make(home: Path) -> None:
        command = [str(PYTHON), "-B", "-m", "tests.vllm.make_models", str(home)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        command = [sys.executable, "scripts/prefetch_models.py", "lock", "--to", str(home)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    return made_once(Path(config.cache.mkdir("tiny-vllm")) / digest, make)


@pytest.fixture(scope="session")
def weights(request: pytest.FixtureRequest) -> Path:
    """The tiny models."""
    return tiny_weights(request.config)


@pytest.fixture
def serve(weights: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that hold the tiny weights and have loaded what they preload; they end with the test."""
    with ExitStack() as stack:
        yield lambda **variables: loaded(stack.enter_context(Server(**{**tiny(weights), **variables})))


@pytest.fixture(scope="session")
def everything(weights: Path) -> Iterator[Server]:
    """The shared server with all models, each read by vLLM; no test may disturb it."""
    with Server(**tiny(weights), PRELOAD="glm-ocr,deepseek-ocr,deepseek-ocr2") as server:
        yield loaded(server)


@pytest.fixture(scope="session")
def in_process(weights: Path) -> Iterator[Server]:
    """The shared server with the models that transformers can read."""
    with Server(**tiny(weights), RECOGNISER="transformers", PRELOAD="glm-ocr,deepseek-ocr2") as server:
        yield loaded(server)


def tiny(home: Path) -> dict[str, str]:
    """What a server needs to hold the tiny models; the vision towers that vLLM builds at full size are made tiny."""
    plugin = str(_HERE / "plugin")
    return {"PADDLEX_HOME": str(home), "OFFLINE_OCR_VLLM_PLUGINS": plugin, "VLLM_CPU_KVCACHE_SPACE": "1", **PATIENT}
