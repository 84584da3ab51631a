"""Jobs on disk: every change is a transaction, and every change that a caller may watch leaves an event."""

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from server.documents import FileType
from server.errors import IdempotencyConflict, QueueFull
from server.jobs.database import Database
from server.jobs.job import FINISHED, MOVES, Event, Job, JobFile, JobState, Trouble
from server.jobs.rows import job_of, told


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued job, as far as its turn is concerned; `pages_left` is None where a document has not been opened yet."""

    id: str
    owner: str
    model: str
    created: float
    pages_left: int | None


class JobStore:
    """The jobs of all callers. Every method may wait for the disk: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(  # noqa: PLR0913 the columns of a row
        self,
        job_id: str,
        owner: str,
        model: str,
        fields: Mapping[str, Any],
        files: Sequence[JobFile],
        *,
        size: int,
        fingerprint: str,
        idempotency_key: str | None,
        webhook_url: str | None,
        most_bytes: int,
        keeps_document: bool = False,
    ) -> tuple[Job, bool]:
        """A new job, and True; or the one that the same key and body made before, and False. `size` in bytes.

        Raises IdempotencyConflict where that body was another one, QueueFull when the jobs take more than `most_bytes`.
        """
        with self._database.write(grows=True) as db:
            if known := self._by_key(db, owner, idempotency_key, fingerprint):
                return known, False
            [taken] = db.execute("SELECT coalesce(sum(size), 0) FROM jobs").fetchone()
            if taken + size > most_bytes:
                raise _full(taken)
            db.execute(
                "INSERT INTO jobs (id, owner, state, created, model, fields, idempotency_key, fingerprint, size,"
                " webhook_url, kept_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(job_id, owner, JobState.QUEUED, time.time(), model, json.dumps(fields), idempotency_key),
                    *(fingerprint, size, webhook_url, size if keeps_document else None),
                ),
            )
            for each in files:
                db.execute(
                    "INSERT INTO files (job, position, input_type, filename, url, file_type, total_pages, chosen, error,"
                    " media_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(job_id, each.index, each.input_type, each.filename, each.url, each.file_type),
                        *(each.total_pages, each.chosen, told(each.error), each.media_type),
                    ),
                )
            self._tell_state(db, job_id, JobState.QUEUED, None)
            return job_of(db, job_id), True

    def by_key(self, owner: str, idempotency_key: str | None, fingerprint: str) -> Job | None:
        """The job that this key and body made before. Raises IdempotencyConflict where that body was another one."""
        with self._database.read() as db:
            return self._by_key(db, owner, idempotency_key, fingerprint)

    def job(self, job_id: str, owner: str | None = None) -> Job:
        """A job, of this owner where one is given. Raises NotFound."""
        with self._database.read() as db:
            return job_of(db, job_id, owner)

    def jobs(self, owner: str, state: JobState | None, before: tuple[float, str] | None, most: int) -> list[Job]:
        """An owner's jobs, newest first, those before the one that `before` tells the time and the id of."""
        clauses, values = ["owner = ?"], list[Any]([owner])
        if state:
            clauses.append("state = ?")
            values.append(state)
        if before:
            clauses.append("(created, id) < (?, ?)")
            values.extend(before)
        with self._database.read() as db:
            rows = db.execute(
                f"SELECT id FROM jobs WHERE {' AND '.join(clauses)} ORDER BY created DESC, id DESC LIMIT ?",  # noqa: S608 names only
                (*values, most),
            )
            return [job_of(db, row["id"]) for row in rows.fetchall()]

    def waiting(self) -> list[Waiting]:
        """The queued jobs, oldest first."""
        return self._waiting(float("inf"))

    def older(self, job: Job) -> list[Waiting]:
        """The queued jobs that are older than this one, oldest first."""
        return self._waiting(job.created)

    def move(
        self,
        job_id: str,
        state: JobState,
        *,
        error: Trouble | None = None,
        errands: Iterable[str] = (),
        seconds: float = 0,
    ) -> Job | None:
        """Change the state, if that is a legal move; `seconds` are added to the time spent on it. None when it is not."""
        now = time.time()
        with self._database.write() as db:
            row = db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None or state not in MOVES[JobState(row["state"])]:
                return None
            db.execute(
                "UPDATE jobs SET state = ?, error = ?, seconds = seconds + ?, reading = 0,"
                " started = CASE WHEN ? THEN coalesce(started, ?) ELSE started END,"
                " finished = CASE WHEN ? THEN ? ELSE finished END WHERE id = ?",
                (state, told(error), seconds, state is JobState.RUNNING, now, state in FINISHED, now, job_id),
            )
            if state in FINISHED:
                self._count_what_stays(db, job_id)
            for kind in errands:
                db.execute(
                    "INSERT INTO errands (job, kind, state, due) VALUES (?, ?, 'pending', ?)", (job_id, kind, now)
                )
            self._tell_state(db, job_id, state, error)
            return job_of(db, job_id)

    def reads(self, job_id: str) -> None:
        """Its pages are in work from here on: should the server end, one of them may be why."""
        with self._database.write() as db:
            db.execute("UPDATE jobs SET reading = 1 WHERE id = ?", (job_id,))

    def fetched(self, job_id: str, kept_bytes: int) -> None:
        """A document has been fetched: all that are there now have so many bytes, which count where they are to stay."""
        with self._database.write() as db:
            db.execute(
                "UPDATE jobs SET size = size - kept_bytes + ?, kept_bytes = ? WHERE id = ? AND kept_bytes IS NOT NULL",
                (kept_bytes, kept_bytes, job_id),
            )

    def opened(  # noqa: PLR0913 what is known of it now
        self, job_id: str, position: int, file_type: FileType, media_type: str, total_pages: int, chosen: int
    ) -> None:
        """A document has been opened."""
        with self._database.write() as db:
            db.execute(
                "UPDATE files SET file_type = ?, media_type = ?, total_pages = ?, chosen = ?"
                " WHERE job = ? AND position = ?",
                (file_type, media_type, total_pages, chosen, job_id, position),
            )

    def file_failed(self, job_id: str, position: int, error: Trouble) -> None:
        """Nothing of a document can be read."""
        with self._database.write() as db:
            db.execute("UPDATE files SET error = ? WHERE job = ? AND position = ?", (told(error), job_id, position))

    def saved(self, job_id: str, local_files: Mapping[str, str]) -> None:
        """The result has been saved, under these addresses."""
        with self._database.write() as db:
            db.execute("UPDATE jobs SET local_files = ? WHERE id = ?", (json.dumps(local_files), job_id))

    def since(self, job_id: str, after: int, owner: str | None = None) -> tuple[Job, list[Event]]:
        """A job as `job`, and what has happened to it since the event `after`, oldest first: both as of one moment."""
        with self._database.read() as db:
            job = job_of(db, job_id, owner)
            rows = db.execute(
                "SELECT id, kind, data FROM events WHERE job = ? AND id > ? ORDER BY id", (job_id, after)
            ).fetchall()
        return job, [Event(row["id"], row["kind"], json.loads(row["data"])) for row in rows]

    def recover(self, *, after_a_crash: bool) -> int:
        """Put what was running back into the queue; returns how many jobs that were."""
        with self._database.write() as db:
            rows = db.execute("SELECT id FROM jobs WHERE state = ?", (JobState.RUNNING,)).fetchall()
            for row in rows:
                db.execute(
                    "UPDATE jobs SET state = ?, restarts = restarts + (reading AND ?), reading = 0 WHERE id = ?",
                    (JobState.QUEUED, after_a_crash, row["id"]),
                )
                self._tell_state(db, row["id"], JobState.QUEUED, None)
        return len(rows)

    def ids(self, *, finished: bool) -> set[str]:
        """The jobs that are finished, or those that are not."""
        with self._database.read() as db:
            rows = db.execute("SELECT id FROM jobs WHERE (finished IS NOT NULL) = ?", (finished,))
            return {row["id"] for row in rows}

    def keeping(self) -> set[str]:
        """The jobs whose documents stay with them."""
        with self._database.read() as db:
            return {row["id"] for row in db.execute("SELECT id FROM jobs WHERE kept_bytes IS NOT NULL")}

    def count(self) -> tuple[dict[JobState, int], int]:
        """How many jobs there are in each state that one is in, and how many pages the unfinished ones still wait for."""
        with self._database.read() as db:
            rows = db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall()
            [left] = db.execute(
                "SELECT coalesce(sum(chosen - processed), 0) FROM files JOIN jobs ON job = id"
                " WHERE state IN (?, ?) AND files.error IS NULL",
                (JobState.QUEUED, JobState.RUNNING),
            ).fetchone()
        return {JobState(state): number for state, number in rows}, left

    def delete(self, job_id: str) -> None:
        """Forget a job and all its pages."""
        with self._database.write() as db:
            db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def expired(self, ttl_s: float) -> list[str]:
        """Jobs that have been finished for longer than `ttl_s` seconds."""
        with self._database.read() as db:
            rows = db.execute("SELECT id FROM jobs WHERE finished < ?", (time.time() - ttl_s,)).fetchall()
        return [row["id"] for row in rows]

    def surplus(self, size: int, most_bytes: int, *, sparing: str = "") -> list[str]:
        """The finished jobs, oldest first, that have to go so that `size` bytes more make `most_bytes` at the most.

        Raises QueueFull where all of them would not be enough.
        """
        with self._database.read() as db:
            [taken] = db.execute("SELECT coalesce(sum(size), 0) FROM jobs").fetchone()
            rows = db.execute(
                "SELECT id, size FROM jobs WHERE finished IS NOT NULL AND id != ? ORDER BY finished", (sparing,)
            ).fetchall()
        gone, left = [], taken
        for row in rows:
            if left + size <= most_bytes:
                break
            left -= row["size"]
            gone.append(row["id"])
        if left + size > most_bytes:
            raise _full(taken)
        return gone

    def shrink(self) -> None:
        """Give the file system back what deleted jobs took."""
        self._database.shrink()

    def _waiting(self, before: float) -> list[Waiting]:
        with self._database.read() as db:
            rows = db.execute(
                "SELECT id, owner, model, created, (SELECT CASE WHEN count(chosen) < count(*) THEN NULL"
                " ELSE sum(chosen - processed) END FROM files WHERE job = jobs.id AND error IS NULL) AS pages_left"
                " FROM jobs WHERE state = ? AND created < ? ORDER BY created",
                (JobState.QUEUED, before),
            )
            return [Waiting(*row) for row in rows.fetchall()]

    def _by_key(self, db: sqlite3.Connection, owner: str, key: str | None, fingerprint: str) -> Job | None:
        row = db.execute(
            "SELECT id, fingerprint FROM jobs WHERE owner = ? AND idempotency_key = ?", (owner, key)
        ).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise IdempotencyConflict(
                f"This Idempotency-Key belongs to {row['id']}, which was made of another body. Use a new key."
            )
        return job_of(db, row["id"])

    def _count_what_stays(self, db: sqlite3.Connection, job_id: str) -> None:
        """What has been read counts from here on; what was sent only where it is kept."""
        db.execute(
            "UPDATE jobs SET size = coalesce(kept_bytes, 0)"
            " + (SELECT coalesce(sum(length(page)), 0) FROM pages WHERE job = jobs.id)"
            " + (SELECT coalesce(sum(length(content)), 0) FROM figures WHERE job = jobs.id)"
            " + (SELECT coalesce(sum(length(CAST(content AS BLOB))), 0) FROM corrections WHERE job = jobs.id)"
            " WHERE id = ?",
            (job_id,),
        )

    def _tell_state(self, db: sqlite3.Connection, job_id: str, state: JobState, error: Trouble | None) -> None:
        data = {"id": job_id, "state": state, "error": asdict(error) if error else None}
        tell(db, job_id, "state", data)


def new_id() -> str:
    """A name for a job that nobody guesses."""
    return f"job_{secrets.token_hex(12)}"


def tell(db: sqlite3.Connection, job_id: str, kind: str, data: Mapping[str, Any]) -> None:
    """Leave an event, in the transaction of what has happened."""
    db.execute(
        "INSERT INTO events (job, id, kind, data)"
        " VALUES (?, (SELECT coalesce(max(id), 0) + 1 FROM events WHERE job = ?), ?, ?)",
        (job_id, job_id, kind, json.dumps(data)),
    )


def _full(taken: int) -> QueueFull:
    return QueueFull(
        f"The jobs on this server take {taken >> 20} MiB already. Send the job again later, or delete jobs.",
        retry_after=60,
    )
