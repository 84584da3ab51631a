"""Jobs on disk: keys, room, restarts, and what is told of pages."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from server.documents import Verdict
from server.errors import IdempotencyConflict, NotFound, QueueFull
from server.jobs.database import Database
from server.jobs.job import JobState, Trouble
from server.jobs.page_store import PageStore
from server.jobs.store import JobStore
from tests.unit.fakes import read_page
from tests.unit.job_parts import hand_in

Stores = tuple[JobStore, PageStore]


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    database = Database(tmp_path / "jobs.sqlite3")
    return JobStore(database), PageStore(database)


@pytest.fixture
def store(stores: Stores) -> JobStore:
    return stores[0]


def _finish(store: JobStore, job_id: str) -> None:
    store.move(job_id, JobState.RUNNING)
    store.move(job_id, JobState.DONE)


# --- numbers


def test_jobs_are_counted_by_state_and_the_pages_that_they_wait_for(stores: Stores) -> None:
    store, pages = stores
    assert store.count() == ({}, 0)
    for name in "abc":
        hand_in(store, name, pages=5)
    hand_in(store, "d", pages=None)  # nobody knows yet how many it has
    store.move("a", JobState.RUNNING)
    pages.add("a", 0, read_page(1), [1, 2, 3, 4, 5])
    _finish(store, "b")
    assert store.count() == ({JobState.RUNNING: 1, JobState.QUEUED: 2, JobState.DONE: 1}, 4 + 5)
    store.file_failed("c", 0, Trouble("c", "t", "d", 400))
    assert store.count()[1] == 4


# --- keys


def test_a_key_finds_its_job(store: JobStore) -> None:
    first = hand_in(store, "a", idempotency_key="k")
    assert hand_in(store, "b", idempotency_key="k").id == "a"
    assert store.by_key("o", "k", "f") == first
    assert store.by_key("o", "l", "f") is None
    assert hand_in(store, "c", idempotency_key="k", owner="p").id == "c"
    with pytest.raises(IdempotencyConflict, match="belongs to a"):
        hand_in(store, "d", idempotency_key="k", fingerprint="g")
    with pytest.raises(IdempotencyConflict):
        store.by_key("o", "k", "g")
    store.delete("a")
    assert hand_in(store, "e", idempotency_key="k", fingerprint="g").id == "e"


def test_without_a_key_every_body_is_a_new_job(store: JobStore) -> None:
    assert [hand_in(store, name).id for name in "abc"] == ["a", "b", "c"]


# --- room


def test_the_oldest_finished_jobs_make_room(store: JobStore) -> None:
    for name in "abcd":
        hand_in(store, name, size=100)
    for name in "cab":
        _finish(store, name)
    for name in "abcd":
        with store._database.write() as db:
            db.execute("UPDATE jobs SET size = 100 WHERE id = ?", (name,))
    assert store.surplus(100, 500) == []
    assert store.surplus(101, 500) == ["c"]
    assert store.surplus(300, 500) == ["c", "a"]
    assert store.surplus(400, 500) == ["c", "a", "b"]
    with pytest.raises(QueueFull) as raised:  # and nobody goes
        store.surplus(401, 500)
    assert raised.value.retry_after


def test_no_job_is_taken_in_without_room(store: JobStore) -> None:
    hand_in(store, "a", size=100, most_bytes=100)
    with pytest.raises(QueueFull):
        hand_in(store, "b", size=1, most_bytes=100)
    with pytest.raises(NotFound):
        store.job("b")


def test_after_the_end_only_what_was_read_takes_room(stores: Stores) -> None:
    store, pages = stores
    hand_in(store, "a", size=1_000_000)
    store.move("a", JobState.RUNNING)
    pages.add("a", 0, read_page(1), [1, 2, 3])
    assert store.job("a").size > 1_000_000
    store.move("a", JobState.DONE)
    assert 10 < store.job("a").size < 1000


# --- the server's end


def test_only_a_crash_with_pages_in_work_counts(stores: Stores) -> None:
    store, pages = stores
    hand_in(store)

    def restarts(*, after_a_crash: bool, reading: bool) -> int:
        store.move("a", JobState.RUNNING)
        if reading:
            store.reads("a")
        assert store.recover(after_a_crash=after_a_crash) == 1
        return store.job("a").restarts

    assert restarts(after_a_crash=True, reading=False) == 0
    assert restarts(after_a_crash=True, reading=True) == 1
    assert restarts(after_a_crash=False, reading=True) == 1
    assert restarts(after_a_crash=True, reading=True) == 2
    store.move("a", JobState.RUNNING)
    store.reads("a")
    store.move("a", JobState.QUEUED)  # put off in good order
    assert restarts(after_a_crash=True, reading=False) == 2
    store.move("a", JobState.RUNNING)
    pages.add("a", 0, read_page(1), [1, 2, 3])
    assert store.job("a").restarts == 0
    assert store.recover(after_a_crash=True) == 1
    assert store.recover(after_a_crash=True) == 0


# --- pages, and what is told of them


@pytest.mark.parametrize("seed", range(10))
def test_pages_are_told_in_order_whatever_order_they_come_in(stores: Stores, seed: int) -> None:
    store, pages = stores
    numbers = [2, 3, 5, 8, 13, 21]
    hand_in(store, pages=6)
    store.move("a", JobState.RUNNING)
    coming = random.Random(seed).sample(numbers, 6)
    for number in coming:
        assert pages.add("a", 0, read_page(number), numbers)
        assert not pages.add("a", 0, read_page(number), numbers)  # twice is once
    told = [event.data for event in store.since("a", 2)[1]]
    assert [data["page_number"] for data in told] == numbers
    assert [data["processed_pages"] for data in told] == [1, 2, 3, 4, 5, 6]
    assert [event.id for event in store.since("a", 0)[1]] == list(range(1, 9))
    assert [page.number for page in pages.pages("a", 0, None)] == numbers


def test_a_page_of_a_job_that_does_not_run_is_not_kept(stores: Stores) -> None:
    store, pages = stores
    hand_in(store)
    assert not pages.add("a", 0, read_page(1), [1])
    store.move("a", JobState.RUNNING)
    store.move("a", JobState.CANCELLED)
    assert not pages.add("a", 0, read_page(1), [1])
    assert not pages.add("b", 0, read_page(1), [1])
    assert pages.numbers("a", 0) == set()


def test_figures_come_back_with_their_page(stores: Stores, tmp_path: Path) -> None:
    store, pages = stores
    figure, folder = tmp_path / "figure.png", tmp_path / "figures"
    figure.write_bytes(b"png")
    folder.mkdir()
    hand_in(store)
    store.move("a", JobState.RUNNING)
    names = ["images/../../x.png", "a/b.png"]
    pages.add("a", 0, replace(read_page(1), images=dict.fromkeys(names, figure)), [1])
    [page] = pages.pages("a", 0, folder)
    assert list(page.images) == names
    assert [path.read_bytes() for path in page.images.values()] == [b"png", b"png"]
    assert {path.parent for path in folder.rglob("*")} == {folder}
    assert pages.pages("a", 0, None)[0].images == {}


def test_failed_pages_are_counted(stores: Stores) -> None:
    store, pages = stores
    hand_in(store)
    store.move("a", JobState.RUNNING)
    pages.add("a", 0, replace(read_page(2), verdict=Verdict.FAILED, error="torn"), [1, 2, 3])
    assert (store.job("a").processed_pages, store.job("a").failed_pages) == (1, 1)
    assert store.since("a", 2)[1] == []  # page 1 has its event before


# --- what is found


def test_owners_see_their_own(store: JobStore) -> None:
    hand_in(store, "a")
    assert store.job("a", "o")
    with pytest.raises(NotFound):
        store.job("a", "p")
    assert store.jobs("p", None, None, 10) == []


def test_jobs_come_newest_first_also_those_of_one_moment(store: JobStore) -> None:
    for name in "abcde":
        hand_in(store, name)
    with store._database.write() as db:
        db.execute("UPDATE jobs SET created = 1.1 WHERE id != 'e'")
    found, before = [], None
    while page := store.jobs("o", None, before, 2):
        found += [job.id for job in page]
        before = (page[-1].created, page[-1].id)
    assert found == list("edcba")


def test_deleting_leaves_no_row(stores: Stores) -> None:
    store, pages = stores
    hand_in(store, webhook_url="https://example.com/")
    store.move("a", JobState.RUNNING)
    pages.add("a", 0, read_page(1), [1])
    store.move("a", JobState.FAILED, error=Trouble("damaged_file", "t", "d", 422), errands=("webhook",))
    store.delete("a")
    with store._database.read() as db:
        tables = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert len(tables) >= 6
        for table in tables:
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


def test_only_finished_jobs_expire(store: JobStore) -> None:
    for name in "abc":
        hand_in(store, name)
    _finish(store, "a")
    store.move("b", JobState.RUNNING)
    assert store.expired(-1) == ["a"]
    assert store.expired(1000) == []
    assert (store.ids(finished=True), store.ids(finished=False)) == ({"a"}, {"b", "c"})
