"""A job's pages on disk: each is stored once, with its figures, as soon as it is read."""

import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.confidence import of_page
from server.corrections import corrected
from server.documents import Page, Verdict
from server.jobs.correction_store import corrections_of
from server.jobs.database import Database
from server.jobs.job import JobState
from server.jobs.store import tell


@dataclass(frozen=True, slots=True)
class Listed:
    """A stored page at a glance. `width` and `height` in px of the page as sent; `found` is None where nothing is sought."""

    number: int
    width: int
    height: int
    verdict: Verdict
    confidence: float
    found: int | None
    corrections: int


class PageStore:
    """The pages of all jobs. Every method may wait for the disk: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, position: int, page: Page, numbers: Sequence[int]) -> bool:
        """Store a page and the figures that its files hold. False when it was there already, or nobody wants it any more.

        Its event follows those of the pages before it among `numbers`, whenever they come. Raises OutOfSpace, and stores
        nothing then.
        """
        figures = {name: path.read_bytes() for name, path in (page.images or {}).items()}
        content = zlib.compress(json.dumps(page.to_wire()).encode())
        size = len(content) + sum(map(len, figures.values()))
        with self._database.write(grows=True) as db:
            row = db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None or row["state"] != JobState.RUNNING:
                return False
            new = db.execute(
                "INSERT OR IGNORE INTO pages (job, position, number, verdict, confidence, page, width, height)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(job_id, position, page.number, page.verdict, of_page(page).value, content),
                    *_size_as_sent(page),
                ),
            )
            if new.rowcount == 0:
                return False
            db.executemany(
                "INSERT INTO figures (job, position, number, name, content) VALUES (?, ?, ?, ?, ?)",
                [(job_id, position, page.number, name, data) for name, data in figures.items()],
            )
            db.execute(
                "UPDATE files SET processed = processed + 1, failed = failed + ? WHERE job = ? AND position = ?",
                (page.verdict is Verdict.FAILED, job_id, position),
            )
            db.execute("UPDATE jobs SET size = size + ?, restarts = 0 WHERE id = ?", (size, job_id))
            self._tell(db, job_id, position, numbers)
            return True

    def numbers(self, job_id: str, position: int) -> set[int]:
        """Which pages of a document are stored."""
        with self._database.read() as db:
            rows = db.execute("SELECT number FROM pages WHERE job = ? AND position = ?", (job_id, position)).fetchall()
        return {row["number"] for row in rows}

    def pages(self, job_id: str, position: int, figures: Path | None) -> list[Page]:
        """The stored pages of a document in page order, corrected; their figures go to the folder, if one is given."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT page FROM pages WHERE job = ? AND position = ? ORDER BY number", (job_id, position)
            )
            corrections = corrections_of(db, job_id, position)
            return [self._page(db, job_id, position, row["page"], corrections, figures) for row in rows]

    def page(self, job_id: str, position: int, number: int) -> Page | None:
        """One stored page, corrected, without its figures; None while it is not stored."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT page FROM pages WHERE job = ? AND position = ? AND number = ?", (job_id, position, number)
            ).fetchone()
            return self._page(db, job_id, position, row["page"], corrections_of(db, job_id, position)) if row else None

    def listed(self, job_id: str, position: int, find: str | None) -> list[Listed]:
        """The stored pages of a document at a glance, in page order; with the number of places where they say `find`."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT number, width, height, verdict, confidence, CASE WHEN ? OR width IS NULL THEN page END AS page"
                " FROM pages WHERE job = ? AND position = ? ORDER BY number",
                (find is not None, job_id, position),
            )
            listed = []
            corrections = corrections_of(db, job_id, position)
            for row in rows:
                page = self._page(db, job_id, position, row["page"], corrections) if row["page"] else None
                # a page that an older server has stored does not tell its size
                width, height = _size_as_sent(page) if page and row["width"] is None else (row["width"], row["height"])
                found = _count(find, page.text) if page and find is not None else None
                listed.append(
                    Listed(
                        number=row["number"],
                        width=width,
                        height=height,
                        verdict=Verdict(row["verdict"]),
                        confidence=row["confidence"],
                        found=found,
                        corrections=len(corrections.get(row["number"], {})),
                    )
                )
            return listed

    def _page(  # noqa: PLR0913 what a page is made of
        self,
        db: sqlite3.Connection,
        job_id: str,
        position: int,
        content: bytes,
        corrections: Mapping[int, Mapping[int, str]],
        figures: Path | None = None,
    ) -> Page:
        wire = json.loads(zlib.decompress(content))
        wire["images"] = {}
        if figures:
            wire["images"] = self._write_figures(db, job_id, position, wire["number"], figures)
        page = Page.from_wire(wire)
        return corrected(page, corrections.get(page.number, {}))

    def _write_figures(
        self, db: sqlite3.Connection, job_id: str, position: int, number: int, folder: Path
    ) -> dict[str, str]:
        rows = db.execute(
            "SELECT name, content FROM figures WHERE job = ? AND position = ? AND number = ? ORDER BY rowid",
            (job_id, position, number),
        )
        paths = {}
        for count, row in enumerate(rows):
            path = folder / f"{position}-{number}-{count}"  # the names are an engine's, and may hold folders
            path.write_bytes(row["content"])
            paths[row["name"]] = str(path)
        return paths

    def _tell(self, db: sqlite3.Connection, job_id: str, position: int, numbers: Sequence[int]) -> None:
        """Tell of every page that is stored with all pages before it, and has not been told of."""
        told = db.execute("SELECT told FROM files WHERE job = ? AND position = ?", (job_id, position)).fetchone()[
            "told"
        ]
        before, total = db.execute(
            "SELECT sum(told), CASE WHEN count(chosen) < count(*) THEN NULL ELSE sum(chosen) END"
            " FROM files WHERE job = ? AND (error IS NULL OR chosen IS NOT NULL)",
            (job_id,),
        ).fetchone()
        for count, number in enumerate(numbers[told:], start=1):
            row = db.execute(
                "SELECT verdict, confidence FROM pages WHERE job = ? AND position = ? AND number = ?",
                (job_id, position, number),
            ).fetchone()
            if row is None:
                break
            data = {
                "file": position,
                "page_number": number,
                "verdict": row["verdict"],
                "confidence": row["confidence"],
                "processed_pages": before + count,
                "total_pages": total,
            }
            tell(db, job_id, "page", data)
            db.execute("UPDATE files SET told = ? WHERE job = ? AND position = ?", (told + count, job_id, position))


def _size_as_sent(page: Page) -> tuple[int, int]:
    sent = page.preparation or page
    return sent.width, sent.height


def _count(words: str, text: str) -> int:
    """In how many places the words are, whatever the case and however the lines are broken."""
    wanted, there = (" ".join(each.casefold().split()) for each in (words, text))
    return there.count(wanted) if wanted else 0
