"""Whose page is next."""

import asyncio

import pytest

from server.page_queue import PageQueue
from server.page_task import PageTask, Urgency
from tests.unit.fakes import page_input, run

NOW, SHORT, LONG = Urgency


def waiting(*urgencies: Urgency) -> tuple[PageQueue, list[PageTask]]:
    queue = PageQueue()
    tasks = [PageTask(page_input(number), {}, "req", urgency) for number, urgency in enumerate(urgencies, start=1)]
    for task in tasks:
        queue.append(task)
    return queue, tasks


def taken(queue: PageQueue) -> list[int]:
    order = []
    while queue.head():
        order.append(queue.take().page.number)
    return order


@pytest.mark.parametrize(
    ("urgencies", "order"),
    [
        ((NOW, NOW, NOW), [1, 2, 3]),
        ((LONG, SHORT, NOW), [3, 2, 1]),
        ((LONG, NOW, LONG, NOW), [2, 4, 1, 3]),
    ],
)
def test_the_more_urgent_go_first_and_among_equals_who_came_first(urgencies: list[Urgency], order: list[int]) -> None:
    async def case() -> None:
        assert taken(waiting(*urgencies)[0]) == order

    run(case())


def test_nobody_is_passed_over_for_ever() -> None:
    async def case() -> None:
        order = taken(waiting(LONG, LONG, SHORT, *[NOW] * 30)[0])
        assert order.index(3) == 8  # after eight more urgent ones
        assert order.index(1) == 9
        assert order.index(2) == 18

    run(case())


def test_a_lone_urgent_page_is_next_however_many_wait() -> None:
    async def case() -> None:
        queue, _ = waiting(*[LONG] * 300)
        for _ in range(20):
            queue.take()
        urgent = PageTask(page_input(999), {}, "req")
        queue.append(urgent)
        assert queue.take() is urgent

    run(case())


def test_what_nobody_waits_for_any_more_is_dropped() -> None:
    async def case() -> None:
        queue, tasks = waiting(NOW, NOW, LONG)
        tasks[0].answer.cancel()
        tasks[2].answer.cancel()
        assert taken(queue) == [2]
        assert queue.head() is None
        with pytest.raises(IndexError):
            queue.take()

    run(case())


def test_a_page_that_is_tried_again_goes_before_its_like_not_before_the_more_urgent() -> None:
    async def case() -> None:
        queue, tasks = waiting(LONG, LONG)
        queue.put_back(queue.take())
        urgent = PageTask(page_input(3), {}, "req")
        queue.append(urgent)
        assert taken(queue) == [3, 1, 2]
        assert not queue.remove(tasks[0])
        await asyncio.sleep(0)

    run(case())
