"""Layers: the same files give the same layer, and what changes afterwards shows."""

import os
from pathlib import Path

import pytest

from scripts.image import seal
from scripts.image.trim import trim


def tree(root: Path) -> Path:
    (root / "opt/a/deep").mkdir(parents=True)
    (root / "opt/a/deep/file").write_text("one")
    (root / "opt/a/program").write_text("#!/bin/sh\n")
    (root / "opt/a/program").chmod(0o6777)
    (root / "opt/a/link").symlink_to("deep/file")
    return root


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Who is not root cannot give files to root: what would have been given."""
    given: list[Path] = []
    monkeypatch.setattr(os, "chown", lambda path, user, group, **_: given.append(path) if user == group == 0 else None)
    return given


def test_a_sealed_tree_has_one_age_and_plain_modes(tmp_path: Path, owned: list[Path]) -> None:
    root = tree(tmp_path)
    seal.seal(root, Path("opt/a"), "a")
    for path in (root, root / "opt", *root.rglob("*")):
        assert path.lstat().st_mtime == seal.TIME, path
        assert path in owned
        if not path.is_symlink():
            assert path.stat().st_mode & 0o7777 == (0o644 if path.name in {"file", "a.sha256"} else 0o755)


def test_a_seal_says_what_every_file_is(tmp_path: Path, owned: list[Path]) -> None:
    root = tree(tmp_path)
    seal.seal(root, Path("opt/a"), "a")
    said = seal.read(root / "opt/seals/a.sha256")
    assert set(said) == {Path("/opt/a/deep/file"), Path("/opt/a/link"), Path("/opt/a/program")}
    assert said[Path("/opt/a/deep/file")] == seal.sha256(root / "opt/a/deep/file")
    assert said[Path("/opt/a/link")] == seal.sha256(root / "opt/a/link") != said[Path("/opt/a/deep/file")]
    assert said[Path("/opt/a/deep/file")].startswith("7692c3ad3540bb80")  # printf one | sha256sum


def test_trimming_takes_tests_and_leaves_code_that_is_called_so(tmp_path: Path) -> None:
    for name in (
        "numpy/tests/test_a.py",
        "numpy/testing/__init__.py",
        "pkg/test/helper.py",
        "pkg/tests/deep/test_b.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    plugin = tmp_path / "openvino/libs/libopenvino_intel_gpu_plugin.so"
    plugin.parent.mkdir(parents=True)
    plugin.touch()
    (plugin.parent / "libopenvino_intel_cpu_plugin.so").touch()
    trim(tmp_path, "vllm")
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"numpy/testing/__init__.py", "pkg/test/helper.py", "openvino/libs/libopenvino_intel_cpu_plugin.so"}


def test_what_only_the_server_does_without_stays_in_other_environments(tmp_path: Path) -> None:
    for name in ("jsonschema/__init__.py", "google/rpc/code_pb2.py", "google/protobuf/any.py", "pkg/deep/a.pyi"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def left() -> set[str]:
        return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}

    before = left()
    trim(tmp_path, "vllm")
    assert left() == before
    trim(tmp_path, "server")
    assert left() == {"google/protobuf/any.py"}
