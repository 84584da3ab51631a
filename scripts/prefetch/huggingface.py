"""Hugging Face, or a mirror of it at HF_ENDPOINT, through huggingface_hub.

Its client compares sizes, not content: every file is hashed by us afterwards. Plain HTTP, not Xet: what was brought by an
interrupted run can be continued.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.prefetch.errors import PrefetchError, SourceFailed
from scripts.prefetch.source import Listing, Offer, failed, in_parallel
from server.weights import Weights

if TYPE_CHECKING:
    from huggingface_hub.hf_api import BlobLfsInfo

_TOKEN_FILE = Path("/run/secrets/hf_token")
_HINT = "set HF_TOKEN, or HF_TOKEN_PATH to a file that holds it, to a token whose account may read this repository"


class HuggingFace:
    """The first source."""

    name = "huggingface"
    attempts = 3

    def __init__(self) -> None:
        # read by the client when it is imported
        for variable in ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS"):
            os.environ.setdefault(variable, "1")
        os.environ.setdefault("HF_HUB_VERBOSITY", "error")
        import huggingface_hub  # noqa: PLC0415 `check` and `list` do without

        self._hub = huggingface_hub
        self._token: str | bool = token() or False  # False: nor one that somebody left in the home folder

    def has(self, weights: Weights) -> bool:
        """Whether the catalogue names a repository there."""
        return weights.huggingface is not None

    def list(self, weights: Weights, commit: str | None, staging: Path) -> Listing:
        """The repository's files at the commit, or at the newest one. Raises SourceFailed."""
        assert weights.huggingface is not None
        what = f"{weights.name}: {weights.huggingface}@{commit or 'main'}"
        api = self._hub.HfApi(token=self._token)
        try:
            info = api.model_info(weights.huggingface, revision=commit or "main", files_metadata=True, timeout=10)
            found = info.siblings or []
            if any(each.size is None for each in found):  # a mirror that leaves sizes out here may have them there
                tree = api.list_repo_tree(weights.huggingface, recursive=True, revision=info.sha)
                entries = [each for each in tree if isinstance(each, self._hub.RepoFile)]
                files = {each.path: _offer(each.size, each.blob_id, each.lfs) for each in entries}
            else:
                files = {each.rfilename: _offer(each.size or 0, each.blob_id, each.lfs) for each in found}
        except Exception as error:
            raise self._failed(what, error) from error
        return Listing(weights.huggingface, info.sha, files)

    def bring(self, listing: Listing, names: Sequence[str], staging: Path) -> None:
        """Download these files; a part that lies there from before is continued. Raises SourceFailed, NoRoom."""
        from huggingface_hub.file_download import http_get  # noqa: PLC0415

        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}

        def download(name: str) -> None:
            offer = listing.files[name]
            # not hf_hub_download: since 2.4 it throws away what an interrupted run had brought
            part = (staging / name).with_name(f"{Path(name).name}.{offer.sha256 or offer.git_blob}.incomplete")
            part.parent.mkdir(parents=True, exist_ok=True)
            url = self._hub.hf_hub_url(listing.repository, name, revision=listing.commit)
            try:
                with part.open("ab") as file:
                    if file.tell() > offer.size:
                        file.truncate(0)
                    http_get(
                        url,
                        file,
                        resume_size=file.tell(),
                        headers=headers,
                        expected_size=offer.size,
                        _nb_retries=1,  # our attempts come on top
                    )
                part.rename(staging / name)
            except Exception as error:
                raise self._failed(f"{staging.name}/{name}", error) from error

        in_parallel(download, names)

    def _failed(self, what: str, error: BaseException) -> SourceFailed:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        if status in {401, 403} or isinstance(error, self._hub.errors.GatedRepoError):
            return SourceFailed(
                f"{what} from {self.name}: HTTP {status}, access refused, or no such repository; {_HINT}", lasting=True
            )
        missing = (
            self._hub.errors.RepositoryNotFoundError,
            self._hub.errors.RevisionNotFoundError,
            self._hub.errors.EntryNotFoundError,
        )
        if isinstance(error, missing) or status == 404:
            kind = type(error).__name__.removesuffix("Error")
            return SourceFailed(f"{what} from {self.name}: HTTP {status or 404}, not found ({kind})", lasting=True)
        return failed(self.name, what, error)


def _offer(size: int, blob_id: str | None, lfs: "BlobLfsInfo | None") -> Offer:
    return Offer(size, lfs.sha256, None) if lfs else Offer(size, None, blob_id)


def token() -> str | None:
    """The hub's token from HF_TOKEN, from the file that HF_TOKEN_PATH names, or from a build secret's usual place.

    Raises PrefetchError when HF_TOKEN_PATH names no file.
    """
    if value := os.environ.get("HF_TOKEN", "").strip():
        return value
    named = os.environ.get("HF_TOKEN_PATH")
    file = Path(named) if named else _TOKEN_FILE
    try:
        return file.read_text("utf-8").strip() or None
    except FileNotFoundError:
        if named:
            raise PrefetchError(f"HF_TOKEN_PATH: {file} is not there") from None
        return None
