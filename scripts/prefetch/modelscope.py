"""ModelScope, or the server at MODELSCOPE_ENDPOINT, through its own client."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from scripts.prefetch.errors import SourceFailed
from scripts.prefetch.source import Listing, Offer, failed, in_parallel
from server.weights import Weights

_BRANCH = "master"
_SETTINGS = {
    "TQDM_DISABLE": "1",  # one progress bar is enough: ours
    "MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "1",  # our attempts come on top
    "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "1",
    "MODELSCOPE_DOWNLOAD_TIMEOUT": "15",
    "MODELSCOPE_DOWNLOAD_INTRA_CLOUD": "0",  # no look for a nearer copy in its cloud
}


class ModelScope:
    """The second source."""

    name = "modelscope"
    attempts = 3

    def __init__(self) -> None:
        for variable, value in _SETTINGS.items():
            os.environ.setdefault(variable, value)  # read by the client when it is imported
        import modelscope_hub  # noqa: PLC0415 `check` and `list` do without

        logging.getLogger("modelscope_hub").setLevel(logging.ERROR)  # its retries; what comes of them is said by us
        self._hub = modelscope_hub
        self._api = modelscope_hub.HubApi(token="")  # all repositories are public; "": nor one left in the home folder

    def has(self, weights: Weights) -> bool:
        """Whether the catalogue names a repository there."""
        return weights.modelscope is not None

    def list(self, weights: Weights, commit: str | None, staging: Path) -> Listing:
        """The branch's files. `commit` is another hub's as a rule: the lock's hashes decide. Raises SourceFailed."""
        assert weights.modelscope is not None
        try:
            found = self._api.legacy.list_repo_files(weights.modelscope, "model", _BRANCH)
            blobs = [each for each in found if each.get("Type") != "tree"]
            files = {each["Path"]: Offer(int(each["Size"]), each.get("Sha256") or None) for each in blobs}
        except Exception as error:
            raise self._failed(f"{weights.name}: {weights.modelscope}@{_BRANCH}", error) from error
        # a file's revision is the commit that wrote it; the branch stands at the newest of them
        newest = max(blobs, key=lambda each: each.get("CommittedDate") or 0, default={})
        return Listing(weights.modelscope, newest.get("Revision") or None, files)

    def bring(self, listing: Listing, names: Sequence[str], staging: Path) -> None:
        """Download these files; a part that lies there from before is continued. Raises SourceFailed, NoRoom."""

        def download(name: str) -> None:
            try:
                self._api.download_file(
                    listing.repository,
                    "model",
                    name,
                    revision=_BRANCH,
                    local_dir=staging,
                    file_size=listing.files[name].size,
                )
            except Exception as error:
                raise self._failed(f"{staging.name}/{name}", error) from error

        in_parallel(download, names)

    def _failed(self, what: str, error: Exception) -> SourceFailed:
        errors = self._hub.errors
        if isinstance(error, (errors.AuthenticationError, errors.PermissionDeniedError)):
            return SourceFailed(f"{what} from {self.name}: access refused", lasting=True)
        if isinstance(error, (errors.NotExistError, errors.NotFoundError)):
            return SourceFailed(f"{what} from {self.name}: not found", lasting=True)
        return failed(self.name, what, error)
