"""What has been written to the container's file system, apart from /tmp and what the kernel makes up.

Shared memory, /dev/shm, is no place for files: what came and went there does not count, what stayed does.
"""

import os
from pathlib import Path

_ROOT = Path("/")
_SHARED_MEMORY = Path("/dev/shm")
_PASSED_OVER = {Path("/tmp"), Path("/proc"), Path("/sys"), Path("/dev/pts"), Path("/dev/mqueue")}

Snapshot = dict[Path, tuple[int, int]]
"""Path → when its content changed, in nanoseconds, and its size in bytes."""


def snapshot() -> Snapshot:
    """Every file and folder."""
    found: Snapshot = {}
    for folder, folders, files in os.walk(_ROOT):
        folders[:] = [name for name in folders if Path(folder, name) not in _PASSED_OVER]
        for path in (Path(folder, name) for name in (*folders, *files)):
            try:
                state = path.lstat()
            except OSError:
                continue  # gone meanwhile, or not ours to see
            if path != _SHARED_MEMORY and not path.is_char_device():
                found[path] = (state.st_mtime_ns, state.st_size)
    return found


def between(before: Snapshot, after: Snapshot) -> list[str]:
    """What was made, changed or removed, in words."""
    made = [f"{path} was made" for path in after.keys() - before.keys()]
    gone = [f"{path} was removed" for path in before.keys() - after.keys()]
    changed = [f"{path} was written to" for path in before.keys() & after.keys() if before[path] != after[path]]
    return sorted(made + gone + changed)
