"""A folder of documents, and a folder of results laid out like it."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from server.client.errors import Failed

SUFFIXES = {".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"}
RESULT_SUFFIXES = {
    "md": ".md",
    "json": ".json",
    "text": ".txt",
    "html": ".html",
    "csv": ".csv",
    "xlsx": ".xlsx",
    "zip": ".zip",
}
"""Forms of a result, as the API calls them, and the suffix of a file in each."""


def documents_in(folder: Path) -> list[Path]:
    """Every document below `folder`, relative to it, in order. Raises Failed: no folder, one that cannot be listed, none."""

    def cannot(error: OSError) -> None:
        raise Failed(f"{error.filename} cannot be listed: {error.strerror}.")

    found = [
        Path(where, name).relative_to(folder)
        for where, _, names in os.walk(folder, onerror=cannot)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES
    ]
    if not found:
        raise Failed(f"There is no document in {folder} ({', '.join(sorted(SUFFIXES))}).")
    return sorted(found)


def result_path(out: Path, document: Path, form: str) -> Path:
    """Where a result goes: `a/b.pdf` to `out/a/b.pdf.md`. The document's suffix stays: `b.png` may lie beside `b.pdf`."""
    return out / document.with_name(document.name + RESULT_SUFFIXES[form])


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key(document: Path, digest: str, fields: Mapping[str, str]) -> str:
    """The Idempotency-Key of a document in a batch: its path in the folder, its content's digest, the model and the options.

    Path separators are those of POSIX, so that a batch begun on one system goes on on another.
    """
    what = [document.as_posix(), digest, sorted(fields.items())]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def write(path: Path, content: bytes) -> None:
    """The whole content or nothing, also when the machine goes down. Raises OSError, and then leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # a name of fixed length: the document's own may be as long as names get
    half = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.part")
    try:
        with half.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise
