"""Pages in a worker: whose time runs when, and who is tried again. The clock is the tests' own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from server.child import NotRecognisedError, WorkerDiedError
from server.documents import Page
from server.engines.base import Options, PageInput
from server.errors import DeadlineExceeded
from server.page_line import PageLine
from server.page_task import PageTask
from tests.unit.fakes import page_input, read_page, run_at_once, until

LIMIT_S = 100.0


class ByHand:
    """A worker that begins and answers when the test says so."""

    concurrency = 4
    withdraws = False

    def __init__(self) -> None:
        self.begun: dict[int, Callable[[int], None]] = {}
        self.answers: dict[int, asyncio.Future[tuple[Page, ...]]] = {}
        self.killed = False

    async def recognise(
        self, pages: tuple[PageInput, ...], options: Options, request_id: str, on_begun: Callable[[int], None]
    ) -> tuple[Page, ...]:
        [page] = pages
        self.begun[page.number] = on_begun
        self.answers[page.number] = asyncio.get_running_loop().create_future()
        return await self.answers[page.number]

    async def kill(self) -> None:
        self.killed = True
        for answer in self.answers.values():
            if not answer.done():
                answer.set_exception(WorkerDiedError("killed"))

    def begin(self, *numbers: int) -> None:
        for number in numbers:
            self.begun[number](len(numbers))

    def answer(self, *numbers: int) -> None:
        for number in numbers:
            self.answers[number].set_result((read_page(number),))


async def _fed(line: PageLine, worker: ByHand, *numbers: int) -> list[PageTask]:
    tasks = [PageTask(page_input(number), {}, "req") for number in numbers]
    for task in tasks:
        line.join(task, None)
    line.feed(worker)  # type: ignore[arg-type]
    await until(lambda: set(numbers) <= set(worker.begun))
    return tasks


def test_pages_begun_together_have_the_time_of_all_of_them() -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), ByHand()
        tasks = await _fed(line, worker, 1, 2, 3)
        worker.begin(1, 2, 3)
        await asyncio.sleep(2.2 * LIMIT_S)
        worker.answer(1, 2, 3)
        assert [(await task.answer).number for task in tasks] == [1, 2, 3]
        assert not worker.killed

    run_at_once(case())


def test_a_page_behind_them_waits_as_long_as_they_may_take() -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), ByHand()
        await _fed(line, worker, 1)
        worker.begin(1)
        waiting = await _fed(line, worker, 2, 3, 4)
        worker.answer(1)
        worker.begin(2, 3)
        await asyncio.sleep(1.8 * LIMIT_S)
        worker.answer(2, 3)
        await asyncio.sleep(0.8 * LIMIT_S)
        worker.begin(4)
        await asyncio.sleep(0.8 * LIMIT_S)
        worker.answer(4)
        assert [(await task.answer).number for task in waiting] == [2, 3, 4]
        assert not worker.killed

    run_at_once(case())


def test_a_worker_that_begins_nothing_is_ended_and_its_pages_have_lost_no_try() -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), ByHand()
        tasks = await _fed(line, worker, 1, 2)
        await until(lambda: worker.killed)
        await until(lambda: not line.in_work)
        assert [task.tries for task in tasks] == [0, 0]
        again = ByHand()
        assert line.feed(again) == 2  # type: ignore[arg-type]
        await until(lambda: len(again.begun) == 2)
        again.answer(1, 2)
        assert {(await task.answer).number for task in tasks} == {1, 2}

    run_at_once(case())


def test_a_page_that_hangs_twice_is_given_up_and_those_with_it_are_read() -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), ByHand()
        [hanging, fine] = await _fed(line, worker, 1, 2)
        worker.begin(1, 2)
        await until(lambda: worker.killed)
        await until(lambda: not line.in_work)
        for _ in range(2):  # each alone, in whichever order
            alone = ByHand()
            assert line.feed(alone) == 1  # type: ignore[arg-type]
            await until(alone.begun.copy)
            [number] = alone.begun
            alone.begin(number)
            if number == 2:
                alone.answer(2)
            await until(lambda: not line.in_work)
        assert (await fine.answer).number == 2
        with pytest.raises(DeadlineExceeded):
            await hanging.answer

    run_at_once(case())


def test_a_page_that_takes_too_long_is_taken_from_a_worker_that_lets_go_and_the_others_go_on(tmp_path: Path) -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), ByHand()
        worker.withdraws = True
        slow, other = (PageTask(page_input(number, tmp_path), {}, "req") for number in (1, 2))
        for task in (slow, other):
            task.page.path.touch()
            line.join(task, None)
        line.feed(worker)  # type: ignore[arg-type]
        await until(lambda: len(worker.begun) == 2)
        worker.begin(1)
        await asyncio.sleep(LIMIT_S / 2)
        worker.begin(2)
        await until(lambda: not slow.page.path.exists())
        worker.answers[1].set_exception(NotRecognisedError("withdrawn", None))
        with pytest.raises(DeadlineExceeded):
            await slow.answer
        assert slow.page.path.exists()
        worker.answer(2)
        assert (await other.answer).number == 2
        assert not worker.killed

    run_at_once(case())


def test_a_worker_that_does_not_let_go_is_ended_and_the_page_tried_again(tmp_path: Path) -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), ByHand()
        worker.withdraws = True
        task = PageTask(page_input(1, tmp_path), {}, "req")
        task.page.path.touch()
        line.join(task, None)
        line.feed(worker)  # type: ignore[arg-type]
        await until(lambda: worker.begun)
        worker.begin(1)
        await until(lambda: worker.killed)
        await until(lambda: not line.in_work)
        assert task.page.path.exists()
        again = ByHand()
        assert line.feed(again) == 1  # type: ignore[arg-type]
        await until(lambda: again.begun)
        again.answer(1)
        assert (await task.answer).number == 1

    run_at_once(case())
