"""Results of documents that have been read before: bounded, on disk, and each caller's own."""

import hashlib
import json
import secrets
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from server import build
from server.documents import Document, FileType, Page, Verdict
from server.lock import sha256
from server.recognition import Plan

_SUFFIX = ".zip"
_LEAST_BYTES = 4096  # what the smallest file takes on a disk
_UNKNOWN = "of unknown origin"

log = structlog.get_logger("server.cache")


class ResultCache:
    """A file for each result. Every method may wait for the disk: call it in a thread."""

    def __init__(self, folder: Path, most_bytes: int, ttl_s: float, max_pixels: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._ttl_s = ttl_s
        self._max_pixels = max_pixels
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] = OrderedDict()  # the one unused longest first
        self._this_run = secrets.token_hex(8)
        if self.is_on:
            folder.mkdir(exist_ok=True)
            self._find()

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return self._most_bytes > 0

    def key(self, owner: str, document: Path, plan: Plan, numbers: Sequence[int]) -> str:
        """What makes two results the same: the caller, the bytes, the pages, the model with its options and weights, and us.

        Where the weights' origin is unknown, they count as the same until the server's end only. A SHA-256 in
        hexadecimal digits.
        """
        revision = plan.host.revision
        if revision is None or _UNKNOWN in revision:
            revision = f"{revision} {self._this_run}"
        parts = [
            *(build.version(), build.revision(), owner, sha256(document), plan.host.entry.name, plan.host.recogniser),
            *(revision, dict(plan.model_options), plan.dpi, self._max_pixels, list(numbers), plan.options.preprocess),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def get(self, key: str, figures: Path) -> Document | None:
        """The result, its figures written to the folder; None where there is none."""
        with self._lock:
            if key not in self._sizes:
                return None
            self._sizes.move_to_end(key)
        path = self._path(key)
        try:
            if time.time() - path.stat().st_mtime > self._ttl_s:
                return None
            return _read(path, figures)
        except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            log.warning("a cached result cannot be read", reason=repr(error))
            return None

    def put(self, key: str, document: Document) -> None:
        """Keep a result, unless a page of it failed: another time may do better. A full disk is no reason to fail."""
        if any(page.verdict is Verdict.FAILED for page in document.pages):
            return
        path = self._path(key)
        half = path.with_name(f".{key}-{secrets.token_hex(4)}")
        try:
            _write(half, document)
            size = max(half.stat().st_size, _LEAST_BYTES)
            if size <= self._most_bytes:
                self._make_room(key, size)
                half.rename(path)
                with self._lock:
                    self._sizes[key] = size
        except OSError as error:
            log.warning("a result could not be cached", reason=error.strerror)
        finally:
            half.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what is older than its time; returns how many results."""
        with self._lock:
            keys = list(self._sizes)
        gone = 0
        for key in keys:
            try:
                is_old = time.time() - self._path(key).stat().st_mtime > self._ttl_s
            except OSError:
                is_old = True
            if is_old:
                self._remove(key)
                gone += 1
        return gone

    def _make_room(self, key: str, size: int) -> None:
        gone = []
        with self._lock:
            self._sizes.pop(key, None)  # what is there already is replaced
            taken = sum(self._sizes.values()) + size
            while self._sizes and taken > self._most_bytes:
                oldest, its_size = self._sizes.popitem(last=False)
                taken -= its_size
                gone.append(oldest)
        for oldest in gone:
            self._path(oldest).unlink(missing_ok=True)

    def _remove(self, key: str) -> None:
        with self._lock:
            self._sizes.pop(key, None)
        self._path(key).unlink(missing_ok=True)

    def _find(self) -> None:
        for half in self._folder.glob(".*"):
            half.unlink(missing_ok=True)
        found = [(path.stat(), path) for path in self._folder.glob(f"*{_SUFFIX}")]
        for status, path in sorted(found, key=lambda pair: pair[0].st_mtime):
            self._sizes[path.stem] = max(status.st_size, _LEAST_BYTES)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"


def _write(path: Path, document: Document) -> None:
    pages: list[dict[str, Any]] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for page in document.pages:
            names = {}
            for count, (name, figure) in enumerate((page.images or {}).items()):
                names[name] = f"{page.number}-{count}"
                target.write(figure, names[name], zipfile.ZIP_STORED)
            pages.append({**page.to_wire(), "images": names})
        whole = {"file_type": document.file_type, "total_pages": document.total_pages, "pages": pages}
        target.writestr("document.json", json.dumps(whole))


def _read(path: Path, figures: Path) -> Document:
    with zipfile.ZipFile(path) as source:
        whole = json.loads(source.read("document.json"))
        for wire in whole["pages"]:
            wire["images"] = {name: source.extract(entry, figures) for name, entry in wire["images"].items()}
    pages = tuple(map(Page.from_wire, whole["pages"]))
    return Document(FileType(whole["file_type"]), whole["total_pages"], pages)
