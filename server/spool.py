"""The spool: a folder on the temporary file system for what requests have in work, and nothing that must survive.

Each server process has its own, held by a lock, so that the next process can remove what a killed one left behind.
"""

import errno
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from server.errors import OutOfSpace

_PREFIX = "offline-ocr-spool-"


class Spool:
    """A folder under TMPDIR with one folder for each request. Raises OSError when nothing can be written there."""

    def __init__(self) -> None:
        fresh = Path(
            tempfile.mkdtemp(prefix=f".{_PREFIX}")
        )  # a name that no other process looks for until it is locked
        self._lock = _try_lock(fresh)
        self.root = fresh.rename(fresh.with_name(fresh.name.removeprefix(".")))
        for leftover in self.root.parent.glob(_PREFIX + "*"):
            # a link is not ours: other users write to that folder too
            if leftover != self.root and not leftover.is_symlink() and (lock := _try_lock(leftover)):
                with lock:
                    shutil.rmtree(leftover, ignore_errors=True)

    @contextmanager
    def request(self) -> Iterator[Path]:
        """A folder for one request, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.root, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)
        if self._lock:
            self._lock.close()


@contextmanager
def room() -> Iterator[None]:
    """A full disk is a matter of waiting, not a failure of the server. Raises OutOfSpace for it."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise OutOfSpace("There is no room for documents at the moment. Try again later.", retry_after=10) from error


def _try_lock(folder: Path) -> IO[bytes] | None:
    """The folder's lock, held until it is closed; None when a living process has it or it is not ours to take."""
    try:
        file = (folder / "lock").open("ab")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
