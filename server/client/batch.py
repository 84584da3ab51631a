"""`offline-ocr batch DIR --out OUT`: every document below a folder, some at once, each exactly once."""

import asyncio
import errno
import time
from dataclasses import dataclass, field
from pathlib import Path

from server.client.display import Display
from server.client.errors import Failed, OutUnusable
from server.client.folder import key, result_path, sha256, write
from server.client.job import Job
from server.client.manifest import Entry, Manifest
from server.client.progress import Progress
from server.client.reading import Reader

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(slots=True)
class Summary:
    """How a batch ended: its documents by what became of them; reasons, and pages that could not be read."""

    read: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    unread: dict[Path, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 1 if self.failed or self.unread else 0

    def text(self, documents: int) -> str:
        """Counts in the first line, then a line for each document that is not whole."""
        rest = documents - len(self.read) - len(self.skipped) - len(self.failed)
        counts = f"{len(self.read)} read, {len(self.failed)} failed, {len(self.skipped)} skipped (read before)"
        lines = [f"{documents} documents: {counts}{f', {rest} left' if rest else ''}"]
        lines += [f"{document}: {reason}" for document, reason in sorted(self.failed.items())]
        lines += [
            f"{document}: pages that could not be read: {count}" for document, count in sorted(self.unread.items())
        ]
        return "\n".join(lines)


class Batch:
    """One run over `documents`, which are relative to `folder`; `summary` grows while it runs."""

    def __init__(self, folder: Path, documents: list[Path], out: Path, reader: Reader, display: Display) -> None:
        self.summary = Summary()
        self._folder = folder
        self._out = out
        self._reader = reader
        self._display = display
        self._left = iter(documents)
        self._progress = Progress(len(documents))
        self._started = time.monotonic()
        try:
            self._manifest = Manifest(out)
        except OSError as error:
            raise OutUnusable(f"{error.filename or out} cannot be written: {error.strerror}.") from error

    async def run(self, parallel: int) -> None:
        """Read what is left, `parallel` documents at once. Raises ClientError for what ends all of it."""
        working = [asyncio.create_task(self._work()) for _ in range(parallel)]
        try:
            await asyncio.gather(*working)
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            self._display.clear()

    async def _work(self) -> None:
        for document in self._left:
            try:
                await self._one(document)
            except Failed as error:
                self._fail(document, str(error))
            except OSError as error:
                if error.errno in _NO_ROOM:
                    raise OutUnusable(f"{self._out} takes no more: {error.strerror}.") from error
                self._fail(document, f"{error.filename or document}: {error.strerror}")
            self._reader.api.patience.progress()
            self._show()

    async def _one(self, document: Path) -> None:
        source = self._folder / document
        document_key = key(document, await asyncio.to_thread(sha256, source), self._reader.fields)
        forms = self._reader.forms
        if entry := self._manifest.find(document, document_key, forms):
            self._skip(document, entry)
            return

        def watch(job: Job) -> None:
            self._progress.see(document, job.processed_pages, job.total_pages)
            self._show()

        reading = await self._reader.read(source, document_key, watch)
        for form, content in reading.results.items():
            await asyncio.to_thread(write, result_path(self._out, document, form), content)
        unread = reading.job.failed_pages
        self._manifest.add(document, document_key, forms, unread)
        self.summary.read.append(document)
        self._progress.done += 1
        self._note(document, unread)
        if not self._display.live:
            self._display.say(f"{document}: read, {reading.job.processed_pages} pages")

    def _skip(self, document: Path, entry: Entry) -> None:
        self.summary.skipped.append(document)
        self._progress.skipped += 1
        self._note(document, entry.failed_pages)

    def _note(self, document: Path, unread: int) -> None:
        if unread:
            self.summary.unread[document] = unread

    def _fail(self, document: Path, reason: str) -> None:
        self.summary.failed[document] = reason
        self._progress.fail(document)
        self._display.say(f"{document}: failed: {reason}")

    def _show(self) -> None:
        self._display.show(self._progress.line(time.monotonic() - self._started))
