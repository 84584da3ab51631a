"""One folder of weights: from the first source that has it whole, through a staging folder, into its place.

    listing → the lock's word on it → missing files into .staging/NAME → each verified → locked → renamed in whole

A folder in its place is whole, always: PaddleX takes any folder that exists for a complete model. Whatever is not whole
lies in staging, where the next run goes on with it.
"""

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.prefetch import progress
from scripts.prefetch.errors import NoRoom, NotFetched, SourceFailed
from scripts.prefetch.source import Listing, Offer, Source
from scripts.prefetch.verify import damages, judged, names_in
from server import lock
from server.lock import LockedWeights
from server.weights import Weights

STAGING = ".staging"
_BACK_OFF_S = 2.0  # and its square
_SPARE_BYTES = 1_000_000  # folders, and what the hubs' clients note beside the files

Say = Callable[[str], None]


class Fetcher:
    """Brings weights into one PADDLEX_HOME, whose lock it keeps. `pins` go before that lock."""

    def __init__(self, home: Path, sources: Sequence[Source], pins: lock.Lock, say: Say) -> None:
        self._home = home
        self._sources = sources
        self._pins = pins
        self._say = say
        self._locks = lock.read(home / lock.FILE_NAME)
        self._given_up: set[str] = set()  # sources that were of no use just now: asked once more, not again and again

    def fetch(self, weights: Weights) -> bool:
        """Bring these weights, unless they are there and whole; True when something had to be done.

        Raises NotFetched with the reason of every source, NoRoom.
        """
        wanted = self._pins.get(weights.name) or self._locks.get(weights.name)
        folder = self._home / weights.folder
        if wanted and wanted.folder != weights.folder:
            raise NotFetched(f"{weights.name}: {lock.FILE_NAME} has it in {wanted.folder}, not in {weights.folder}")
        if wanted and folder.is_dir():
            wrong = damages(self._home, {weights.name: wanted})
            if not wrong:
                self._record(weights, wanted)
                self._say(f"{weights.name}: nothing to do, {_summary(wanted)} there and verified")
                return False
            self._say(f"{weights.name}: {next(iter(wrong.values()))}: fetched again, what is right is kept")
            self._take_back(weights)
        reasons = []
        for source in self._sources:
            if source.has(weights):
                reason = self._ask(source, weights, wanted)
                if reason is None:
                    return True
                reasons.append(reason)
        with contextlib.suppress(OSError):  # not empty: the next run goes on with what is there
            (self._home / STAGING / weights.name).rmdir()
        raise NotFetched(f"{weights.name}: not fetched. {' | '.join(reasons)}")

    def _ask(self, source: Source, weights: Weights, wanted: LockedWeights | None) -> str | None:
        """One source, a few times: why it did not give the weights, or None when they are in their place."""
        attempts = 1 if source.name in self._given_up else source.attempts
        for attempt in range(1, attempts + 1):
            try:
                locked = self._bring(source, weights, wanted)
            except SourceFailed as error:
                reason = str(error)
                self._say(f"{reason} (attempt {attempt}{'' if error.lasting else f' of {attempts}'})")
                if error.lasting:
                    return reason
                if attempt < attempts:
                    time.sleep(_BACK_OFF_S**attempt)
            else:
                self._given_up.discard(source.name)
                at = f"@{locked.commit}" if locked.commit else ""
                self._say(f"{weights.name}: {_summary(locked)} from {source.name}, {locked.repository}{at}")
                return None
        self._given_up.add(source.name)
        return reason

    def _bring(self, source: Source, weights: Weights, wanted: LockedWeights | None) -> LockedWeights:
        staging = self._home / STAGING / weights.name
        staging.mkdir(parents=True, exist_ok=True)
        listing = source.list(weights, wanted.commit if wanted and wanted.source == source.name else None, staging)
        names = _agreed(source, weights, listing, wanted)
        offers = {name: listing.files[name] for name in names}
        if (self._home / weights.folder).is_dir():  # put there by somebody else; nothing of it is known yet
            self._take_back(weights)
        self._transfer(source, weights, listing, offers)
        files, wrong = judged(staging, offers, wanted.files if wanted else {})
        for name, reason in wrong.items():
            (staging / name).unlink()
            self._say(f"{weights.name}/{name} from {source.name}: {reason}")
        if wrong:
            name, reason = next(iter(wrong.items()))
            raise SourceFailed(f"{weights.name}/{name} from {source.name}: {reason}")
        if not wanted and any(not (offer.sha256 or offer.git_blob) for offer in offers.values()):
            self._say(
                f"{weights.name}: {source.name} lists no hashes and there is no lock: only sizes could be compared"
            )
        _tidy(staging, names)
        locked = LockedWeights(weights.folder, source.name, listing.repository, listing.commit, files)
        self._record(weights, locked)  # first: a folder in its place that no lock names would be nobody's
        (self._home / weights.folder).parent.mkdir(parents=True, exist_ok=True)
        staging.rename(self._home / weights.folder)
        return locked

    def _transfer(self, source: Source, weights: Weights, listing: Listing, offers: Mapping[str, Offer]) -> None:
        staging = self._home / STAGING / weights.name
        missing = [name for name in offers if _size(staging / name) != offers[name].size]
        partly = sum(path.stat().st_size for path in staging.rglob("*.incomplete"))
        needed = sum(offers[name].size for name in missing) - partly + _SPARE_BYTES
        free = shutil.disk_usage(self._home).free
        if missing and needed > free:
            raise NoRoom(
                f"{weights.name}/{missing[0]} from {source.name}: no room: {progress.size(needed)} more are needed "
                f"in {self._home}, {progress.size(free)} are free"
            )
        if len(missing) < len(offers):
            self._say(f"{weights.name}: {len(offers) - len(missing)} of {len(offers)} files are here from before")
        total = sum(offer.size for offer in offers.values())
        with progress.shown(f"{weights.name} from {source.name}", total, lambda: _bytes_in(staging)):
            source.bring(listing, missing, staging)

    def _take_back(self, weights: Weights) -> None:
        """Move a folder out of its place into staging; it knows more than what an earlier run left there."""
        staging = self._home / STAGING / weights.name
        shutil.rmtree(staging, ignore_errors=True)
        staging.parent.mkdir(parents=True, exist_ok=True)
        (self._home / weights.folder).rename(staging)

    def _record(self, weights: Weights, locked: LockedWeights) -> None:
        if self._locks.get(weights.name) != locked:
            self._locks[weights.name] = locked
            lock.write(self._home / lock.FILE_NAME, self._locks)


def _agreed(source: Source, weights: Weights, listing: Listing, wanted: LockedWeights | None) -> list[str]:
    """The files to take: the lock's where there is one, else the catalogue's choice.

    Raises SourceFailed when the source says beforehand that it has something else: no need to transfer gigabytes.
    """
    if wanted is None:
        names = weights.choose(listing.files)
        if lacking := weights.lacking(names):
            what = f"{weights.name}/{lacking[0]} from {source.name}"
            raise SourceFailed(f"{what}: no such file in {listing.repository}", lasting=True)
        return names
    for name, file in wanted.files.items():
        offer = listing.files.get(name)
        if offer is None:
            found = "no such file"
        elif offer.sha256 and offer.sha256 != file.sha256:
            found = f"SHA-256 {offer.sha256}"
        elif offer.size != file.size:
            found = f"{offer.size} bytes"
        else:
            continue
        raise SourceFailed(
            f"{weights.name}/{name} from {source.name}: {lock.FILE_NAME} expects {file.size} bytes with the SHA-256 "
            f"{file.sha256}, found {found} in {listing.repository}",
            lasting=True,
        )
    return sorted(wanted.files)


def _tidy(staging: Path, names: Sequence[str]) -> None:
    """Leave nothing but the weights, readable by every user: the container may run as any."""
    for name in names_in(staging) - set(names):
        (staging / name).unlink()
    for path in sorted(staging.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(0o644)
        elif any(path.iterdir()):
            path.chmod(0o755)
        else:
            path.rmdir()
    staging.chmod(0o755)


def _bytes_in(folder: Path) -> int:
    return sum(_size(folder / name) or 0 for name in names_in(folder))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _summary(locked: LockedWeights) -> str:
    return f"{len(locked.files)} files, {progress.size(sum(file.size for file in locked.files.values()))},"
