"""The processes of a worker: vLLM's change their titles and hide their environment, but not their process group."""

from pathlib import Path


def group(leader: int) -> dict[int, str]:
    """Titles of all processes, by pid, of the group that the worker with this pid leads, or has led."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, number = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(number) == leader and state != "Z":
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def titled(leader: int, part: str) -> int:
    """The one process of the group that has this in its title."""
    [pid] = [pid for pid, title in group(leader).items() if part in title]
    return pid
