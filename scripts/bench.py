"""`make bench`: pages per second of the server against a plain loop over RapidOCR with its default settings.

Same pages, same machine, same run: the loop, one client and eight clients take turns, so that a machine whose speed
drifts slows all of them. What counts is the ratio; the text is held against what was written on the pages.
"""

import argparse
import io
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx2
import numpy as np
from PIL import Image

from scripts.bench_pages import BenchPage, make_pages
from scripts.local_server import running

_CLIENTS = (1, 8)


def main() -> int:
    """Run the rounds and print the table; JSON with --json."""
    arguments = argparse.ArgumentParser(prog="make bench", description="Measure the server against a plain loop.")
    arguments.add_argument("--rounds", type=int, default=3, help="how often each takes its turn")
    arguments.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    pages = make_pages()
    if given.loop:
        return _loop(pages)

    seconds: dict[str, list[float]] = {}
    texts: dict[str, list[str]] = {}
    loop = subprocess.Popen(
        [sys.executable, "-m", "scripts.bench", "--loop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with running({"CACHE_MB": "0"}) as client, loop:
        assert loop.stdin
        assert loop.stdout
        loop.stdout.readline()  # loaded and warm
        _send_all(client, pages[:2], 1)
        for number in range(given.rounds):
            _say(f"round {number + 1} of {given.rounds}: the loop")
            loop.stdin.write("go\n")
            loop.stdin.flush()
            answer = json.loads(loop.stdout.readline())
            seconds.setdefault("loop", []).append(answer["seconds"])
            texts["loop"] = answer["texts"]
            for clients in _CLIENTS:
                _say(f"round {number + 1} of {given.rounds}: the server, clients: {clients}")
                name = f"server, {clients} client{'s' if clients > 1 else ''}"
                # eight clients need enough pages that none of them runs dry early
                taken, texts[name] = _send_all(client, list(pages) * (3 if clients > 1 else 1), clients)
                seconds.setdefault(name, []).append(taken / (3 if clients > 1 else 1))
        loop.stdin.close()
    _report(pages, seconds, texts)
    return 0


def _loop(pages: Sequence[BenchPage]) -> int:
    """The peer, in a process of its own: for each line on stdin read all pages, and print seconds and texts."""
    from rapidocr import RapidOCR  # noqa: PLC0415 only this process is to load it

    images = [np.asarray(Image.open(io.BytesIO(page.png)))[:, :, ::-1] for page in pages]
    engine = RapidOCR(params={"Global.log_level": "critical"})
    engine(images[0])
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        texts = [" ".join(engine(image).txts or ()) for image in images]
        print(json.dumps({"seconds": time.perf_counter() - started, "texts": texts}), flush=True)
    return 0


def _send_all(client: httpx2.Client, pages: Sequence[BenchPage], clients: int) -> tuple[float, list[str]]:
    """Send every page as an image, so many at once; returns the seconds taken and the texts."""

    def send(page: BenchPage) -> str:
        reply = client.post("/ocr", files={"file": ("page.png", page.png, "image/png")})
        reply.raise_for_status()
        text: str = reply.json()["text"]
        return text

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        texts = list(threads.map(send, pages))
    return time.perf_counter() - started, texts[-len(pages) :]


def _right(page: BenchPage, text: str) -> float:
    """The share of words that are right, wherever they stand: F1 of the two bags of words."""
    truth, found = Counter(page.words), Counter(text.split())
    return 2 * (truth & found).total() / max(1, truth.total() + found.total())


def _report(pages: Sequence[BenchPage], seconds: dict[str, list[float]], texts: dict[str, list[str]]) -> None:
    kinds = sorted({page.kind for page in pages})
    print(f"{'':20}{'pages/s':>9}{'ratio':>8}{'words right':>13}  " + "".join(f"{kind:>9}" for kind in kinds))
    for name, taken in seconds.items():
        ratio = statistics.median(base / own for base, own in zip(seconds["loop"], taken, strict=True))
        right = {page.kind: [] for page in pages}  # type: dict[str, list[float]]
        for page, text in zip(pages, texts[name], strict=False):
            right[page.kind].append(_right(page, text))
        everything = statistics.mean(value for values in right.values() for value in values)
        row = "".join(f"{statistics.mean(right[kind]):9.2%}" for kind in kinds)
        print(f"{name:20}{len(pages) / statistics.median(taken):9.2f}{ratio:8.2f}{everything:13.2%}  {row}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
