"""Prove that the image this runs in is whole and needs no network: `make verify-offline TARGET=…`.

It holds every file against what was written down at the build, starts the server where every attempt to reach anything is
counted, loads each model, has it read a page whose text is known, opens the web pages, and looks for files written outside
/tmp. The report goes to stderr for people, and to stdout as JSON.

Exit codes: 0 all of it holds; 1 something does not, and the report names it; 2 it cannot be told here, and why.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.prefetch.progress import size  # noqa: E402
from scripts.verify import files, known, network, writes  # noqa: E402
from scripts.verify.service import Service, ServiceError  # noqa: E402
from server import build, catalog, lock  # noqa: E402
from server.lock import LockedWeights, LockError  # noqa: E402

_LOG = Path("/tmp/verify-offline.log")
_PAGES = ("/docs", "/redoc", "/")
_STRAGGLERS_S = 3.0
_TAP_S = 0.1  # packets are read a little later than they are counted


def main() -> int:
    """Verify, report."""
    parser = argparse.ArgumentParser(prog="verify_offline.py", description=__doc__.partition("\n")[0])
    stored = ROOT / "known_texts.json"
    parser.add_argument("--known", type=Path, default=stored, metavar="FILE", help="texts stored for certain weights")
    given = parser.parse_args()
    if not files.SEALS.is_dir():
        _say(f"cannot be verified: this is no image of offline-ocr, {files.SEALS} is not there")
        return 2
    try:
        report = Verification(network.closed(), given.known).run()
    except (network.CannotCountError, LockError, OSError, ValueError) as error:
        _say(f"cannot be verified: {error}")
        return 2
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 0 if report["passed"] else 1


class Verification:
    """One run; `report` grows with it."""

    def __init__(self, net: network.Network, stored: Path) -> None:
        self._net = net
        self._stored = stored
        self._home = Path(os.environ["PADDLEX_HOME"])
        self._catalog = catalog.read(self._home)
        self._names = [name.strip() for name in os.environ["MODELS"].split(",") if name.strip()]
        if not self._names or set(self._names) - self._catalog.keys():
            raise ValueError(f"MODELS names no model, or one that is not known: {os.environ['MODELS']!r}")
        self._problems: list[str] = []
        self.report: dict[str, Any] = {"version": build.version(), "revision": build.revision(), "models": {}}

    def run(self) -> dict[str, Any]:
        """Everything, in order; what fails is noted, and the rest goes on."""
        _say(f"offline-ocr {build.version()} ({build.revision()[:12]}): {', '.join(self._names)}")
        self._check_files()
        self._prove_counter()
        before = writes.snapshot()
        with Service(_LOG) as service:
            try:
                self._serve(service)
            except ServiceError as error:
                self._wrong(f"server: {error}\n{service.last_words()}")
        self._note_attempts("after that")
        self.report["writes"] = writes.between(before, writes.snapshot())
        for written in self.report["writes"]:
            self._wrong(f"written outside /tmp: {written}")
        if not self.report["writes"]:
            _say("nothing was written outside /tmp")
        self.report |= {"problems": self._problems, "passed": not self._problems}
        _say("PASSED" if not self._problems else f"FAILED: {len(self._problems)} problems")
        return self.report

    def _check_files(self) -> None:
        needed = [weights.name for name in self._names for weights in self._catalog[name].weights]
        found = files.check(self._home, needed)
        for wrong in found.wrong:
            self._wrong(wrong)
        self.report["files"] = {"weights": found.weights, "others": found.sealed, "bytes": found.bytes}
        if not found.wrong:
            _say(f"{found.weights} files of weights and {found.sealed} others are what was built ({size(found.bytes)})")

    def _prove_counter(self) -> None:
        counted = network.prove(self._net)
        _say(f"in {self._net.kind}: connections and a look-up, tried on purpose, were counted ({counted})")
        time.sleep(_TAP_S)
        self._net.seen.clear()
        self._counted = self._net.attempts()
        self.report["network"] = {"kind": self._net.kind, "deliberate": counted, "attempts": 0, "seen": []}

    def _serve(self, service: Service) -> None:
        times = self.report["times"] = {}
        with self._watched("at its start"):
            times["live_s"] = round(service.live(), 2)
            times["ready_s"] = round(service.ready(), 2)
        _say(f"live after {times['live_s']} s, ready after {times['ready_s']} s")
        locks = lock.read(self._home / lock.FILE_NAME)
        for number, name in enumerate(self._names):
            with self._watched(f"while {name} was loaded and read a page"):
                self._try_model(
                    service, name, [locks[each.name] for each in self._catalog[name].weights if each.name in locks]
                )
            if number == 0:
                times["first_page_s"] = round(time.monotonic() - service.started, 2)
                _say(f"first page read after {times['first_page_s']} s")
        for address in _PAGES:
            with self._watched(f"while {address} was open"):
                _say(f"{address} opened, {service.open(address)} files")
        with self._watched("while nothing was asked, and at its end"):
            time.sleep(_STRAGGLERS_S)
            if code := service.end():
                self._wrong(f"server: exit code {code} after SIGTERM")
        if not self.report["network"]["attempts"]:
            _say("not one packet or look-up was tried")

    def _try_model(self, service: Service, name: str, weights: Sequence[LockedWeights]) -> None:
        row: dict[str, Any] = {"passed": False}
        self.report["models"][name] = row
        started = time.monotonic()
        try:
            service.load(name)
            row["load_s"] = round(time.monotonic() - started, 2)
            expected = known.expected(name, weights, self._stored)
            started = time.monotonic()
            text = service.read(name, known.PAGE, expected.options)
            row["page_s"] = round(time.monotonic() - started, 2)
            row["passed"], row["text"] = expected.judged(text)
            service.unload(name)
        except ServiceError as error:
            row["text"] = str(error)
        line = f"{name}: {row['text']}" + (
            f" (loaded in {row['load_s']} s, read in {row['page_s']} s)" if "page_s" in row else ""
        )
        if row["passed"]:
            _say(line)
        else:
            self._wrong(line)

    @contextmanager
    def _watched(self, phase: str) -> Iterator[None]:
        """Note what was tried over the network meanwhile."""
        try:
            yield
        finally:
            self._note_attempts(phase)

    def _note_attempts(self, phase: str) -> None:
        """What was tried since the last time."""
        if count := self._net.attempts() - self._counted:
            time.sleep(_TAP_S)
            what = sorted(set(self._net.seen))
            self._net.seen.clear()
            self._counted += count
            self.report["network"]["attempts"] += count
            self.report["network"]["seen"].append({"when": phase, "packets": count, "what": what})
            self._wrong(f"{count} packets were tried {phase}: {', '.join(what) or 'what, cannot be told here'}")

    def _wrong(self, text: str) -> None:
        self._problems.append(text)
        _say(f"WRONG  {text}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
