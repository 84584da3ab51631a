"""What a place that has weights must be able to do, and what the hubs share."""

import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scripts.prefetch.errors import NoRoom, SourceFailed
from server.weights import Weights

_PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Offer:
    """A file as a source lists it: size in bytes and the source's own hash of it, SHA-256 or git's blob id, if any."""

    size: int
    sha256: str | None = None
    git_blob: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a repository at one commit; `commit` is None where the source knows none."""

    repository: str
    commit: str | None
    files: Mapping[str, Offer]


class Source(Protocol):
    """A hub, a storage or a folder."""

    name: str

    def has(self, weights: Weights) -> bool:
        """Whether the catalogue names a place there."""
        ...

    def list(self, weights: Weights, commit: str | None, staging: Path) -> Listing:
        """What it offers, at that commit if one is given. Raises SourceFailed."""
        ...

    def bring(self, listing: Listing, names: Sequence[str], staging: Path) -> None:
        """Put these files into `staging`, in parallel where that helps. Raises SourceFailed, NoRoom, OSError."""
        ...


def in_parallel(work: Callable[[str], None], names: Iterable[str]) -> None:
    """Do the work on every name, several at once; the first error ends it, without waiting for the others."""
    pool = ThreadPoolExecutor(_PARALLEL, "download")
    try:
        for future in [pool.submit(work, name) for name in names]:
            future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def failed(source: str, what: str, error: BaseException, *, lasting: bool = False) -> SourceFailed:
    """The error of a hub's client in one line; NoRoom is raised instead when the disk is what failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            raise NoRoom(f"{what} from {source}: {os.strerror(cause.errno)}") from error
        cause = cause.__cause__ or cause.__context__
    lines = str(error).strip().splitlines()
    return SourceFailed(f"{what} from {source}: {lines[0] if lines else type(error).__name__}", lasting=lasting)
