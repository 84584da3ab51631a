"""One model and its worker: no page is lost, none harms another, and every end has its reason."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from server import model_host
from server.child import NotRecognisedError, Worker
from server.documents import Page
from server.errors import (
    BadOption,
    DeadlineExceeded,
    EngineCrashed,
    EngineFailed,
    ModelLoading,
    ModelUnavailable,
    QueueFull,
)
from server.model_host import ModelHost, Policy
from server.states import ModelState
from tests.unit.fakes import (
    ENTRY,
    FakeWorker,
    FakeWorkers,
    Script,
    died,
    load_failed,
    page_input,
    read_at_once,
    read_page,
    room_for_all,
    run,
    run_at_once,
    until,
)

POLICY = Policy(
    paddlex_home=Path("/models"), load_timeout_s=5, page_timeout_s=5, max_pages=1000, max_rss_bytes=1_000_000
)


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_host, "_MAX_BACK_OFF_S", 0.0)


class Model:
    """A host, its fake workers, and the states that it has been in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, policy: Policy, workers: FakeWorkers) -> None:
        monkeypatch.setattr(Worker, "start", workers.start)
        self.workers = workers
        self.states: list[str] = []
        self.host = ModelHost(ENTRY, policy, room_for_all(), lambda host: self.states.append(host.state.value))

    async def read(self, number: int = 1, start_within_s: float | None = None) -> Page:
        """One page through the host."""
        return await self.host.recognise(page_input(number), {}, f"req_{number}", start_within_s=start_within_s)

    async def read_all(self, *numbers: int) -> list[Page | BaseException]:
        """Pages at once, each with its result or its error."""
        return await asyncio.gather(*map(self.read, numbers), return_exceptions=True)


@asynccontextmanager
async def loaded(
    monkeypatch: pytest.MonkeyPatch, script: Script = read_at_once, *, concurrency: int = 1, policy: Policy = POLICY
) -> AsyncIterator[Model]:
    """A loaded model whose worker reads pages as the script says; unloaded in the end."""
    model = Model(monkeypatch, policy, FakeWorkers(script, concurrency))
    await model.host.wait_loaded(5)
    try:
        yield model
    finally:
        await model.host.unload()


async def read_slowly(_: FakeWorker, page: int) -> list[Page]:
    """A page takes a moment."""
    await asyncio.sleep(0.02)
    return [read_page(page)]


def crash_on(number: int, times: int = 99) -> Script:
    """A script in which the worker dies of this page, so many times; the others take a moment."""
    left = times

    async def script(worker: FakeWorker, page: int) -> list[Page]:
        nonlocal left
        await asyncio.sleep(0.005)
        if page == number and left:
            left -= 1
            worker.die()
            await asyncio.Event().wait()
        await asyncio.sleep(0.005)
        return [read_page(page)]

    return script


def hang_on(number: int, times: int = 99) -> Script:
    """A script in which this page never comes back, so many times."""
    left = times

    async def script(_: FakeWorker, page: int) -> list[Page]:
        nonlocal left
        if page == number and left:
            left -= 1
            await asyncio.Event().wait()
        return [read_page(page)]

    return script


# --- pages


def test_pages_are_read_in_the_order_in_which_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch) as model:
            assert await model.read_all(3, 1, 2) == [read_page(3), read_page(1), read_page(2)]
            assert model.workers.begun == [3, 1, 2]

    run_at_once(case())


@pytest.mark.parametrize("concurrency", [1, 3])
def test_as_many_pages_are_in_work_as_the_worker_takes(monkeypatch: pytest.MonkeyPatch, concurrency: int) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, concurrency=concurrency) as model:
            assert model.host.concurrency == concurrency
            await model.read_all(*range(8))
            assert max(len(together) for _, together in model.workers.beginnings) == concurrency

    run_at_once(case())


def test_it_is_busy_while_it_reads_and_ready_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, read_slowly) as model:
            assert model.host.state is ModelState.READY
            reading = asyncio.create_task(model.read())
            await until(lambda: model.workers.busy)
            assert (model.host.state, model.host.loaded) == (ModelState.BUSY, True)
            await reading
            await until(lambda: model.host.state is ModelState.READY)
        assert model.states == ["loading", "ready", "busy", "ready", "draining", "idle"]

    run_at_once(case())


def test_an_error_of_the_engine_is_that_pages_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(_: FakeWorker, page: int) -> list[Page]:
        if page == 2:
            raise NotRecognisedError("ValueError: too small", None)
        return [read_page(page)]

    async def case() -> None:
        async with loaded(monkeypatch, script) as model:
            one, two, three = await model.read_all(1, 2, 3)
            assert (one, three) == (read_page(1), read_page(3))
            assert isinstance(two, EngineFailed)
            assert str(two) == "fake could not read a page: ValueError: too small"
            assert len(model.workers.started) == 1
            assert model.workers.begun == [1, 2, 3]  # not tried again

    run_at_once(case())


def test_a_mistake_of_ours_in_between_answers_the_request_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(_: FakeWorker, page: int) -> list[Page]:
        raise RuntimeError("the handler is closed")

    async def case() -> None:
        async with loaded(monkeypatch, script) as model:
            with pytest.raises(EngineFailed, match="the handler is closed"):
                await asyncio.wait_for(model.read(1), 1)

    run_at_once(case())


def test_what_the_engine_knows_that_the_caller_did_wrong_stays_that_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(_: FakeWorker, page: int) -> list[Page]:
        raise NotRecognisedError("lang: xyz is not installed.", BadOption.code)

    async def case() -> None:
        async with loaded(monkeypatch, script) as model:
            with pytest.raises(BadOption, match="xyz is not installed"):
                await model.read(1)

    run_at_once(case())


@pytest.mark.parametrize("results", [[], [read_page(1), read_page(1)]])
def test_an_engine_that_returns_not_one_result_for_a_page_has_failed(
    monkeypatch: pytest.MonkeyPatch, results: list[Page]
) -> None:
    async def script(_: FakeWorker, page: int) -> list[Page]:
        return results if page == 1 else [read_page(page)]

    async def case() -> None:
        async with loaded(monkeypatch, script) as model:
            with pytest.raises(EngineFailed):
                await asyncio.wait_for(model.read(1), 1)
            assert await model.read(2) == read_page(2)

    run_at_once(case())


# --- crashes


def test_a_page_whose_worker_died_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(1, times=1)) as model:
            assert await model.read(1) == read_page(1)
            assert [worker.begun for worker in model.workers.started] == [[1], [1]]
            assert model.host.restarts == 1

    run_at_once(case())


def test_a_page_that_kills_its_worker_twice_has_crashed_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(1)) as model:
            with pytest.raises(EngineCrashed, match=r"^fake stopped twice on a page: killed by SIGKILL\.$") as crashed:
                await model.read(1)
            assert crashed.value.retry_after == 5
            assert await model.read(2) == read_page(2)
            assert model.host.restarts == 2

    run_at_once(case())


def test_innocent_pages_beside_and_behind_the_one_that_kills_survive(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(2), concurrency=3) as model:
            results = await model.read_all(1, 2, 3, 4, 5, 6)
            assert isinstance(results.pop(1), EngineCrashed)
            assert results == [read_page(number) for number in (1, 3, 4, 5, 6)]

    run_at_once(case())


@pytest.mark.parametrize("killer", range(1, 7))
def test_a_suspect_is_read_alone(monkeypatch: pytest.MonkeyPatch, killer: int) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(killer), concurrency=3) as model:
            await model.read_all(*range(1, 7))
            tries: Counter[int] = Counter()
            for number, together in model.workers.beginnings:
                tries[number] += 1
                suspects = {each for each in together if tries[each] > 1}
                assert not suspects or together == suspects == {number}
            assert tries[killer] == 2

    run_at_once(case())


def test_after_the_suspects_the_others_are_read_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(1), concurrency=2) as model:
            await model.read_all(1, 2, 3, 4)
            assert model.workers.beginnings[-1] == (4, {3, 4})

    run_at_once(case())


def test_a_worker_that_dies_with_nothing_to_do_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch) as model:
            model.workers.started[0].die()
            await until(lambda: len(model.workers.started) == 2)
            assert await model.read(1) == read_page(1)
            assert model.states[:3] == ["loading", "ready", "loading"]

    run_at_once(case())


def test_pages_that_come_while_a_new_worker_loads_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch) as model:
            model.workers.loading_may_end.clear()
            model.workers.started[0].die()
            await until(lambda: model.host.state is ModelState.LOADING)
            reading = asyncio.create_task(model.read(1))
            await asyncio.sleep(0.01)
            assert not reading.done()
            model.workers.loading_may_end.set()
            assert await reading == read_page(1)

    run_at_once(case())


def test_deaths_with_pages_read_between_them_are_not_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash_on_odd_pages_once(worker: FakeWorker, page: int) -> list[Page]:
        if page % 2 and worker.begun != [page]:
            worker.die()
            await asyncio.Event().wait()
        return [read_page(page)]

    monkeypatch.setattr(model_host, "_MAX_BACK_OFF_S", 3600.0)

    async def case() -> None:
        async with loaded(monkeypatch, crash_on_odd_pages_once) as model:
            for number in range(10):
                assert await model.read(number) == read_page(number)
            assert model.host.restarts == 5

    run_at_once(case())


# --- hangs


def test_a_page_that_takes_too_long_is_tried_once_more_with_a_new_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        policy = replace(POLICY, page_timeout_s=0.03)
        async with loaded(monkeypatch, hang_on(1, times=1), policy=policy) as model:
            assert await model.read(1) == read_page(1)
            assert [worker.killed for worker in model.workers.started] == [True, False]

    run_at_once(case())


def test_a_page_that_takes_too_long_twice_is_over_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        policy = replace(POLICY, page_timeout_s=0.03)
        async with loaded(monkeypatch, hang_on(1), policy=policy) as model:
            one, two = await model.read_all(1, 2)
            assert isinstance(one, DeadlineExceeded)
            assert str(one) == "A page took longer than 0.03 s."
            assert two == read_page(2)

    run_at_once(case())


# --- recycling


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_worker_is_replaced_after_so_many_pages_and_none_is_lost(
    monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    async def case() -> None:
        policy = replace(POLICY, max_pages=4)
        async with loaded(monkeypatch, concurrency=concurrency, policy=policy) as model:
            assert await model.read_all(*range(1, 13)) == [read_page(number) for number in range(1, 13)]
            assert model.workers.begun == list(range(1, 13))
            for worker in model.workers.started[:-1]:
                assert 4 <= len(worker.begun) < 4 + concurrency
                assert worker.closed
                assert not worker.killed
                assert worker.in_work_when_closed == 0
            assert model.host.restarts == 0

    run_at_once(case())


def test_a_replaced_worker_drains_and_loads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, policy=replace(POLICY, max_pages=1)) as model:
            await model.read(1)
            await until(lambda: len(model.workers.started) == 2)
        assert model.states[:5] == ["loading", "ready", "busy", "draining", "loading"]

    run_at_once(case())


def test_a_worker_above_its_memory_is_replaced_between_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, concurrency=2) as model:
            model.workers.rss = lambda worker: 1_000_001 if len(worker.begun) >= 2 else 1_000_000
            assert await model.read_all(*range(1, 8)) == [read_page(number) for number in range(1, 8)]
            assert len(model.workers.started) >= 3
            for worker in model.workers.started[:-1]:
                assert worker.closed
                assert worker.in_work_when_closed == 0

    run_at_once(case())


def test_a_model_that_is_above_its_memory_from_the_start_still_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch) as model:
            model.workers.rss = lambda _: 1_000_001
            assert await model.read(1) == read_page(1)
            assert await model.read(2) == read_page(2)
            await asyncio.sleep(0.02)
            assert model.workers.loads <= 3  # not replaced for ever while there is nothing to do

    run_at_once(case())


# --- loading


def test_a_model_that_says_it_cannot_be_loaded_has_failed_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.load_failures = [load_failed("OSError: no weights")]
        with pytest.raises(ModelUnavailable, match=r"^fake could not be loaded: OSError: no weights$"):
            await model.host.wait_loaded(5)
        assert (model.host.state, model.host.reason) == (ModelState.FAILED, "OSError: no weights")
        assert model.workers.loads == 1  # trying again would not help
        with pytest.raises(ModelUnavailable):
            await model.read()

    run_at_once(case())


def test_pages_that_wait_for_a_model_that_fails_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.load_failures = [load_failed("OSError: no weights")]
        model.host.load()
        with pytest.raises(ModelUnavailable, match="no weights"):
            await model.read()

    run_at_once(case())


def test_a_failed_model_can_be_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.load_failures = [load_failed("not yet")]
        with pytest.raises(ModelUnavailable):
            await model.host.wait_loaded(5)
        await model.host.wait_loaded(5)
        assert (model.host.state, model.host.reason) == (ModelState.READY, None)
        assert await model.read() == read_page(1)
        await model.host.unload()
        assert model.states[:4] == ["loading", "failed", "loading", "ready"]

    run_at_once(case())


def test_a_worker_that_dies_while_loading_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.load_failures = [died(), died()]
        await model.host.wait_loaded(5)
        assert (model.workers.loads, model.host.restarts) == (3, 2)
        await model.host.unload()

    run_at_once(case())


def test_one_that_keeps_dying_is_given_up_after_longer_and_longer_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def at_once(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.load_failures = [died("exit code 1") for _ in range(9)]
        with pytest.raises(ModelUnavailable, match="its worker ended while loading: exit code 1"):
            await model.host.wait_loaded(5)
        assert model.host.state is ModelState.FAILED
        assert model.workers.loads == 5
        assert waits == [1, 2, 4, 8]

    monkeypatch.setattr(model_host, "_MAX_BACK_OFF_S", 30.0)
    monkeypatch.setattr(asyncio, "sleep", at_once)
    run_at_once(case())


def test_whoever_waits_too_long_for_a_model_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_host, "time", SimpleNamespace(monotonic=lambda: 0.0))

    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.loading_may_end.clear()
        with pytest.raises(ModelLoading, match="fake has been loading for 0 s") as loading:
            await model.host.wait_loaded(0.01)
        assert loading.value.retry_after == 10
        assert model.host.state is ModelState.LOADING  # and it goes on
        model.workers.loading_may_end.set()
        await model.host.wait_loaded(5)
        assert model.workers.loads == 1
        await model.host.unload()

    run_at_once(case())


def test_a_model_is_loaded_once_however_many_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        await asyncio.gather(*(model.host.wait_loaded(5) for _ in range(5)))
        model.host.load()
        assert model.workers.loads == 1
        await model.host.unload()

    run_at_once(case())


def test_a_model_that_this_machine_lacks_something_for_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        monkeypatch.setattr(Worker, "start", FakeWorkers().start)
        entry = replace(ENTRY, programs=("no-such-program",), install="make it")
        host = ModelHost(entry, POLICY, room_for_all(), lambda _: None)
        assert (host.state, host.reason) == (ModelState.ABSENT, "no-such-program not installed (make it)")
        for ask in (host.wait_loaded(1), asyncio.to_thread(host.load)):
            with pytest.raises(ModelUnavailable, match=r"^fake cannot run on this server: no-such-program"):
                await ask
        with pytest.raises(ModelUnavailable):
            await host.recognise(page_input(), {}, "req_1", start_within_s=1)
        await host.unload()
        assert host.state is ModelState.ABSENT

    run(case())


# --- unloading


def test_a_ready_model_is_unloaded_in_good_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch) as model:
            await model.host.unload()
            assert (model.host.state, model.host.loaded, model.host.worker) == (ModelState.IDLE, False, None)
            assert model.workers.started[0].closed
            with pytest.raises(ModelUnavailable) as told:
                await model.read()
            assert told.value.retry_after == 5
            await model.host.wait_loaded(5)
            assert await model.read() == read_page(1)

    run_at_once(case())


def test_a_busy_model_finishes_the_pages_in_work_and_turns_the_others_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, read_slowly) as model:
            reading = asyncio.create_task(model.read_all(1, 2, 3))
            await until(lambda: model.workers.busy)
            await model.host.unload()
            one, two, three = await reading
            assert one == read_page(1)
            assert isinstance(two, ModelUnavailable)
            assert isinstance(three, ModelUnavailable)
            assert model.workers.begun == [1]
            assert model.host.state is ModelState.IDLE

    run_at_once(case())


def test_a_model_that_loads_stops_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.loading_may_end.clear()
        model.host.load()
        waiting = asyncio.create_task(model.read())
        await until(lambda: model.workers.loads)
        await model.host.unload()
        assert model.host.state is ModelState.IDLE
        with pytest.raises(ModelUnavailable):
            await waiting
        model.workers.loading_may_end.set()
        await model.host.wait_loaded(5)
        assert model.host.loaded
        await model.host.unload()

    run_at_once(case())


def test_a_model_unloaded_at_the_moment_it_is_loaded_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.host.load()
        await model.host.unload()
        assert model.host.state is ModelState.IDLE
        await model.host.wait_loaded(1)
        await model.host.unload()

    run_at_once(case())


def test_unloading_between_two_attempts_to_load_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        monkeypatch.setattr(model_host, "_MAX_BACK_OFF_S", 30.0)
        model = Model(monkeypatch, POLICY, FakeWorkers())
        model.workers.load_failures = [died()]
        model.host.load()
        await until(lambda: model.host.restarts)
        await asyncio.wait_for(model.host.unload(), 1)
        assert (model.host.state, model.workers.loads) == (ModelState.IDLE, 1)

    run_at_once(case())


def test_a_model_whose_worker_dies_while_it_drains_ends_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(1)) as model:
            reading = asyncio.create_task(model.read_all(1))
            await until(lambda: model.workers.busy)
            await model.host.unload()
            [answer] = await reading
            assert isinstance(answer, ModelUnavailable)
            assert (model.host.state, len(model.workers.started)) == (ModelState.IDLE, 1)

    run_at_once(case())


def test_an_idle_model_has_nothing_to_unload(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        model = Model(monkeypatch, POLICY, FakeWorkers())
        await model.host.unload()
        assert (model.host.state, model.states) == (ModelState.IDLE, [])

    run_at_once(case())


# --- waiting in the line


def test_a_page_whose_turn_does_not_come_in_time_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, hang_on(1)) as model:
            first = asyncio.create_task(model.read(1))
            await until(lambda: model.workers.busy)
            with pytest.raises(QueueFull) as full:
                await model.read(2, start_within_s=0.02)
            assert full.value.retry_after == 10
            first.cancel()
            model.workers.started[0].die()
            assert await model.read(3) == read_page(3)
            assert 2 not in model.workers.begun

    run_at_once(case())


def test_a_page_in_work_is_not_given_up_when_the_time_to_begin_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(_: FakeWorker, page: int) -> list[Page]:
        await asyncio.sleep(0.05)
        return [read_page(page)]

    async def case() -> None:
        async with loaded(monkeypatch, script) as model:
            assert await model.read(1, start_within_s=0.01) == read_page(1)

    run_at_once(case())


def test_a_page_that_is_tried_again_is_not_given_up_either(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(1, times=1)) as model:
            model.workers.loading_may_end.clear()
            reading = asyncio.create_task(model.read(1, start_within_s=0.02))
            await asyncio.sleep(0.05)
            model.workers.loading_may_end.set()
            assert await reading == read_page(1)

    run_at_once(case())


def test_a_cancelled_request_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, read_slowly) as model:
            tasks = [asyncio.create_task(model.read(number)) for number in (1, 2, 3, 4)]
            await until(lambda: model.workers.busy)
            tasks[1].cancel()
            tasks[2].cancel()
            assert [await tasks[0], await tasks[3]] == [read_page(1), read_page(4)]
            assert model.workers.begun == [1, 4]

    run_at_once(case())


def test_a_request_cancelled_while_its_page_is_in_work_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case() -> None:
        async with loaded(monkeypatch, crash_on(1)) as model:
            first = asyncio.create_task(model.read(1))
            second = asyncio.create_task(model.read(2))
            await until(lambda: model.workers.busy)
            first.cancel()
            with suppress(asyncio.CancelledError):
                await first
            assert await second == read_page(2)
            assert model.workers.begun.count(1) == 1  # nobody wants it: it is not tried again

    run_at_once(case())
