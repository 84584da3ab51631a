"""What an engine's worker finds in its environment."""

import sys
from pathlib import Path

import pytest

from server import stacks


def test_the_cpu_engines_run_beside_the_server_and_paddle_in_its_own_environment() -> None:
    assert stacks.python_of("rapidocr") == Path(sys.executable)
    assert stacks.python_of("paddle_vl").as_posix().endswith("/.venv-paddle/bin/python")


def test_what_is_missing_is_looked_for_where_the_engine_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stacks.missing("rapidocr", ("json", "no_such_package")) == ["no_such_package"]
    monkeypatch.setattr(stacks, "_ROOT", tmp_path)
    assert stacks.missing("paddle_vl", ("paddle", "paddlex")) == ["paddle", "paddlex"]
    (tmp_path / ".venv-paddle/lib/python3.11/site-packages/paddle").mkdir(parents=True)
    assert stacks.missing("paddle_vl", ("paddle", "paddlex")) == ["paddlex"]


def test_a_worker_learns_no_secret_and_that_there_is_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKENS", "secret")
    monkeypatch.setenv("CLOUDRU_S3_SECRET_KEY", "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    found = stacks.variables(tmp_path, tmp_path / "scratch")
    assert "secret" not in found.values()
    assert found["CUDA_VISIBLE_DEVICES"] == "0"
    assert found["HOME"] == str(tmp_path / "scratch")
    assert found["HF_HUB_OFFLINE"] == "1"
    caches = [
        Path(value) for name, value in found.items() if name.endswith(("_CACHE_DIR", "_CACHE_HOME", "_CACHE_PATH"))
    ]
    assert len(caches) >= 4
    assert all(cache.is_relative_to(tmp_path) for cache in caches)
    assert Path(found.pop("PADDLE_PDX_LOCAL_FONT_FILE_PATH")).name == "DejaVuSans.ttf"
    assert {name: value for name, value in found.items() if name.startswith("PADDLE")} == {
        "PADDLEX_HOME": str(tmp_path),
        "PADDLE_PDX_CACHE_HOME": str(tmp_path),
        "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "1",
        "PADDLE_PDX_DISABLE_DEVICE_FALLBACK": "1",
        "PADDLEOCR_DISABLE_AUTO_LOGGING_CONFIG": "1",
    }


def test_where_the_weights_may_only_be_read_paddlex_gets_another_cache_unless_it_finds_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    scratch = tmp_path / "scratch"
    assert stacks.variables(tmp_path, scratch)["PADDLE_PDX_CACHE_HOME"] == str(scratch)
    for name in ("func_ret", "locks", "temp"):
        (tmp_path / name).mkdir()
    assert stacks.variables(tmp_path, scratch)["PADDLE_PDX_CACHE_HOME"] == str(tmp_path)
