"""Readings that are shared: who holds what, and until when."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from server.documents import Document, FileType
from server.errors import EngineFailed
from server.flights import Flights
from tests.unit.fakes import run_at_once

DOCUMENT = Document(FileType.PDF, 1, ())


class Case:
    """One kind of request, asked by several callers."""

    def __init__(self) -> None:
        self.flights = Flights()
        self.go_on = asyncio.Event()
        self.readings = 0
        self.given_back: list[int] = []
        self.error: Exception | None = None

    async def read(self) -> Document:
        self.readings += 1
        try:
            await self.go_on.wait()
        finally:
            await asyncio.sleep(0.01)  # what a reading has to clear away
        if self.error:
            raise self.error
        return DOCUMENT

    async def ask(self, number: int) -> bool:
        async with AsyncExitStack() as held:
            held.callback(self.given_back.append, number)
            document, shared = await held.enter_async_context(self.flights.share("key", held, self.read))
            assert document is DOCUMENT
            return shared

    def caller(self, number: int) -> "asyncio.Task[bool]":
        return asyncio.create_task(self.ask(number))


def test_callers_share_one_reading() -> None:
    async def case() -> None:
        it = Case()
        callers = [it.caller(number) for number in range(3)]
        await asyncio.sleep(0)
        it.go_on.set()
        assert await asyncio.gather(*callers) == [False, True, True]
        assert it.readings == 1
        assert sorted(it.given_back) == [0, 1, 2]
        assert await it.ask(3) is False  # what is over is over

    run_at_once(case())


def test_what_the_first_one_holds_stays_until_the_last_has_left() -> None:
    async def case() -> None:
        it = Case()
        first, second = it.caller(1), it.caller(2)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        assert it.given_back == []
        it.go_on.set()
        assert await second is True
        assert sorted(it.given_back) == [1, 2]

    run_at_once(case())


@pytest.mark.parametrize("cancels", [1, 2, 5])
def test_however_often_the_last_one_is_cancelled_all_is_given_back(cancels: int) -> None:
    async def case() -> None:
        it = Case()
        caller = it.caller(1)
        await asyncio.sleep(0)
        for _ in range(cancels):
            caller.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with suppress(asyncio.CancelledError):
            await caller
        await asyncio.sleep(0.1)
        assert it.given_back == [1]

    run_at_once(case())


def test_who_comes_after_a_failure_tries_for_himself() -> None:
    async def case() -> None:
        it = Case()
        it.error = EngineFailed("torn")
        it.go_on.set()
        stays = asyncio.Event()

        async def stay() -> None:
            async with AsyncExitStack() as held:
                with pytest.raises(EngineFailed):
                    await held.enter_async_context(it.flights.share("key", held, it.read))
                await stays.wait()

        staying = asyncio.create_task(stay())
        await asyncio.sleep(0.05)
        it.error = None
        assert await it.ask(2) is False
        assert it.readings == 2
        stays.set()
        await staying

    run_at_once(case())
