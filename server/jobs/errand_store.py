"""Errands on disk: what is to be done for a finished job, when next, and what the last attempt came to."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from server.errors import NotFound
from server.jobs.database import Database


class ErrandStore:
    """The errands of all jobs. Every method may wait for the disk: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self) -> list[tuple[str, str]]:
        """The errands whose time has come, as (job, kind); a webhook comes after the first attempt to upload."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT job, kind FROM errands WHERE state = 'pending' AND due <= ? AND (kind != 'webhook' OR NOT EXISTS"
                " (SELECT 1 FROM errands AS other WHERE other.job = errands.job AND other.kind = 's3' AND attempts = 0))"
                " ORDER BY due",
                (time.time(),),
            ).fetchall()
        return [(row["job"], row["kind"]) for row in rows]

    def next_due(self) -> float | None:
        """When the next one is due, in seconds since the epoch; None when there is none."""
        with self._database.read() as db:
            [due] = db.execute("SELECT min(due) FROM errands WHERE state = 'pending'").fetchone()
        return None if due is None else float(due)

    def message(self, job_id: str, kind: str, make: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes]:
        """The id and the body of what is sent: made at the first attempt, the same at each. Raises NotFound."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT message_id, body FROM errands WHERE job = ? AND kind = ?", (job_id, kind)
            ).fetchone()
        if row is None:
            raise NotFound("There is no such job any more.")
        if row["body"] is not None:
            return row["message_id"], row["body"]
        message_id, body = make()
        with self._database.write() as db:
            db.execute(
                "UPDATE errands SET message_id = ?, body = ? WHERE job = ? AND kind = ?",
                (message_id, body, job_id, kind),
            )
        return message_id, body

    def tried(
        self, job_id: str, kind: str, state: str, *, again_in_s: float | None, outcome: Mapping[str, Any]
    ) -> None:
        """One more attempt has been made; there will be another where `again_in_s` says when."""
        due = None if again_in_s is None else time.time() + again_in_s
        with self._database.write() as db:
            db.execute(
                "UPDATE errands SET state = ?, attempts = attempts + 1, due = ?, outcome = ? WHERE job = ? AND kind = ?",
                (state, due, json.dumps(outcome), job_id, kind),
            )
