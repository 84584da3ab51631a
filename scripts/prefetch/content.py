"""Whether a file can be what its name says: what a hash cannot tell where nobody knows the right one.

Formats: safetensors (https://github.com/huggingface/safetensors#format), Git LFS pointers
(https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md). ONNX and pdiparams files must not be empty: their sizes
come from the hub or the lock.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

_HEAD_BYTES = 1024
_MAX_HEADER_BYTES = 100_000_000  # of the format's own reader
_LFS = b"version https://git-lfs.github.com/spec/"
_HTML = (b"<!doctype html", b"<html", b"<?xml")


def problem(path: Path) -> str | None:
    """What is wrong with the file by its content, or None; an index of shards needs them beside it. Raises OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if head.startswith(_LFS):
            return "is a Git LFS pointer, not the file itself"
        if head.lstrip().lower().startswith(_HTML):
            return "is a web page, not a file of the model"
        if not size:
            return "is empty"
        file.seek(0)
        if path.name.endswith(".safetensors.index.json"):
            return _index(file, path.parent)
        check = _CHECKS.get(path.suffix)
        return check(file, size) if check else None


def _safetensors(file: IO[bytes], size: int) -> str | None:
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(size - 8, _MAX_HEADER_BYTES):  # "{}" at least
        return "has no safetensors header"
    try:
        tensors = json.loads(file.read(length))
        tensors.pop("__metadata__", None)
        end = max((tensor["data_offsets"][1] for tensor in tensors.values()), default=0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "has a broken safetensors header"
    if end != size - 8 - length:
        return f"holds {size - 8 - length} bytes of tensors where its header says {end}"
    return None


def _index(file: IO[bytes], folder: Path) -> str | None:
    try:
        shards = sorted(set(json.load(file)["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"is no index of safetensors ({error!r})"
    missing = [name for name in shards if not (folder / name).is_file()]
    return f"names {missing[0]}, which is not there" if missing else None


def _json(file: IO[bytes], _: int) -> str | None:
    try:
        json.load(file)
    except ValueError as error:
        return f"is not JSON ({error})"
    return None


_CHECKS: dict[str, Callable[[IO[bytes], int], str | None]] = {
    ".safetensors": _safetensors,
    ".json": _json,
}
