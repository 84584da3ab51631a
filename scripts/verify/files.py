"""Every file of the image held against what was written down when it was built: the lock of the weights, and the seals."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from scripts.image import seal
from scripts.prefetch import progress
from scripts.prefetch.hashing import Meter, side_by_side
from scripts.prefetch.verify import damages
from server import lock

SEALS = Path("/") / seal.SEALS
_EVERYWHERE = {"os", "venv", "documents", "sbom", "code"}
_OURS = (Path("/opt"), Path("/usr/lib/python3.11"))
"""Elsewhere there may be more than the seals say: a GPU's driver is mounted into /usr."""


@dataclass(frozen=True, slots=True)
class Files:
    """How many files were read, their size in bytes, and what is wrong with any of them."""

    weights: int
    sealed: int
    bytes: int
    wrong: tuple[str, ...]


def check(home: Path, needed: Collection[str]) -> Files:
    """Read every byte. `needed` are the weights that the image's models are made of. Raises LockError, ValueError."""
    locks = lock.read(home / lock.FILE_NAME)
    wrong = [
        f"{name}: {home / lock.FILE_NAME} does not name these weights" for name in sorted(set(needed) - locks.keys())
    ]
    wrong += [f"{name}: {reason}" for name, reason in damages(home, locks).items()]
    files = [file for locked in locks.values() for file in locked.files.values()]
    seals = {path.stem: seal.read(path) for path in sorted(SEALS.glob("*.sha256"))}
    wrong += [f"{SEALS / name}.sha256 is missing" for name in sorted(_EVERYWHERE - seals.keys())]
    sealed = {path: digest for listed in seals.values() for path, digest in listed.items()}
    present = {path: path.lstat().st_size for path in sealed if os.path.lexists(path)}
    wrong += [f"{path} is missing" for path in sorted(sealed.keys() - present.keys())]
    wrong += [f"{path} can be written to by others than root" for path in sorted(present) if _is_open(path)]
    meter = Meter()

    def digest(path: Path) -> str:
        return seal.sha256(path) if path.is_symlink() else meter.sha256(path)

    with progress.shown("hashing the rest", sum(present.values()), lambda: meter.bytes):
        found = side_by_side(digest, present.items())
    wrong += [
        f"{path} is not the file that was built: its SHA-256 differs"
        for path in sorted(found)
        if found[path] != sealed[path]
    ]
    wrong += [f"{path} was not there when the image was built" for path in _unlisted(home, locks, sealed)]
    return Files(len(files), len(sealed), sum(file.size for file in files) + meter.bytes, tuple(wrong))


def _is_open(path: Path) -> bool:
    """Or runs as somebody else, by its setuid bit."""
    return not path.is_symlink() and bool(path.stat().st_mode & 0o6022)


def _unlisted(home: Path, locks: lock.Lock, sealed: Collection[Path]) -> list[Path]:
    """What lies in the image's own folder and is in no list."""
    weights = {home / locked.folder / name for locked in locks.values() for name in locked.files}
    return sorted(
        path
        for folder in _OURS
        for path in seal.files(folder)
        if path not in sealed and path not in weights and path.parent != SEALS
    )
