"""A worker's vLLM from outside: its processes, which hide their environment but not their group, and its own counts."""

from pathlib import Path

import httpx2

from tests.contract.running import Server


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


def vllm_metric(server: Server, name: str) -> float:
    """One of the counts of every vLLM that the server runs, summed over them and its labels."""
    sockets = list(server.tmp.glob("offline-ocr-worker-*/vllm.sock"))
    assert sockets
    return sum(metric_of(each, name) for each in sockets)


def metric_of(socket: Path, name: str) -> float:
    """One of the counts of the vLLM that listens there, summed over its labels."""
    transport = httpx2.HTTPTransport(uds=str(socket))
    with httpx2.Client(transport=transport, base_url="http://vllm", timeout=60) as client:
        lines = client.get("/metrics").text.splitlines()
    assert lines
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))
