"""The jobs' SQLite file: one writer at a time, readers beside it, and a full disk told from a mistake."""

import fcntl
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

from server.errors import OutOfSpace, Unavailable

_BUSY_S = 30.0
_KEPT_LOG_BYTES = 4 << 20  # of the write-ahead log, once what it holds is in the file
_RETRY_AFTER_S = 10
_KEPT_FREE_BYTES = 64 << 20  # so much of the disk, or this share where that is less, is for what makes room again
_KEPT_FREE_SHARE = 0.05
_STEPS = (
    """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, created REAL NOT NULL, started REAL, finished REAL,
    model TEXT NOT NULL, fields TEXT NOT NULL, idempotency_key TEXT, fingerprint TEXT NOT NULL, error TEXT,
    seconds REAL NOT NULL DEFAULT 0, reading INTEGER NOT NULL DEFAULT 0, restarts INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    webhook_url TEXT, local_files TEXT
);
CREATE UNIQUE INDEX jobs_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_state ON jobs (state, created);
CREATE INDEX jobs_owner ON jobs (owner, created, id);
CREATE TABLE files (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, position INTEGER NOT NULL, input_type TEXT NOT NULL, filename TEXT,
    url TEXT, file_type TEXT, total_pages INTEGER, chosen INTEGER, processed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0, error TEXT, PRIMARY KEY (job, position)
);
CREATE TABLE pages (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, position INTEGER NOT NULL, number INTEGER NOT NULL,
    verdict TEXT NOT NULL, confidence REAL NOT NULL, page BLOB NOT NULL, PRIMARY KEY (job, position, number)
);
CREATE TABLE figures (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, position INTEGER NOT NULL, number INTEGER NOT NULL,
    name TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (job, position, number, name)
);
CREATE TABLE events (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, id INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (job, id)
);
CREATE TABLE errands (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, kind TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL, outcome TEXT, message_id TEXT, body BLOB,
    PRIMARY KEY (job, kind)
);
""",
    """
ALTER TABLE jobs ADD COLUMN kept_bytes INTEGER;
ALTER TABLE files ADD COLUMN media_type TEXT;
ALTER TABLE pages ADD COLUMN width INTEGER;
ALTER TABLE pages ADD COLUMN height INTEGER;
""",
    """
CREATE TABLE corrections (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, position INTEGER NOT NULL, number INTEGER NOT NULL,
    block INTEGER NOT NULL, content TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (job, position, number, block)
);
""",
)
"""What makes the file of one version that of the next, from nothing on: the version counts the steps that are done."""

log = structlog.get_logger("server.jobs")


class Database:
    """The file, opened or made. Used from threads; a write that fails changes nothing.

    Making one raises as `write` does, and OSError where its folder cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with _alone_in(path.parent), self._told():
            self._writer = self._opened()

    def close(self) -> None:
        """No more writes; one that a thread is at comes to its end first."""
        with self._lock:
            self._writer.close()

    @contextmanager
    def write(self, *, grows: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction, committed at the end, undone by any exception. Raises OutOfSpace, or Unavailable for a while.

        What `grows` finds no room a little earlier than the rest: even to delete takes some.
        """
        if grows and self._is_almost_full():
            raise _out_of_space()
        with self._lock, self._told():
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of everything, whatever is written meanwhile. Raises as `write` does."""
        with self._told(), closing(self._connected()) as connection:
            connection.execute("BEGIN")
            yield connection

    def shrink(self) -> None:
        """Give the file system back what deleted jobs took. Raises as `write` does."""
        with self._lock, self._told():
            [free] = self._writer.execute("PRAGMA freelist_count").fetchone()
            if free:
                self._writer.executescript("PRAGMA incremental_vacuum")  # `execute` would take its first step only
                # not TRUNCATE, which would keep every page waiting while somebody reads a long result
                self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What another time may do, as an error of ours; what is a mistake, or a damaged file, as it is.

        A full disk shows as SQLITE_FULL, and where SQLite's own files cannot grow as a failure to read or to open them.
        """
        try:
            yield
        except sqlite3.OperationalError as error:
            name = getattr(error, "sqlite_errorname", "")
            if name == "SQLITE_ERROR":
                raise
            if name == "SQLITE_FULL" or (
                name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and self._is_almost_full()
            ):
                raise _out_of_space() from error
            raise Unavailable(f"The file of jobs cannot be used now: {error}.", retry_after=_RETRY_AFTER_S) from error

    def _is_almost_full(self) -> bool:
        disk = shutil.disk_usage(self._path.parent)
        return disk.free < min(_KEPT_FREE_BYTES, disk.total * _KEPT_FREE_SHARE)

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # no room, no permission: nothing is wrong with the file
                raise
            aside = self._path.with_name(f"{self._path.name}.damaged-{time.time():.0f}")
            log.warning("the jobs' file is damaged and was put aside", file=str(aside), reason=str(error))
            for suffix in ("", "-wal", "-shm"):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        connection = self._connected()
        try:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA journal_size_limit={_KEPT_LOG_BYTES}")
            connection.execute("PRAGMA secure_delete=FAST")  # to write zeros over what is deleted would take room, too
            [version] = connection.execute("PRAGMA user_version").fetchone()
            if version > len(_STEPS):
                raise sqlite3.DatabaseError(f"it is of version {version}, and this server knows {len(_STEPS)}")
            for number, step in enumerate(_STEPS[version:], version + 1):
                connection.executescript(f"BEGIN; {step} PRAGMA user_version={number}; COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        # Whoever was told 202 has a job, whatever happens to the machine (sqlite.org/pragma.html#pragma_synchronous).
        connection.execute("PRAGMA synchronous=FULL")
        return connection


def _out_of_space() -> OutOfSpace:
    return OutOfSpace("There is no room for jobs on the server's disk.", retry_after=_RETRY_AFTER_S)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Of servers that start together on one folder, one makes the file, and the others find it made."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
