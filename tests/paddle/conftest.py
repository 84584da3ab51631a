"""Tiny weights, a server that holds them, and PaddleOCR itself to compare with."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.running import ROOT, Server
from tests.once import made_once
from tests.paddle.patience import LOAD_S, PATIENT, loaded

PYTHON = ROOT / ".venv-paddle/bin/python"
_HERE = Path(__file__).parent
_PARTS = {
    "paddleocr-vl": ("v1", "PP-DocLayoutV2", "PaddleOCR-VL"),
    "paddleocr-vl-1.5": ("v1.5", "PP-DocLayoutV3", "PaddleOCR-VL-1.5"),
    "paddleocr-vl-1.6": ("v1.6", "PP-DocLayoutV3", "PaddleOCR-VL-1.6"),
}
MODELS = tuple(_PARTS)

Pages = list[dict[str, Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs .venv-paddle, and time."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.paddle)
            item.add_marker(pytest.mark.timeout(2 * LOAD_S))


def run_paddle(script: str, *arguments: str, home: Path, python: Path = PYTHON) -> None:
    """Run one of the scripts beside this file where PaddlePaddle is installed."""
    environment = {**os.environ, "PADDLE_PDX_CACHE_HOME": str(home), "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "1"}
    command = [str(python), "-B", str(_HERE / script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def tiny_weights(config: pytest.Config) -> Path:
    """A PADDLEX_HOME with tiny models of every kind, locked; made once for as long as their maker stays the same."""
    assert config.cache
    sources = (_HERE / "make_models.py", ROOT / "requirements/paddle.txt", ROOT / "requirements/paddle-cpu.txt")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]

    def make(home: Path) -> None:
        run_paddle("make_models.py", str(home), home=home)
        for name in ("func_ret", "locks", "temp"):
            shutil.rmtree(home / name)
        command = [sys.executable, "scripts/prefetch_models.py", "lock", "--to", str(home)]
        command += [*MODELS, "UVDoc", "PP-LCNet_x1_0_doc_ori"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    return made_once(config.cache.mkdir("tiny-paddle") / digest, make)


@pytest.fixture(scope="session")
def weights(request: pytest.FixtureRequest) -> Path:
    """The tiny models."""
    return tiny_weights(request.config)


@pytest.fixture
def home(weights: Path, tmp_path: Path) -> Path:
    """A PADDLEX_HOME of the test's own, to be spoiled."""
    return Path(shutil.copytree(weights, tmp_path / "home"))


@pytest.fixture(scope="session")
def server(weights: Path) -> Iterator[Server]:
    """The shared server, ready; no test may disturb it."""
    with Server(PADDLEX_HOME=str(weights), PRELOAD="paddleocr-vl", **PATIENT) as running:
        yield loaded(running)


@pytest.fixture(scope="session")
def library(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Pages]]:
    """PaddleOCR's own results: for a model and its runs, each run's pages."""

    def read(model: str, runs: list[dict[str, Any]], **arguments: Any) -> list[Pages]:
        version, layout, recogniser = _PARTS[model]
        folders = weights / "official_models"
        parts = {
            "pipeline_version": version,
            "layout_detection_model_name": layout,
            "layout_detection_model_dir": str(folders / layout),
            "vl_rec_model_name": f"{recogniser}-0.9B",
            "vl_rec_model_dir": str(folders / recogniser),
            **arguments,
        }
        job = tmp_path_factory.mktemp("library") / "job.json"
        job.write_text(json.dumps({"model": parts, "runs": runs}))
        run_paddle("library.py", str(job), home=weights)
        done: list[Pages] = json.loads(job.with_suffix(".done").read_text())
        return done

    return read
