"""Weights brought, locked, checked: what a build does when nothing goes wrong."""

import json
import shutil
from pathlib import Path

import pytest

from server import catalog, lock
from tests.prefetch.conftest import Command
from tests.prefetch.hub import Fault, Hub
from tests.prefetch.repositories import REPOSITORIES

pytestmark = pytest.mark.prefetch
WEIGHTS = {part.name: part for model in catalog.read().values() for part in model.weights}


def _content(home: Path, name: str) -> dict[str, bytes]:
    folder = home / WEIGHTS[name].folder
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _needed(name: str) -> dict[str, bytes]:
    files = REPOSITORIES[str(WEIGHTS[name].huggingface)]
    return {path: files[path] for path in WEIGHTS[name].choose(files)}


def test_all_models_are_fetched_locked_and_checked(prefetch: Command, hub: Hub) -> None:
    fetched = prefetch("fetch")
    assert fetched.code == 0, fetched.out
    assert prefetch.folders() == sorted(weights.folder for weights in WEIGHTS.values())
    for name in WEIGHTS:
        assert _content(prefetch.home, name) == _needed(name)
        assert f"{name}: " in fetched.out
    assert not (prefetch.home / ".staging").exists()
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in prefetch.home.rglob("*"))

    locks = lock.read(prefetch.home / lock.FILE_NAME)
    assert set(locks) == set(WEIGHTS)
    for name, locked in locks.items():
        repository = str(WEIGHTS[name].huggingface)
        assert (locked.source, locked.repository) == ("huggingface", repository)
        assert locked.commit == hub.commits[repository, "main"].id
        assert {path: file.size for path, file in locked.files.items()} == {
            path: len(data) for path, data in _needed(name).items()
        }

    before = len(hub.requests)
    again = prefetch("fetch")
    assert again.code == 0
    assert f"nothing to do: all {len(WEIGHTS)} weights are in {prefetch.home} and verified" in again.out
    assert len(hub.requests) == before

    assert prefetch("lock").code == 0
    assert lock.read(prefetch.home / lock.FILE_NAME) == locks
    checked = prefetch("check")
    assert checked.code == 0
    assert f"whole: {len(WEIGHTS)} weights" in checked.out


def test_a_mirror_that_leaves_sizes_out(prefetch: Command, hub: Hub) -> None:
    hub.states_sizes = False
    done = prefetch("fetch", "GLM-OCR")
    assert done.code == 0, done.out
    assert lock.read(prefetch.home / lock.FILE_NAME)["GLM-OCR"].source == "huggingface"
    assert _content(prefetch.home, "GLM-OCR") == _needed("GLM-OCR")


def test_what_a_model_can_do_without_is_brought_by_its_own_name(prefetch: Command) -> None:
    assert prefetch("fetch", "UVDoc").code == 0
    assert prefetch.folders() == ["official_models/UVDoc"]


def test_only_the_chosen_models_and_what_they_share(prefetch: Command) -> None:
    assert prefetch("fetch", "paddleocr-vl-1.5", "PP-DocLayoutV2").code == 0
    assert prefetch.folders() == [
        "official_models/PP-DocLayoutV2",
        "official_models/PP-DocLayoutV3",
        "official_models/PaddleOCR-VL-1.5",
    ]


def test_a_model_without_weights_of_its_own_needs_nothing(prefetch: Command, hub: Hub) -> None:
    assert prefetch("fetch", "pp-ocr").code == 0
    assert hub.requests == []


def test_an_unknown_model_is_wrong_usage(prefetch: Command) -> None:
    done = prefetch("fetch", "gpt")
    assert done.code == 2
    assert "no model 'gpt'; there are: pp-ocr" in done.out


def test_with_hugging_face_down_modelscope_serves_and_the_lock_holds(prefetch: Command, hub: Hub) -> None:
    assert prefetch("fetch", "glm-ocr").code == 0
    locks = lock.read(prefetch.home / lock.FILE_NAME)
    shutil.rmtree(prefetch.home / "hub")
    shutil.rmtree(prefetch.home / "official_models")
    hub.down.add("huggingface")
    done = prefetch("fetch", "glm-ocr")
    assert done.code == 0, done.out
    assert "from modelscope, ZhipuAI/GLM-OCR@" in done.out
    anew = lock.read(prefetch.home / lock.FILE_NAME)
    assert anew["GLM-OCR"].source == "modelscope"
    assert {name: locked.files for name, locked in anew.items()} == {name: each.files for name, each in locks.items()}


def test_the_last_resort_is_paddles_storage(prefetch: Command, hub: Hub) -> None:
    hub.faults = [Fault("status_404", source, "listing") for source in ("huggingface", "modelscope")]
    done = prefetch("fetch", "PaddleOCR-VL")
    assert done.code == 0, done.out
    assert "bos lists no hashes and there is no lock: only sizes could be compared" in done.out
    assert _content(prefetch.home, "PaddleOCR-VL") == _needed("PaddleOCR-VL")
    hub.faults.clear()
    shutil.rmtree(prefetch.home / "official_models")
    assert prefetch("fetch", "PaddleOCR-VL").code == 0
    assert lock.read(prefetch.home / lock.FILE_NAME)["PaddleOCR-VL"].source == "huggingface"


def test_a_lock_keeps_the_commit_when_the_hub_moves_on(prefetch: Command, hub: Hub) -> None:
    assert prefetch("fetch", "GLM-OCR").code == 0
    locked = lock.read(prefetch.home / lock.FILE_NAME)
    files = REPOSITORIES["zai-org/GLM-OCR"]
    hub.add("zai-org/GLM-OCR", files | {"config.json": b'{"moved": "on"}'})
    shutil.rmtree(prefetch.home / "hub")
    assert prefetch("fetch", "GLM-OCR").code == 0
    assert lock.read(prefetch.home / lock.FILE_NAME) == locked
    assert _content(prefetch.home, "GLM-OCR")["config.json"] == files["config.json"]


@pytest.mark.parametrize("branch", ["main", "master"])
def test_another_content_than_the_locks_is_refused_before_it_is_transferred(
    prefetch: Command, hub: Hub, branch: str
) -> None:
    assert prefetch("fetch", "GLM-OCR").code == 0
    path = prefetch.home / lock.FILE_NAME
    data = json.loads(path.read_text("utf-8"))
    file = data["weights"]["GLM-OCR"]["files"]["model.safetensors"]
    found, file["sha256"] = file["sha256"], "ab" * 32
    path.write_text(json.dumps(data))
    shutil.rmtree(prefetch.home / "hub")
    hub.requests.clear()
    done = prefetch("fetch", "GLM-OCR")
    assert done.code == 1
    source = {"main": "huggingface", "master": "modelscope"}[branch]
    assert "glm-ocr: GLM-OCR: not fetched" in done.out
    line = next(line for line in done.out.splitlines() if line.startswith(f"GLM-OCR/model.safetensors from {source}:"))
    assert "ab" * 32 in line
    assert found in line
    assert hub.sent("*.safetensors") == []
    assert prefetch.folders() == []


def test_a_folder_put_there_by_hand_is_verified_and_kept(prefetch: Command, hub: Hub) -> None:
    folder = prefetch.home / "hub/GLM-OCR"
    folder.mkdir(parents=True)
    for name, data in _needed("GLM-OCR").items():
        (folder / name).write_bytes(data)
    (folder / "config.json").write_bytes(b"{}")
    done = prefetch("fetch", "GLM-OCR")
    assert done.code == 0, done.out
    assert [each.path for each in hub.sent("*")] == ["config.json"]
    assert _content(prefetch.home, "GLM-OCR") == _needed("GLM-OCR")


# --- from a folder


def test_an_air_gapped_build_takes_a_folder(prefetch: Command, hub: Hub, tmp_path: Path) -> None:
    assert prefetch("fetch", "glm-ocr").code == 0
    locks = lock.read(prefetch.home / lock.FILE_NAME)
    prefetch.home.rename(tmp_path / "elsewhere")
    hub.requests.clear()
    done = prefetch("fetch", "glm-ocr", "--source-dir", str(tmp_path / "elsewhere"))
    assert done.code == 0, done.out
    assert hub.requests == []
    anew = lock.read(prefetch.home / lock.FILE_NAME)
    assert {name: (each.commit, each.files) for name, each in anew.items()} == {
        name: (each.commit, each.files) for name, each in locks.items()
    }


def test_a_mirror_of_repositories_will_do(prefetch: Command, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror/zai-org/GLM-OCR"
    mirror.mkdir(parents=True)
    for name, data in REPOSITORIES["zai-org/GLM-OCR"].items():
        (mirror / name).write_bytes(data)
    done = prefetch("fetch", "GLM-OCR", "--source-dir", str(tmp_path / "mirror"))
    assert done.code == 0, done.out
    assert _content(prefetch.home, "GLM-OCR") == _needed("GLM-OCR")


def test_a_folder_without_the_weights_is_named(prefetch: Command, tmp_path: Path) -> None:
    done = prefetch("fetch", "GLM-OCR", "--source-dir", str(tmp_path))
    assert done.code == 1
    assert f"neither hub/GLM-OCR nor zai-org/GLM-OCR is in {tmp_path}" in done.out


def test_a_clone_without_lfs_is_noticed(prefetch: Command, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror/zai-org/GLM-OCR"
    mirror.mkdir(parents=True)
    for name, data in REPOSITORIES["zai-org/GLM-OCR"].items():
        (mirror / name).write_bytes(data)
    (mirror / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    done = prefetch("fetch", "GLM-OCR", "--source-dir", str(tmp_path / "mirror"))
    assert done.code == 1
    assert "GLM-OCR/model.safetensors from folder: is a Git LFS pointer, not the file itself" in done.out
    assert prefetch.folders() == []
