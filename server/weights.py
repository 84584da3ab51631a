"""The weights that models are made of: where they come from, which of their files are needed, whether they are here.

Standard library only: a build stage imports this, too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from server import lock


@dataclass(frozen=True, slots=True)
class Weights:
    """One folder of weights, shared by all models that name it.

    `folder` lies under PADDLEX_HOME. `huggingface` and `modelscope` are repositories, `bos` the path of an archive on
    Paddle's storage. `files` are patterns that must each match a file, `optional` ones that may; nothing else is taken.
    `size_mb` is about what it takes on disk.
    """

    name: str
    folder: str
    licence: str
    size_mb: int
    files: tuple[str, ...]
    optional: tuple[str, ...] = ()
    huggingface: str | None = None
    modelscope: str | None = None
    bos: str | None = None

    def choose(self, available: Iterable[str]) -> list[str]:
        """Those of a repository's files that are needed, sorted. A pattern's `*` stays within a folder."""
        patterns = (*self.files, *self.optional)
        return sorted(name for name in available if any(_matches(name, pattern) for pattern in patterns))

    def lacking(self, available: Iterable[str]) -> list[str]:
        """The patterns of `files` that no file matches."""
        names = list(available)
        return [pattern for pattern in self.files if not any(_matches(name, pattern) for name in names)]

    def absence(self, home: Path, locks: Mapping[str, lock.LockedWeights]) -> str | None:
        """Why these weights cannot be served from `home`, or None when at a glance they can.

        What is in the lock must be as the lock says; of anything else no more is known than that no file is missing.
        """
        if self.name in locks:
            locked = locks[self.name]
            if locked.folder != self.folder:
                return f"{lock.FILE_NAME} has {self.name} in {locked.folder}, not in {self.folder}"
            return lock.glance(home, locked)
        folder = home / self.folder
        if not folder.is_dir():
            return f"{self.folder} is missing"
        there = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        if lacking := self.lacking(there):
            return f"{self.folder}/{lacking[0]} is missing"
        return None


def _matches(name: str, pattern: str) -> bool:
    return name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)
