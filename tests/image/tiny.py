"""Tiny models as a hub has them, and what they read."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.verify import known
from server import catalog, lock
from tests.contract.running import Server
from tests.paddle.conftest import tiny_weights as tiny_paddle
from tests.prefetch.hub import Hub
from tests.vllm.conftest import LOAD_S, tiny
from tests.vllm.conftest import tiny_weights as tiny_vllm

MODELS = ("paddleocr-vl", "paddleocr-vl-1.5", "deepseek-ocr2", "glm-ocr")
OPTIONS = {"max_new_tokens": 16}


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


def texts(weights: Path, models: Iterable[str]) -> dict[str, Any]:
    """What each model reads on the known page, run outside of any image, as `known_texts.json` has it."""
    locks, found = lock.read(weights / lock.FILE_NAME), {}
    with Server(**tiny(weights), PRELOAD="none", QUEUE_MAX_WAIT_S=str(LOAD_S)) as server:
        server.live()
        for model in models:
            options = {name: str(value) for name, value in OPTIONS.items()}
            with server.new_client(timeout_s=2 * LOAD_S) as client:
                data = {"model_name": model, **options}
                reply = client.post("/ocr", files={"file": known.PAGE.read_bytes()}, data=data)
                assert reply.status_code == 200, reply.text
                client.post(f"/models/{model}/unload")
            parts = [locks[each.name] for each in catalog.read()[model].weights]
            found[model] = {known.digest(parts): {"options": OPTIONS, "text": reply.json()["text"]}}
    return found
