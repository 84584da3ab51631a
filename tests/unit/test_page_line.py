"""Pages in a worker: whose time runs when, and who is tried again. The clock is the tests' own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from server.chat import Chat, ChatSampling, Ending, Said
from server.child import NotRecognisedError, WorkerDiedError
from server.documents import Page
from server.engines.base import Options, PageInput
from server.errors import BadRequest, DeadlineExceeded, EngineCrashed, OutOfSpace
from server.page_line import PageLine
from server.page_task import ChatTask, PageTask
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


def test_a_page_without_room_may_be_sent_again() -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), ByHand()
        [task] = await _fed(line, worker, 1)
        worker.answers[1].set_exception(NotRecognisedError("no room", OutOfSpace.code))
        with pytest.raises(OutOfSpace) as raised:
            await task.answer
        assert raised.value.retry_after

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


# --- chats


class Talker(ByHand):
    """A worker that says what the test says, of one chat."""

    said: Callable[[Said], None]

    ending: asyncio.Future[Ending]

    async def answer(  # type: ignore[override]
        self, chat: Chat, request_id: str, on_begun: Callable[[int], None], on_said: Callable[[Said], None]
    ) -> Ending:
        on_begun(1)
        self.said = on_said
        self.ending = asyncio.get_running_loop().create_future()
        return await self.ending

    async def kill(self) -> None:
        self.killed = True
        self.die()

    def die(self) -> None:
        if not self.ending.done():
            self.ending.set_exception(WorkerDiedError("killed by SIGKILL"))


ENDING = Ending("stop", 9, 3, 1.0)


async def _asked(line: PageLine, worker: Talker, folder: Path) -> tuple[ChatTask, list[str]]:
    heard: list[str] = []
    chat = Chat((), ChatSampling(), folder / "ticket")
    chat.ticket.touch()
    task = ChatTask(chat, "req", lambda said: heard.append(said.text))
    line.join(task, None)
    line.feed(worker)  # type: ignore[arg-type]
    await until(lambda: hasattr(worker, "ending"))
    return task, heard


def test_a_chat_is_said_piece_by_piece(tmp_path: Path) -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), Talker()
        task, heard = await _asked(line, worker, tmp_path)
        worker.said(Said("a"))
        worker.said(Said("b"))
        assert heard == ["a", "b"]
        worker.ending.set_result(ENDING)
        assert await task.answer == ENDING

    run_at_once(case())


def test_a_chat_that_has_said_nothing_is_asked_again_after_a_crash_and_no_other(tmp_path: Path) -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), Talker()
        task, heard = await _asked(line, worker, tmp_path)
        worker.die()
        await until(lambda: not line.in_work)
        again = Talker()
        assert line.feed(again) == 1  # type: ignore[arg-type]
        await until(lambda: hasattr(again, "ending"))
        again.said(Said("a"))
        again.die()
        with pytest.raises(EngineCrashed, match=r"^m stopped twice on a chat: killed by SIGKILL\.$"):
            await task.answer
        assert heard == ["a"]

        await until(lambda: not line.in_work)
        task, heard = await _asked(line, said := Talker(), tmp_path)
        said.said(Said("a"))
        said.die()
        with pytest.raises(EngineCrashed, match=r"^m stopped on a chat: killed by SIGKILL\.$"):
            await task.answer

    run_at_once(case())


def test_a_chat_that_takes_too_long_is_withdrawn(tmp_path: Path) -> None:
    """By a worker whose engine does not let go of pages, too."""

    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), Talker()
        task, _ = await _asked(line, worker, tmp_path)
        await until(lambda: not task.file.exists())
        worker.ending.set_exception(NotRecognisedError("withdrawn", None))
        with pytest.raises(DeadlineExceeded, match=r"^A chat took longer than 100 s\.$"):
            await task.answer
        assert not worker.killed

    run_at_once(case())


def test_what_is_said_to_nobody_is_not_heard(tmp_path: Path) -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), Talker()
        task, heard = await _asked(line, worker, tmp_path)
        task.answer.cancel()
        worker.said(Said("a"))
        assert heard == []
        worker.ending.set_exception(NotRecognisedError("withdrawn", None))
        await until(lambda: not line.in_work)

    run_at_once(case())


def test_what_the_caller_did_wrong_is_told_as_such(tmp_path: Path) -> None:
    async def case() -> None:
        line, worker = PageLine("m", LIMIT_S), Talker()
        task, _ = await _asked(line, worker, tmp_path)
        worker.ending.set_exception(NotRecognisedError("too long", BadRequest.code))
        with pytest.raises(BadRequest, match="too long"):
            await task.answer

    run_at_once(case())
