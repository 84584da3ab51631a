"""The queue: bounded in pages and bytes whatever happens, and empty again afterwards."""

import asyncio
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission import Admission, Permit
from server.errors import Draining, QueueFull
from tests.unit.fakes import run_at_once

steps = st.lists(
    st.tuples(st.sampled_from(["enter", "pages", "left", "bytes", "leave"]), st.integers(0, 5), st.integers(1, 40)),
    max_size=40,
)


class Visitors:
    """Requests that come, ask for more or less, and go."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.inside: list[tuple[ExitStack, Permit]] = []

    def act(self, what: str, who: int, much: int) -> None:
        """One step of one request; QueueFull is an answer like any other."""
        try:
            if what == "enter":
                stack = ExitStack()
                self.inside.append((stack, stack.enter_context(self.admission.enter())))
            elif self.inside:
                stack, permit = self.inside[who % len(self.inside)]
                match what:
                    case "pages":
                        permit.set_pages(much)
                    case "left":
                        permit.pages_left(much)
                    case "bytes":
                        permit.grow_bytes(much)
                    case "leave":
                        self.inside.pop(who % len(self.inside))
                        stack.close()
        except QueueFull:
            pass

    def leave(self) -> None:
        """All of them go."""
        while self.inside:
            self.inside.pop()[0].close()


@given(st.integers(1, 20), st.integers(1, 100), steps)
def test_the_queue_never_holds_more_than_it_may(max_pages: int, max_bytes: int, wanted: list) -> None:
    admission = Admission(max_pages, max_bytes)
    visitors = Visitors(admission)

    for step in wanted:
        visitors.act(*step)

        assert 0 <= admission.pages <= max_pages
        assert 0 <= admission.bytes <= max_bytes
        assert admission.requests == len(visitors.inside)


@given(st.integers(1, 20), st.integers(1, 100), steps)
def test_everything_taken_is_given_back(max_pages: int, max_bytes: int, wanted: list) -> None:
    admission = Admission(max_pages, max_bytes)
    visitors = Visitors(admission)

    for step in wanted:
        visitors.act(*step)
    visitors.leave()

    assert (admission.pages, admission.bytes, admission.requests) == (0, 0, 0)


@given(st.integers(1, 50), st.integers(1, 10_000))
def test_a_long_document_takes_at_most_half_of_the_queue(max_pages: int, pages: int) -> None:
    admission = Admission(max_pages, 1)

    with admission.enter() as permit:
        permit.set_pages(pages)

        assert admission.pages == min(pages, max(1, max_pages // 2))


@given(st.integers(2, 50), st.integers(1, 10_000))
def test_beside_a_long_document_another_one_can_come_in(max_pages: int, pages: int) -> None:
    admission = Admission(max_pages, 1)

    with admission.enter() as long, admission.enter() as short:
        long.set_pages(pages)
        short.set_pages(1)

        assert admission.requests == 2


@given(st.integers(1, 1000), st.lists(st.floats(0, 1e6), max_size=20), st.integers(0, 1000))
def test_retry_after_is_between_a_second_and_two_minutes(max_pages: int, seconds: list[float], pages: int) -> None:
    admission = Admission(max_pages, 1)
    for each in seconds:
        admission.page_done(each)
    admission.pages = min(pages, max_pages)

    assert isinstance(admission.retry_after(), int)
    assert 1 <= admission.retry_after() <= 120


def test_retry_after_is_the_time_for_half_of_the_queue() -> None:
    admission = Admission(100, 1)
    for _ in range(100):
        admission.page_done(2.0)
    admission.reserve(pages=21)

    assert admission.retry_after() == 21  # 21 / 2 pages at 2 s each


def test_retry_after_follows_the_speed_of_the_newest_pages() -> None:
    admission = Admission(100, 1)
    admission.reserve(pages=20)
    before = admission.retry_after()
    admission.page_done(6.0)

    assert (before, admission.retry_after()) == (10, 20)  # 1 s a page, then 1 + 0.2 × 5


def test_a_full_queue_says_when_to_come_again() -> None:
    admission = Admission(1, 1)

    with admission.enter(), pytest.raises(QueueFull, match="1 pages are waiting or in work") as full:
        admission.enter()

    assert full.value.retry_after == 1
    admission.enter()


def test_a_refused_request_takes_nothing() -> None:
    admission = Admission(3, 10)

    with admission.enter() as permit:
        permit.grow_bytes(8)
        with pytest.raises(QueueFull):
            permit.grow_bytes(3)
        with pytest.raises(QueueFull):
            admission.reserve(pages=1, size=3)

        assert (admission.pages, admission.bytes) == (1, 8)


def test_places_of_pages_that_are_done_are_free_at_once() -> None:
    admission = Admission(10, 1)

    with admission.enter() as permit:
        permit.set_pages(5)
        permit.pages_left(2)
        assert admission.pages == 2
        permit.pages_left(4)
        assert admission.pages == 2
        permit.pages_left(0)
        assert admission.pages == 0
    assert admission.pages == 0


def test_of_a_long_document_places_come_free_when_fewer_pages_are_left_than_it_holds() -> None:
    admission = Admission(10, 1)

    with admission.enter() as permit:
        permit.set_pages(100)
        permit.pages_left(6)
        assert admission.pages == 5
        permit.pages_left(4)
        assert admission.pages == 4


def test_a_request_that_fails_gives_its_places_back() -> None:
    admission = Admission(10, 10)

    with pytest.raises(ZeroDivisionError), admission.enter() as permit:
        permit.set_pages(3)
        permit.grow_bytes(7)
        raise ZeroDivisionError

    assert (admission.pages, admission.bytes, admission.requests) == (0, 0, 0)


# --- the drain


def test_while_it_drains_nobody_comes_in() -> None:
    async def case() -> None:
        admission = Admission(10, 1)
        assert await admission.drain(1)
        with pytest.raises(Draining) as told:
            admission.enter()
        assert told.value.retry_after == 5
        assert (admission.pages, admission.requests) == (0, 0)

    run_at_once(case())


def test_the_drain_waits_for_the_last_request() -> None:
    async def case() -> None:
        admission = Admission(10, 1)
        first, second = admission.enter(), admission.enter()
        drain = asyncio.create_task(admission.drain(5))
        with first:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        assert not drain.done()
        with second:
            second.set_pages(4)  # who is in may go on
        assert await drain

    run_at_once(case())


def test_the_drain_gives_up_after_the_grace_time() -> None:
    async def case() -> None:
        admission = Admission(10, 1)
        with admission.enter():
            assert not await admission.drain(0.01)
            assert not await admission.drain(0)

    run_at_once(case())


def test_an_empty_server_drains_without_any_grace_time() -> None:
    async def case() -> None:
        admission = Admission(10, 1)
        with admission.enter():
            pass
        assert await admission.drain(0)

    run_at_once(case())
