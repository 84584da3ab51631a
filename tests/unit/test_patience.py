"""Work goes on only while somebody wants it."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from server.errors import DamagedFile, DeadlineExceeded, Draining
from server.routes.patience import run_while_wanted
from server.services import Services
from tests.unit.fakes import run_at_once, until


class Caller:
    """A caller whose request has been read, and who may hang up."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.request = Request({"type": "http", "headers": []}, self.messages.get)

    def hang_up(self) -> None:
        """Close the connection."""
        self.messages.put_nowait({"type": "http.disconnect"})


class Work:
    """Something that takes long, and notices when it is stopped."""

    def __init__(self) -> None:
        self.begun = False
        self.stopped = False
        self.cleaned_up = False
        self.may_end = asyncio.Event()

    async def do(self) -> str:
        """The work."""
        self.begun = True
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.stopped = True
            await asyncio.sleep(0)
            self.cleaned_up = True
            raise
        return "done"


def services(timeout_s: float = 5) -> Any:
    """The two things that patience asks the server for."""
    return cast(
        "Services", SimpleNamespace(settings=SimpleNamespace(request_timeout_s=timeout_s), giving_up=asyncio.Event())
    )


def test_the_works_result_is_the_result() -> None:
    async def case() -> None:
        work = Work()
        work.may_end.set()
        assert await run_while_wanted(work.do(), Caller().request, services()) == "done"
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= 2

    run_at_once(case())


def test_the_works_error_is_raised_as_it_is() -> None:
    async def fail() -> None:
        raise DamagedFile("torn")

    async def case() -> None:
        with pytest.raises(DamagedFile, match=r"^torn$"):
            await run_while_wanted(fail(), Caller().request, services())

    run_at_once(case())


def test_the_deadline_stops_the_work() -> None:
    async def case() -> None:
        work = Work()
        with pytest.raises(DeadlineExceeded, match=r"longer than 0\.01 s"):
            await run_while_wanted(work.do(), Caller().request, services(0.01))
        assert (work.stopped, work.cleaned_up) == (True, True)

    run_at_once(case())


def test_a_caller_who_hangs_up_stops_the_work() -> None:
    async def case() -> None:
        work, caller = Work(), Caller()
        waiting = asyncio.create_task(run_while_wanted(work.do(), caller.request, services()))
        await until(lambda: work.begun)
        caller.hang_up()
        with pytest.raises(ClientDisconnect):
            await waiting
        assert (work.stopped, work.cleaned_up) == (True, True)

    run_at_once(case())


def test_other_messages_are_no_hanging_up() -> None:
    async def case() -> None:
        work, caller = Work(), Caller()
        caller.messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        waiting = asyncio.create_task(run_while_wanted(work.do(), caller.request, services()))
        await until(lambda: work.begun and caller.messages.empty())
        work.may_end.set()
        assert await waiting == "done"

    run_at_once(case())


def test_a_server_that_gives_up_stops_the_work() -> None:
    async def case() -> None:
        work, around = Work(), services()
        waiting = asyncio.create_task(run_while_wanted(work.do(), Caller().request, around))
        await until(lambda: work.begun)
        around.giving_up.set()
        with pytest.raises(Draining) as told:
            await waiting
        assert told.value.retry_after == 5
        assert work.cleaned_up

    run_at_once(case())


def test_work_that_is_done_in_the_same_moment_counts() -> None:
    async def case() -> None:
        work, caller, around = Work(), Caller(), services()
        waiting = asyncio.create_task(run_while_wanted(work.do(), caller.request, around))
        await until(lambda: work.begun)
        work.may_end.set()
        caller.hang_up()
        around.giving_up.set()
        assert await waiting == "done"

    run_at_once(case())


def test_an_error_while_the_work_is_stopped_does_not_hide_why() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise DamagedFile("late")

    async def case() -> None:
        with pytest.raises(DeadlineExceeded):
            await run_while_wanted(stubborn(), Caller().request, services(0.01))

    run_at_once(case())


def test_stopped_from_outside_it_stops_the_work() -> None:
    async def case() -> None:
        work = Work()
        waiting = asyncio.create_task(run_while_wanted(work.do(), Caller().request, services()))
        await until(lambda: work.begun)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert work.cleaned_up
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= 2  # the test and what holds its time: nothing waits for a caller any more

    run_at_once(case())
