"""Tiny models as a hub has them, and what they read."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server import catalog, lock
from tests.contract.running import ROOT
from tests.paddle.conftest import tiny_weights as tiny_paddle
from tests.prefetch.hub import Hub
from tests.vllm.conftest import tiny
from tests.vllm.conftest import tiny_weights as tiny_vllm

MODELS = ("paddleocr-vl", "paddleocr-vl-1.5", "deepseek-ocr2", "glm-ocr")


def home(config: pytest.Config, folder: Path) -> Path:
    """A PADDLEX_HOME with the tiny models of every kind, locked together."""
    locks: dict[str, lock.LockedWeights] = {}
    for part in (tiny_paddle(config), tiny_vllm(config)):
        shutil.copytree(part, folder, dirs_exist_ok=True)
        locks |= lock.read(part / lock.FILE_NAME)
    lock.write(folder / lock.FILE_NAME, locks)
    return folder


@contextmanager
def hub(weights: Path) -> Iterator[Hub]:
    """A hub with those of the catalogue's repositories that are in a PADDLEX_HOME."""
    with Hub() as running:
        for each in catalog.read_weights().values():
            folder = weights / each.folder
            if each.huggingface and folder.is_dir():
                running.add(each.huggingface, {path.name: path.read_bytes() for path in folder.iterdir()})
        yield running


def texts(weights: Path, models: Iterable[str]) -> str:
    """What each model reads on the known page, run outside of any image, as `known_texts.json` has it."""
    command = [sys.executable, "-m", "scripts.known_texts", *models, "--max-new-tokens", "16"]
    environment = os.environ | tiny(weights)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
