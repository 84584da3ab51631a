"""A small file system of its own, which a test can fill. Needs root."""

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest


class Disk:
    """So many MiB in memory, mounted at a short path; where that is not permitted the test is skipped."""

    def __init__(self, size_mb: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="oo-disk-"))  # short: the path of a Unix socket has to fit
        self._filler = self.folder / "filler"
        options = f"size={size_mb}m"
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            self.folder.rmdir()
            pytest.skip(f"no small file system can be mounted here: {made.stderr.strip()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)
        self.folder.rmdir()

    @property
    def free(self) -> int:
        """Bytes."""
        there = os.statvfs(self.folder)
        return there.f_bavail * there.f_frsize

    def fill(self, but: int = 0) -> None:
        """Leave no byte, or so many, free."""
        with self._filler.open("ab", buffering=0) as file:
            while (left := self.free - but) > 0:
                try:
                    file.write(bytes(min(left, 1 << 20)))
                except OSError:  # somebody else was faster
                    continue

    def empty(self) -> None:
        """Take the filling away."""
        self._filler.unlink()
