"""Files held against what is known of them: the source's listing, the lock, and what their own content says."""

from collections.abc import Mapping
from pathlib import Path

from scripts.prefetch import content, progress
from scripts.prefetch.hashing import Meter, side_by_side
from scripts.prefetch.source import Offer
from server import lock
from server.lock import LockedFile, LockedWeights


def damages(home: Path, locks: Mapping[str, LockedWeights]) -> dict[str, str]:
    """What is wrong with locked folders, by `NAME/file`: missing, unlisted or different files. Every byte is read."""
    wrong: dict[str, str] = {}
    whole: list[tuple[tuple[str, str], int]] = []
    for weights, locked in locks.items():
        folder = home / locked.folder
        for name, file in locked.files.items():
            path = folder / name
            if not path.is_file():
                wrong[f"{weights}/{name}"] = f"{path} is missing"
            elif (found := path.stat().st_size) != file.size:
                wrong[f"{weights}/{name}"] = f"{path} has {found} bytes, not {file.size}"
            else:
                whole.append(((weights, name), file.size))
        for name in sorted(names_in(folder) - locked.files.keys()):
            wrong[f"{weights}/{name}"] = f"{folder / name} is not in {lock.FILE_NAME}"
    meter = Meter()

    def check(item: tuple[str, str]) -> str | None:
        weights, name = item
        path, expected = home / locks[weights].folder / name, locks[weights].files[name].sha256
        try:
            found = meter.sha256(path)
        except OSError as error:
            return f"{path} cannot be read: {error.strerror}"
        return None if found == expected else f"{path}: SHA-256 expected {expected}, found {found}"

    with progress.shown("verifying", sum(size for _, size in whole), lambda: meter.bytes):
        for (weights, name), reason in side_by_side(check, whole).items():
            if reason:
                wrong[f"{weights}/{name}"] = reason
    return wrong


def judged(
    folder: Path, offers: Mapping[str, Offer], locked: Mapping[str, LockedFile]
) -> tuple[dict[str, LockedFile], dict[str, str]]:
    """What each file is by its bytes, and why some are not what the source or the lock says. Raises OSError."""
    meter = Meter()

    def judge(name: str) -> tuple[LockedFile, str | None]:
        path, offer = folder / name, offers[name]
        file = LockedFile(path.stat().st_size, meter.sha256(path))
        return file, _complaint(path, file, offer, locked.get(name), meter)

    sizes = [(name, offer.size) for name, offer in offers.items()]
    with progress.shown(f"verifying {folder.name}", sum(size for _, size in sizes), lambda: meter.bytes):
        results = side_by_side(judge, sizes)
    files = {name: results[name][0] for name in offers}
    return files, {name: reason for name, (_, reason) in results.items() if reason}


def _complaint(path: Path, file: LockedFile, offer: Offer, locked: LockedFile | None, meter: Meter) -> str | None:
    if reason := content.problem(path):
        return reason
    if file.size != offer.size:
        return f"has {file.size} bytes, {offer.size} are listed"
    if offer.sha256 and file.sha256 != offer.sha256:
        return f"has the SHA-256 {file.sha256}, {offer.sha256} is listed"
    if offer.git_blob and (blob := meter.git_blob(path)) != offer.git_blob:
        return f"has the git blob id {blob}, {offer.git_blob} is listed"
    if locked and file != locked:
        return f"is not what {lock.FILE_NAME} names: SHA-256 expected {locked.sha256}, found {file.sha256}"
    return None


def names_in(folder: Path) -> set[str]:
    """All files below the folder, as relative paths; none when it is not there."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
