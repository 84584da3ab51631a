"""The lock file: what it says, what it refuses to say, and what a glance at the weights finds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server import lock
from server.lock import LockedFile, LockedWeights, LockError

SHA = "ab" * 32
LOCKED = LockedWeights("hub/a", "modelscope", "x/a", None, {"sub/b.json": LockedFile(2, SHA)})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / lock.FILE_NAME
    lock.write(path, {"b": LOCKED, "a": LOCKED})
    assert lock.read(path) == {"a": LOCKED, "b": LOCKED}
    assert [entry.name for entry in tmp_path.iterdir()] == [lock.FILE_NAME]


def test_the_file_reads_as_documented(tmp_path: Path) -> None:
    path = tmp_path / lock.FILE_NAME
    lock.write(path, {"a": LOCKED})
    table = {"folder": "hub/a", "source": "modelscope", "repository": "x/a", "commit": None}
    table |= {"files": {"sub/b.json": {"size": 2, "sha256": SHA}}}
    assert json.loads(path.read_text("utf-8")) == {"format": 1, "weights": {"a": table}}


def test_no_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert lock.read(tmp_path / lock.FILE_NAME) == {}


def _changed(**changes: Any) -> dict[str, Any]:
    files = {"b.json": {"size": 2, "sha256": SHA}}
    table = {"folder": "hub/a", "source": "s", "repository": "r", "commit": None, "files": files} | changes
    return {"format": 1, "weights": {"a": table}}


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"format": 1},
        {"format": 2, "weights": {}},
        {"format": 1, "weights": []},
        {"format": 1, "weights": {"a": {}}},
        _changed(folder="/etc"),
        _changed(folder="../up"),
        _changed(files={"../../etc/passwd": {"size": 1, "sha256": SHA}}),
        _changed(files={"b": {"size": 1, "sha256": "short"}}),
        _changed(files={"b": {"size": "many", "sha256": SHA}}),
        _changed(files=None),
    ],
)
def test_a_lock_that_cannot_be_is_refused_with_its_path(tmp_path: Path, data: object) -> None:
    path = tmp_path / lock.FILE_NAME
    path.write_text(json.dumps(data))
    with pytest.raises(LockError) as refused:
        lock.read(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("name", ["a", "a/b.json", "a/..b"])
def test_paths_inside(name: str) -> None:
    assert lock.is_inside(name)


@pytest.mark.parametrize("name", ["", "/a", "..", "a/../../b", "a\\b"])
def test_paths_outside(name: str) -> None:
    assert not lock.is_inside(name)


# --- a glance


@pytest.fixture
def locked(tmp_path: Path) -> LockedWeights:
    folder = tmp_path / "hub/a"
    folder.mkdir(parents=True)
    (folder / "small.json").write_text("{}")
    (folder / "large.bin").write_bytes(bytes(lock.SMALL_BYTES + 1))
    files = {path.name: LockedFile(path.stat().st_size, lock.sha256(path)) for path in folder.iterdir()}
    return LockedWeights("hub/a", "s", "r", None, files)


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def test_a_whole_folder_is_right(tmp_path: Path, locked: LockedWeights) -> None:
    assert lock.glance(tmp_path, locked) is None


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("small.json", Path.unlink, "hub/a/small.json is missing"),
        ("large.bin", Path.unlink, "hub/a/large.bin is missing"),
        ("large.bin", _append, f"hub/a/large.bin has {lock.SMALL_BYTES + 2} bytes, not {lock.SMALL_BYTES + 1}"),
        ("small.json", _flip, "hub/a/small.json is not the file that models.lock.json names: its SHA-256 differs"),
    ],
)
def test_damage_is_named(
    tmp_path: Path, locked: LockedWeights, name: str, damage: Callable[[Path], None], reason: str
) -> None:
    damage(tmp_path / "hub/a" / name)
    assert lock.glance(tmp_path, locked) == reason


def test_large_files_are_not_read_at_boot(tmp_path: Path, locked: LockedWeights) -> None:
    _flip(tmp_path / "hub/a/large.bin")
    assert lock.glance(tmp_path, locked) is None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, locked: LockedWeights) -> None:
    path = tmp_path / "hub/a/small.json"
    path.unlink()
    path.symlink_to(path)  # a ring: nobody can open it, not even root
    assert "small.json cannot be read" in str(lock.glance(tmp_path, locked))
