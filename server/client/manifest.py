"""What of a batch is finished: `OUT/.offline-ocr.jsonl`, a line for each document that was read.

    {"document": "a/b.pdf", "key": "…", "forms": ["md"], "failed_pages": 0}

The last line of a document counts; lines with the same key add up. It is only added to, so that a kill in the middle costs
one line, which means one request more: the server still knows the job by its key.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from server.client.folder import result_path

NAME = ".offline-ocr.jsonl"


@dataclass(slots=True)
class Entry:
    """A document that was read: by which key, which forms were written, how many of its pages could not be read."""

    key: str
    forms: set[str] = field(default_factory=set)
    failed_pages: int = 0


class Manifest:
    """The manifest of a folder of results, which is made if it is not there. Raises OSError where it cannot be written."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._entries: dict[str, Entry] = {}
        self._path = out / NAME
        out.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+", encoding="utf-8") as file:
            file.seek(0)
            lines = file.read().splitlines(keepends=True)
            if lines and not lines[-1].endswith("\n"):
                file.write("\n")  # it was cut off
        for line in lines:
            self._read(line)

    def find(self, document: Path, key: str, forms: Collection[str]) -> Entry | None:
        """The entry of a document that needs nothing any more: same key, and each form's file is still there."""
        entry = self._entries.get(document.as_posix())
        if entry is None or entry.key != key or not entry.forms.issuperset(forms):
            return None
        return entry if all(result_path(self._out, document, form).is_file() for form in forms) else None

    def add(self, document: Path, key: str, forms: Collection[str], failed_pages: int) -> None:
        """Note a document whose results have been written. Raises OSError."""
        row = {"document": document.as_posix(), "key": key, "forms": list(forms), "failed_pages": failed_pages}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _read(self, line: str) -> None:
        try:
            row = json.loads(line)
            entry = Entry(str(row["key"]), {str(form) for form in row["forms"]}, int(row["failed_pages"]))
            document = str(row["document"])
        except (ValueError, KeyError, TypeError):
            return
        before = self._entries.get(document)
        if before is not None and before.key == entry.key:
            entry.forms |= before.forms
        self._entries[document] = entry
