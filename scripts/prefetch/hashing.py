"""Hashes of many large files at once: hashlib lets go of the interpreter's lock, so threads use every core."""

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

_CHUNK_BYTES = 1024 * 1024

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Digest(Protocol):
    def update(self, data: memoryview, /) -> None: ...


class Meter:
    """How many bytes have been hashed; threads add to it, progress shows it."""

    def __init__(self) -> None:
        self.bytes = 0

    def sha256(self, path: Path) -> str:
        """The SHA-256 of a file's content. Raises OSError."""
        digest = hashlib.sha256()
        self._feed(path, digest)
        return digest.hexdigest()

    def git_blob(self, path: Path) -> str:
        """Git's id of a file's content: the SHA-1 of `blob SIZE\\0` and the bytes (git-scm.com/book, Git Objects)."""
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        self._feed(path, digest)
        return digest.hexdigest()

    def _feed(self, path: Path, digest: _Digest) -> None:
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                digest.update(buffer[:count])
                self.bytes += count


def side_by_side(work: Callable[[Item], Result], items: Iterable[tuple[Item, int]]) -> dict[Item, Result]:
    """The result of `work` for each item, given with its size in bytes; large ones first, so that no core ends alone.

    Raises the first error of `work`.
    """
    ordered = [item for item, _ in sorted(items, key=lambda each: -each[1])]
    pool = ThreadPoolExecutor(os.cpu_count(), "hash")
    try:
        return dict(zip(ordered, pool.map(work, ordered), strict=True))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
