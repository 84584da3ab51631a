"""`tesseract`: the system's Tesseract 5, for scripts that pp-ocr cannot read, Cyrillic above all.

Its TSV output is described in Tesseract's manual page and in "Command Line Usage" of its documentation.
"""

import csv
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median

from server.documents import Page
from server.engines.base import Loading, Options, PageInput
from server.engines.orientation import View
from server.engines.reading import finish, open_page, write_image
from server.errors import BadOption
from server.layout.lines import Line

_DOUBTFUL = 0.6  # mean score below which the page may lie on its side or upside down
_CELL_GAP = 1.5  # a gap this many line heights wide parts two cells, not two words
_TURNS = {90: 1, 180: 2, 270: 3}  # degrees clockwise that Tesseract advises → quarter turns


class TesseractEngine:
    """One program run for each page; `concurrency` of them at once, each on one processor."""

    batches = False
    withdraws = False

    def __init__(self) -> None:
        self.concurrency = len(os.sched_getaffinity(0))

    def load(self, loading: Loading) -> None:
        """Look at what is installed. Raises FileNotFoundError without Tesseract."""
        self._languages = set(_run("--list-langs").splitlines()[1:])

    def recognise(self, pages: Sequence[PageInput], options: Options) -> list[Page]:
        """Read the pages; `options` holds `lang`. Raises BadOption for a language that is not installed."""
        missing = set(options["lang"].split("+")) - self._languages
        if missing:
            known = ", ".join(sorted(self._languages - {"osd"}))
            raise BadOption(f"lang: {', '.join(sorted(missing))} is not installed; there are {known}.")
        return [self._recognise(page, options["lang"]) for page in pages]

    def close(self) -> None:
        """Nothing is held between pages."""

    def _recognise(self, page: PageInput, lang: str) -> Page:
        started = time.perf_counter()
        view = View.of(open_page(page))
        lines = _read(page.path, lang)
        if (_mean_score(lines) < _DOUBTFUL or _stand(lines)) and (quarters := _turn(page.path)):
            turned = view.turned(quarters)
            path = page.path.with_name(f"{page.path.stem}_upright.ppm")
            write_image(path, turned.image)
            turned_lines = _read(path, lang)
            path.unlink()
            if _stand(lines) or _mean_score(turned_lines) > _mean_score(lines):
                view, lines = turned, turned_lines
        return finish(page, view, lines, started)


def _run(*arguments: str) -> str:
    # killed with its parent, which the server may end at any time; one thread, because pages run side by side
    command = ("setpriv", "--pdeathsig", "KILL", "tesseract", *arguments)
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"tesseract: {done.stderr.strip()[-300:] or f'exit code {done.returncode}'}")
    return done.stdout


def _read(path: Path, lang: str) -> list[Line]:
    table = _run(str(path), "-", "-l", lang, "--dpi", "200", "tsv")
    rows = csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if row["level"] == "5" and row["text"].strip()]
    by_line = groupby(words, lambda row: (row["block_num"], row["par_num"], row["line_num"]))
    return [line for _, row in by_line for line in _runs(list(row))]


def _runs(words: Sequence[dict[str, str]]) -> Iterator[Line]:
    """A line of Tesseract's may cross the cells of a table: cut it where a gap is far wider than between words."""
    widest = _CELL_GAP * median(int(word["height"]) for word in words)
    start = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or _gap(words[index - 1], words[index]) > widest:
            yield _line(words[start:index])
            start = index


def _gap(left: dict[str, str], right: dict[str, str]) -> int:
    return int(right["left"]) - int(left["left"]) - int(left["width"])


def _line(words: Sequence[dict[str, str]]) -> Line:
    return Line(
        text=" ".join(word["text"] for word in words),
        x0=min(int(word["left"]) for word in words),
        y0=min(int(word["top"]) for word in words),
        x1=max(int(word["left"]) + int(word["width"]) for word in words),
        y1=max(int(word["top"]) + int(word["height"]) for word in words),
        score=sum(float(word["conf"]) * len(word["text"]) for word in words)
        / sum(len(word["text"]) for word in words)
        / 100,
    )


def _mean_score(lines: Iterable[Line]) -> float:
    weighted = [(line.score * len(line.text), len(line.text)) for line in lines]
    return sum(score for score, _ in weighted) / max(1, sum(length for _, length in weighted))


def _stand(lines: Sequence[Line]) -> bool:
    """Whether most of the text runs up or down the page: Tesseract reads such lines too, but not in a page's order."""
    return (
        sum(len(line.text) for line in lines if line.height > 2 * line.width)
        > sum(len(line.text) for line in lines) / 2
    )


def _turn(path: Path) -> int:
    """Quarter turns clockwise that Tesseract's orientation detection advises; 0 where it cannot tell."""
    try:
        report = _run(str(path), "-", "--psm", "0", "--dpi", "200")
    except RuntimeError:  # "Too few characters": nothing to go by
        return 0
    fields = dict(line.split(": ", 1) for line in report.splitlines() if ": " in line)
    return _TURNS.get(int(fields.get("Rotate", "0")), 0)
