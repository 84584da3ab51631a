"""`models.lock.json`: which weights a folder holds, file by file. Written by the prefetch, read at boot.

    {"format": 1,
     "weights": {"PP-DocLayoutV3": {
         "folder": "official_models/PP-DocLayoutV3", "source": "huggingface", "repository": "PaddlePaddle/PP-DocLayoutV3",
         "commit": "…", "files": {"inference.yml": {"size": 1234, "sha256": "…"}}}}}

Sizes in bytes. Standard library only: a build stage and the final image read it without installing anything.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

FILE_NAME = "models.lock.json"
SMALL_BYTES = 1024 * 1024
_FORMAT = 1
_SHA256 = re.compile("[0-9a-f]{64}")


class LockError(Exception):
    """The lock cannot be read, or it says what no lock may say; the message names the file."""


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file: its size in bytes and the SHA-256 of its content, 64 hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LockedWeights:
    """What one folder under PADDLEX_HOME holds, and where it came from; `commit` is None where the source has none."""

    folder: str
    source: str
    repository: str
    commit: str | None
    files: Mapping[str, LockedFile]


Lock = Mapping[str, LockedWeights]


def read(path: Path) -> dict[str, LockedWeights]:
    """The lock by name of the weights; empty when there is no such file. Raises LockError."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != _FORMAT:
            raise LockError(f"{path}: format {data['format']!r} is not known here, only {_FORMAT}")
        return {name: _weights(table) for name, table in data["weights"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LockError(f"{path} is no lock of weights: {type(error).__name__}: {error}") from None


def write(path: Path, lock: Lock) -> None:
    """Replace the file as a whole: whoever reads meanwhile has the old lock or the new one. Raises OSError."""
    data = {"format": _FORMAT, "weights": {name: asdict(lock[name]) for name in sorted(lock)}}
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    fresh.replace(path)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def glance(home: Path, locked: LockedWeights) -> str | None:
    """What is wrong with a folder as far as a glance shows: sizes of all files, hashes of those up to 1 MiB."""
    for name, file in locked.files.items():
        relative = f"{locked.folder}/{name}"
        path = home / relative
        try:
            size = path.stat().st_size
            if size != file.size:
                return f"{relative} has {size} bytes, not {file.size}"
            if size <= SMALL_BYTES and sha256(path) != file.sha256:
                return f"{relative} is not the file that {FILE_NAME} names: its SHA-256 differs"
        except OSError as error:
            return f"{relative} {'is missing' if isinstance(error, FileNotFoundError) else f'cannot be read: {error}'}"
    return None


def _weights(table: Mapping[str, Any]) -> LockedWeights:
    files = {name: LockedFile(int(file["size"]), file["sha256"]) for name, file in table["files"].items()}
    for name, file in files.items():
        if not _SHA256.fullmatch(file.sha256):
            raise ValueError(f"{file.sha256!r} is no SHA-256 (of {name})")
    for name in (table["folder"], *files):
        if not is_inside(name):
            raise ValueError(f"{name!r} leads out of its folder")
    return LockedWeights(table["folder"], table["source"], table["repository"], table["commit"], files)


def is_inside(name: str) -> bool:
    """Whether a relative path with forward slashes stays in the folder it is resolved in."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
