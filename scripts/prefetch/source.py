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
_REASON_LETTERS = 200  # some clients repeat the whole request


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
    """A hub, a storage or a folder; worth that many attempts."""

    name: str
    attempts: int

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
    """Do the work on every name, several at once; the first error ends it when what is under way has ended."""
    pool = ThreadPoolExecutor(_PARALLEL, "download")
    try:
        for future in [pool.submit(work, name) for name in names]:
            future.result()
    except Exception:
        # one left alone would go on writing into a file that the next attempt has verified
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def failed(source: str, what: str, error: BaseException, *, lasting: bool = False) -> SourceFailed:
    """The error of a hub's client in one line; NoRoom is raised instead when the disk is what failed."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:  # some chains are rings
        chain.append(cause)
    root = chain[-1]
    for each in chain:
        if isinstance(each, OSError) and each.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            raise NoRoom(f"{what} from {source}: {os.strerror(each.errno)}") from error
    # clients wrap a refused connection into layers that repeat the whole request
    lines = str(root if isinstance(root, OSError) else error).strip().splitlines() or [type(root).__name__]
    return SourceFailed(f"{what} from {source}: {lines[0][:_REASON_LETTERS]}", lasting=lasting)
