"""The jobs' file: made once, damaged, full, in use by others, and shrunk."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors import OutOfSpace, Unavailable
from server.jobs import database as database_module
from server.jobs.database import Database
from server.jobs.job import JobState
from server.jobs.page_store import PageStore
from server.jobs.store import JobStore
from tests.unit.fakes import read_page
from tests.unit.job_parts import hand_in


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


def _job(path: Path) -> Database:
    """A database with one job that runs."""
    database = Database(path)
    store = JobStore(database)
    hand_in(store, pages=500)
    store.move("a", JobState.RUNNING)
    return database


def test_what_is_stored_is_there_after_the_next_start(path: Path) -> None:
    database = _job(path)
    assert PageStore(database).add("a", 0, read_page(1), [1, 2])
    # not closed: as after a kill
    again = Database(path)
    assert JobStore(again).job("a").processed_pages == 1
    assert PageStore(again).pages("a", 0, None) == [replace(read_page(1), images={})]


def test_a_write_that_fails_leaves_nothing(path: Path) -> None:
    database = _job(path)
    with pytest.raises(ZeroDivisionError), database.write() as db:
        db.execute("DELETE FROM jobs")
        raise ZeroDivisionError
    assert JobStore(database).job("a")


def test_a_reader_sees_one_state_of_everything(path: Path) -> None:
    database = _job(path)
    with database.read() as db:
        assert db.execute("SELECT count(*) FROM jobs").fetchone()[0] == 1
        JobStore(database).delete("a")
        assert db.execute("SELECT count(*) FROM jobs").fetchone()[0] == 1
    with database.read() as db:
        assert db.execute("SELECT count(*) FROM jobs").fetchone()[0] == 0


def _fills(database: Database) -> int:
    """Fill it; returns how many pages went in."""
    pages = PageStore(database)
    with pytest.raises(OutOfSpace, match="no room") as raised:
        for number in range(1, 500):
            pages.add("a", 0, read_page(number), [number])
    assert raised.value.retry_after
    return number - 1


def test_a_full_file_keeps_what_it_has(path: Path) -> None:
    database = _job(path)
    [taken] = database._writer.execute("PRAGMA page_count").fetchone()
    database._writer.execute(f"PRAGMA max_page_count={taken + 10}")  # SQLite's own word for a full disk: SQLITE_FULL
    stored = _fills(database)
    assert stored > 10
    assert PageStore(database).numbers("a", 0) == set(range(1, stored + 1))
    assert JobStore(database).job("a").processed_pages == stored
    database._writer.execute("PRAGMA max_page_count=1000000")
    assert PageStore(database).add("a", 0, read_page(stored + 1), [stored + 1])
    assert database._writer.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_disk_that_is_almost_full_keeps_room_to_make_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = _job(path)
    monkeypatch.setattr(database_module, "_KEPT_FREE_BYTES", 1 << 60)
    monkeypatch.setattr(database_module, "_KEPT_FREE_SHARE", 1)  # of a disk that is never empty
    store = JobStore(database)
    assert _fills(database) == 0
    with pytest.raises(OutOfSpace):
        hand_in(store, "b")
    assert store.move("a", JobState.CANCELLED)
    store.delete("a")
    database.shrink()


def test_deleted_jobs_give_their_room_back(path: Path) -> None:
    database = _job(path)
    for number in range(1, 500):
        PageStore(database).add("a", 0, read_page(number), [number])
    database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = path.stat().st_size
    JobStore(database).delete("a")
    database.shrink()
    assert path.stat().st_size < before / 2


def _text(path: Path) -> None:
    path.write_text("this is no database, " * 1000)


def _cut(path: Path) -> None:
    _job(path).close()
    path.write_bytes(path.read_bytes()[:5000])


def _newer(path: Path) -> None:
    database = _job(path)
    database._writer.execute("PRAGMA user_version=99")
    database.close()


@pytest.mark.parametrize("spoil", [_text, _cut, _newer])
def test_a_file_that_is_of_no_use_is_put_aside(path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(path)
    content = path.read_bytes()
    database = Database(path)
    assert JobStore(database).jobs("o", None, None, 10) == []
    hand_in(JobStore(database))
    [aside] = [each for each in path.parent.glob("*.damaged-*") if not each.name.endswith(("-wal", "-shm"))]
    assert aside.read_bytes()[100:] == content[100:]  # of the header, SQLite counts changes


def test_damage_inside_is_an_error_not_an_answer(path: Path) -> None:
    _job(path).close()
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        JobStore(Database(path)).jobs("o", None, None, 10)


def test_a_file_in_use_is_a_matter_of_waiting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_BUSY_S", 0.01)
    database = _job(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked") as raised:
        JobStore(database).delete("a")
    assert raised.value.retry_after
    other.execute("ROLLBACK")
    JobStore(database).delete("a")


def test_a_mistake_of_ours_is_not_taken_for_a_full_disk(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), Database(path).write() as db:
        db.execute("DELETE FROM nowhere")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Database(tmp_path / "nowhere" / "jobs.sqlite3")


def test_servers_that_start_together_make_one_file(path: Path) -> None:
    """Their locks are those of open files: threads stand for them."""
    for attempt in range(10):
        (folder := path.parent / str(attempt)).mkdir()
        together = threading.Barrier(4)

        def start(folder: Path = folder, together: threading.Barrier = together) -> Database:
            together.wait()
            return Database(folder / path.name)

        with ThreadPoolExecutor(4) as threads:
            starting = [threads.submit(start) for _ in range(4)]
        for each in starting:
            each.result().close()
        assert [each.name for each in folder.iterdir()] == [path.name]
