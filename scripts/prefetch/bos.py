"""Paddle's object storage (BOS), or a mirror at PADDLE_BOS_ENDPOINT: one tar archive per model, as PaddleX loads them.

The archive has no hashes of its files. It is held against its own MD5 where the storage gives one (as ETag), and its
files against the lock where there is one.
"""

import hashlib
import http.client
import os
import re
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from scripts.prefetch import progress
from scripts.prefetch.errors import NoRoom, SourceFailed
from scripts.prefetch.source import Listing, Offer, failed
from server import lock
from server.weights import Weights

_ENDPOINT = "https://paddle-model-ecology.bj.bcebos.com"
_ARCHIVE = ".archive.tar"
_TIMEOUT_S = 10
_CHUNK = 1024 * 1024
_MD5 = re.compile('"?([0-9a-f]{32})"?')


class Bos:
    """The last source."""

    name = "bos"
    attempts = 3

    def __init__(self) -> None:
        self._endpoint = os.environ.get("PADDLE_BOS_ENDPOINT", _ENDPOINT).rstrip("/")

    def has(self, weights: Weights) -> bool:
        """Whether the catalogue names an archive there."""
        return weights.bos is not None

    def list(self, weights: Weights, commit: str | None, staging: Path) -> Listing:
        """Download the archive and list it. Raises SourceFailed, NoRoom."""
        url = f"{self._endpoint}/{weights.bos}"
        what = f"{weights.name}: {url}"
        archive = staging / _ARCHIVE
        try:
            md5 = _download(url, archive)
            with tarfile.open(archive) as tar:
                files = {name: Offer(member.size) for name, member in _members(tar).items()}
        except urllib.error.HTTPError as error:
            lasting = error.code in {401, 403, 404}
            raise SourceFailed(f"{what} from {self.name}: HTTP {error.code} {error.reason}", lasting=lasting) from None
        except tarfile.TarError as error:
            archive.unlink()
            raise SourceFailed(f"{what} from {self.name}: not a tar archive ({error})") from None
        except (OSError, http.client.HTTPException) as error:
            raise failed(self.name, what, error) from error
        return Listing(url, md5, files)

    def bring(self, listing: Listing, names: Sequence[str], staging: Path) -> None:
        """Unpack these files. Raises SourceFailed, NoRoom."""
        archive = staging / _ARCHIVE
        try:
            with tarfile.open(archive) as tar:
                members = _members(tar)
                for name in names:
                    target = staging / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    content = tar.extractfile(members[name])
                    assert content is not None
                    with content, target.open("wb") as file:
                        shutil.copyfileobj(content, file, _CHUNK)
        except (tarfile.TarError, OSError) as error:
            raise failed(self.name, f"{staging.name}: {listing.repository}", error) from error
        archive.unlink()


def _members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """The regular files by their path below the archive's top folder; one that would lead elsewhere is left out."""
    found = {}
    for member in tar:
        _, _, name = member.name.removeprefix("./").partition("/")
        if member.isreg() and name and lock.is_inside(name):
            found[name] = member
    return found


def _download(url: str, target: Path) -> str | None:
    """The archive as a whole, continued where an earlier attempt ended; its MD5 if the storage gives that.

    Raises OSError (urllib's errors are some) when the transfer breaks, SourceFailed when the content is not right, NoRoom.
    """
    start = target.stat().st_size if target.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        reply = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        target.unlink()  # longer than the archive, or complete and to be verified anew
        reply = urllib.request.urlopen(url, timeout=_TIMEOUT_S)
    with reply:
        resumed = reply.status == http.HTTPStatus.PARTIAL_CONTENT
        left = int(reply.headers.get("Content-Length", 0))
        if left > (free := shutil.disk_usage(target.parent).free):
            room = f"{progress.size(left)} more are needed, {progress.size(free)} are free"
            raise NoRoom(f"{target.parent.name}: {url} from bos: no room: {room}")
        total = left + (start if resumed else 0)
        with (
            target.open("ab" if resumed else "wb") as file,
            progress.shown(f"{target.parent.name} from bos", total, lambda: target.stat().st_size),
        ):
            shutil.copyfileobj(reply, file, _CHUNK)
        md5 = _MD5.fullmatch(reply.headers.get("ETag", ""))
    if md5 is None:
        return None
    with target.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != md5[1]:
        target.unlink()
        raise SourceFailed(f"{target.parent.name}: {url} from bos: its MD5 is {found}, the storage says {md5[1]}")
    return md5[1]
