"""What people wrote instead of what was recognised, on disk beside the pages, which stay as they were read."""

import sqlite3
import time

from server.errors import NotFound
from server.jobs.database import Database


class CorrectionStore:
    """The corrections of all jobs. Every method may wait for the disk: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, job_id: str, position: int, number: int, order: int, content: str | None) -> None:
        """Keep this content for a block, or take back what was kept where it is None. Raises NotFound, OutOfSpace."""
        block = (job_id, position, number, order)
        with self._database.write(grows=content is not None) as db:
            page = "SELECT 1 FROM pages WHERE job = ? AND position = ? AND number = ?"
            if db.execute(page, block[:3]).fetchone() is None:
                raise NotFound("The job was removed just now.")
            known = "FROM corrections WHERE job = ? AND position = ? AND number = ? AND block = ?"
            row = db.execute(f"SELECT content {known}", block).fetchone()
            db.execute(f"DELETE {known}", block)
            if content is not None:
                db.execute(
                    "INSERT INTO corrections (job, position, number, block, content, at) VALUES (?, ?, ?, ?, ?, ?)",
                    (*block, content, time.time()),
                )
            grown = _size(content) - (_size(row["content"]) if row else 0)
            db.execute("UPDATE jobs SET size = size + ? WHERE id = ?", (grown, job_id))


def corrections_of(db: sqlite3.Connection, job_id: str, position: int) -> dict[int, dict[int, str]]:
    """Those of a document, by page number and by the block's order."""
    rows = db.execute(
        "SELECT number, block, content FROM corrections WHERE job = ? AND position = ?", (job_id, position)
    )
    found: dict[int, dict[int, str]] = {}
    for row in rows:
        found.setdefault(row["number"], {})[row["block"]] = row["content"]
    return found


def _size(content: str | None) -> int:
    return len((content or "").encode())
