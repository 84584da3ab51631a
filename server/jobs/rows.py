"""The rows of a job, and what they stand for."""

import json
import sqlite3
from dataclasses import asdict

from server.documents import FileType
from server.errors import NotFound
from server.jobs.job import Errand, Job, JobFile, JobState, Trouble


def told(error: Trouble | None) -> str | None:
    """A trouble, for a column."""
    return json.dumps(asdict(error)) if error else None


def _trouble(text: str | None) -> Trouble | None:
    return Trouble(**json.loads(text)) if text else None


def job_of(db: sqlite3.Connection, job_id: str, owner: str | None = None) -> Job:
    """The job, of this owner where one is given. Raises NotFound."""
    row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None or owner not in (None, row["owner"]):
        raise NotFound("There is no such job; it may have expired. GET /jobs lists those that there are.")
    files = db.execute("SELECT * FROM files WHERE job = ? ORDER BY position", (job_id,)).fetchall()
    errands = db.execute("SELECT * FROM errands WHERE job = ? ORDER BY kind", (job_id,)).fetchall()
    return Job(
        id=row["id"],
        owner=row["owner"],
        state=JobState(row["state"]),
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        model=row["model"],
        fields=json.loads(row["fields"]),
        files=tuple(map(_file, files)),
        error=_trouble(row["error"]),
        seconds=row["seconds"],
        restarts=row["restarts"],
        size=row["size"],
        webhook_url=row["webhook_url"],
        local_files=json.loads(row["local_files"]) if row["local_files"] else None,
        errands=tuple(
            Errand(each["kind"], each["state"], each["attempts"], each["due"], json.loads(each["outcome"] or "null"))
            for each in errands
        ),
        keeps_document=row["kept_bytes"] is not None,
    )


def _file(row: sqlite3.Row) -> JobFile:
    return JobFile(
        index=row["position"],
        input_type=row["input_type"],
        filename=row["filename"],
        url=row["url"],
        file_type=FileType(row["file_type"]) if row["file_type"] else None,
        total_pages=row["total_pages"],
        chosen=row["chosen"],
        processed=row["processed"],
        failed=row["failed"],
        error=_trouble(row["error"]),
        media_type=row["media_type"],
    )
