"""A server whose weights are not whole: it lives, it is not ready, and it names the file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from server import catalog, lock
from server.lock import LockedFile, LockedWeights
from tests.contract import samples
from tests.contract.running import Server, assert_problem, wait_for
from tests.prefetch.repositories import REPOSITORIES

pytestmark = pytest.mark.contract

MODEL = "glm-ocr"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A PADDLEX_HOME with one model's weights, as the prefetch leaves them."""
    locks = {}
    for weights in catalog.read()[MODEL].weights:
        files = REPOSITORIES[str(weights.huggingface)]
        folder = tmp_path / weights.folder
        folder.mkdir(parents=True)
        locked = {}
        for name in weights.choose(files):
            (folder / name).write_bytes(files[name])
            locked[name] = LockedFile(len(files[name]), lock.sha256(folder / name))
        locks[weights.name] = LockedWeights(weights.folder, "huggingface", "x", "c" * 40, locked)
    lock.write(tmp_path / lock.FILE_NAME, locks)
    return tmp_path


def _damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "file", "said"),
    [
        (Path.unlink, "hub/GLM-OCR/model.safetensors", "is missing"),
        (Path.unlink, "official_models/PP-DocLayoutV3_safetensors/config.json", "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "hub/GLM-OCR/model.safetensors", "bytes, not"),
        (_damage, "hub/GLM-OCR/tokenizer.json", "its SHA-256 differs"),
    ],
)
def test_a_file_of_a_preloaded_model_is_missing_or_wrong(
    home: Path, damage: Callable[[Path], None], file: str, said: str
) -> None:
    damage(home / file)
    with Server(PADDLEX_HOME=str(home), PRELOAD=f"{MODEL},pp-ocr") as server:
        server.live()
        reply = server.client.get("/health/ready")
        assert reply.status_code == 503
        assert reply.json()["phase"] == "failed"
        reason = reply.json()["waiting_for"][MODEL]
        assert reason.startswith(f"{file} ")
        assert said in reason
        absent = wait_for(lambda: [line for line in server.log() if line["event"] == "model absent"], "the log says so")
        assert [(line["model"], line["reason"], line["level"]) for line in absent] == [(MODEL, reason, "error")]
        for path in ("/models", "/debug/info"):
            row = next(row for row in server.client.get(path).json()["models"] if row["name"] == MODEL)
            assert (row["state"], row["reason"], row["revision"]) == ("absent", reason, None)
        refused = server.ocr(samples.png(), model_name=MODEL)
        assert file in assert_problem(refused, 503, "model_unavailable")["detail"]
        assert MODEL not in server.client.get("/models").json()["available_models"]
        # the others serve
        wait_for(lambda: server.health()["models"]["pp-ocr"] == "ready", "the other model is loaded")
        assert server.ocr(samples.png()).json()["text"] == samples.WORDS
        assert server.client.get("/health/ready").status_code == 503
        assert server.client.get("/health/live").status_code == 200


def test_only_the_chosen_models_are_looked_at(home: Path) -> None:
    (home / "hub/GLM-OCR/config.json").unlink()
    with Server(PADDLEX_HOME=str(home), MODELS="pp-ocr") as server:
        server.ready()
        assert [row["name"] for row in server.client.get("/models").json()["models"]] == ["pp-ocr"]
        assert_problem(server.ocr(samples.png(), model_name=MODEL), 404, "unknown_model")


def test_weights_that_are_whole_are_not_the_reason(home: Path) -> None:
    with Server(PADDLEX_HOME=str(home)) as server:
        server.ready()
        row = next(row for row in server.client.get("/models").json()["models"] if row["name"] == MODEL)
        assert row["prompts"]["table"] == "Table Recognition:"
        assert "missing" not in (row["reason"] or "")
