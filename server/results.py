"""Saved results: named, kept apart for each caller, listed, served, and gone after their time."""

import re
import secrets
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.errors import NotFound

KINDS = {
    "markdown": (".md", "text/markdown; charset=utf-8"),
    "json": (".json", "application/json"),
    "text": (".txt", "text/plain; charset=utf-8"),
    "html": (".html", "text/html; charset=utf-8"),
    "csv": (".csv", "text/csv; charset=utf-8"),
    "xlsx": (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "zip": (".zip", "application/zip"),
}
"""Kind of file, as in `/files/{type}/{name}`: its suffix and its media type."""

_NAME = re.compile(r"\d{8}_\d{6}_[\w.-]{1,100}_[0-9a-f]{8}\.[a-z]{2,4}")
_STEM_BYTES = 200  # of the 255 that a file system takes; the time, the random part and the suffix need 36


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved file; `size` in bytes, `created` in seconds since the epoch."""

    kind: str
    name: str
    path: Path
    size: int
    created: float


class ResultStore:
    """The folder of saved results: `root/owner/kind/name`, each kept `ttl_s` seconds."""

    def __init__(self, root: Path, ttl_s: int) -> None:
        self._root = root
        self.ttl_s = ttl_s

    def save(self, owner: str, filename: str | None, contents: Mapping[str, bytes]) -> dict[str, str]:
        """Write one result's files, by kind, under one new name. Returns each kind's address. Raises OSError."""
        stem = new_stem(filename)
        addresses: dict[str, str] = {}
        for kind, content in contents.items():
            folder = self._root / owner / kind
            folder.mkdir(parents=True, exist_ok=True)
            name = stem + KINDS[kind][0]
            half = folder / f".{name}.part"
            try:
                half.write_bytes(content)
                half.rename(folder / name)
            except OSError:  # the disk is full, most likely: leave nothing that is only a part of the result
                half.unlink(missing_ok=True)
                for saved_kind, address in addresses.items():
                    (self._root / owner / saved_kind / Path(address).name).unlink(missing_ok=True)
                raise
            addresses[kind] = f"/files/{kind}/{name}"
        return addresses

    def find(self, owner: str, kind: str, name: str) -> Saved:
        """A saved file of this owner. Raises NotFound, also for one whose time is over."""
        if kind in KINDS and _NAME.fullmatch(name):
            path = self._root / owner / kind / name
            if (saved := self._saved(path)) and not self._expired(saved):
                return saved
        raise NotFound("There is no such file; it may have expired. GET /files lists those that there are.")

    def all(self, owner: str) -> list[Saved]:
        """This owner's files, newest first."""
        found = [self._saved(path) for path in (self._root / owner).glob("*/*")]
        return sorted(
            (saved for saved in found if saved and not self._expired(saved)),
            key=lambda saved: saved.created,
            reverse=True,
        )

    def sweep(self) -> int:
        """Delete what is expired, of all owners; returns how many files."""
        gone = 0
        for path in self._root.glob("*/*/*"):
            saved = self._saved(path, halves=True)
            if saved and self._expired(saved):
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _expired(self, saved: Saved) -> bool:
        return time.time() - saved.created > self.ttl_s

    def _saved(self, path: Path, *, halves: bool = False) -> Saved | None:
        if path.name.startswith(".") and not halves:
            return None
        try:
            status = path.stat()
        except OSError:
            return None
        return Saved(path.parent.name, path.name, path, status.st_size, status.st_mtime)


def new_stem(filename: str | None) -> str:
    """A name for a result's files, without their suffixes, that no other result has."""
    return f"{datetime.now(UTC):%Y%m%d_%H%M%S}_{safe_stem(filename)}_{secrets.token_hex(4)}"


def safe_stem(filename: str | None) -> str:
    """A part of a file name that is safe on every file system: letters and digits of any script, `-`, `_`; 60 at most.

    Bounded in bytes as well: file systems allow 255 for the whole name.
    """
    stem = Path(unicodedata.normalize("NFC", filename or "")).stem
    stem = re.sub(r"[^\w-]+", "_", stem).strip("_")
    stem = stem[:60].encode()[:_STEM_BYTES].decode(errors="ignore")
    return stem.strip("_") or "document"
