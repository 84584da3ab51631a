"""A folder instead of the hubs, for a build without any network: `--source-dir`.

It is laid out like PADDLEX_HOME (then its own lock says what its files must be) or like a mirror of Hugging Face, with
a folder `owner/name` for each repository.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from scripts.prefetch.errors import SourceFailed
from scripts.prefetch.source import Listing, Offer, failed, in_parallel
from server import lock
from server.weights import Weights


class Folder:
    """The only source of an air-gapped build."""

    name = "folder"
    attempts = 1

    def __init__(self, root: Path) -> None:
        self._root = root
        self._locks = lock.read(root / lock.FILE_NAME)

    def has(self, weights: Weights) -> bool:
        """Always: whether they are really there is said with the folder's name."""
        return True

    def list(self, weights: Weights, commit: str | None, staging: Path) -> Listing:
        """The files that lie there. Raises SourceFailed."""
        for name in (weights.folder, weights.huggingface, weights.modelscope):
            if name and (self._root / name).is_dir():
                break
        else:
            raise SourceFailed(
                f"{weights.name} from {self.name}: neither {weights.folder} nor {weights.huggingface} is in {self._root}",
                lasting=True,
            )
        known = self._locks.get(weights.name)
        files = {}
        for path in (self._root / name).rglob("*"):
            if path.is_file():
                relative = path.relative_to(self._root / name).as_posix()
                locked = known.files.get(relative) if known else None
                size = locked.size if locked else path.stat().st_size
                files[relative] = Offer(size, locked.sha256 if locked else None)
        return Listing(name, known.commit if known else None, files)

    def bring(self, listing: Listing, names: Sequence[str], staging: Path) -> None:
        """Copy these files. Raises SourceFailed, NoRoom."""

        def copy(name: str) -> None:
            try:
                (staging / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._root / listing.repository / name, staging / name)
            except OSError as error:
                raise failed(self.name, f"{staging.name}/{name}", error, lasting=True) from error

        in_parallel(copy, names)
