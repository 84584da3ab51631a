"""Which models are loaded together: never too many, never one taken from a document, and nobody left behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from server import model_host
from server.child import Worker
from server.documents import Page
from server.errors import ModelLoading, ModelUnavailable
from server.gpu import Gpu
from server.model_host import ModelHost, Policy
from server.places import Places
from server.states import ModelState
from server.supervisor import Supervisor
from tests.unit.fakes import (
    ENTRY,
    FakeWorker,
    FakeWorkers,
    Script,
    died,
    load_failed,
    no_gpu,
    page_input,
    read_at_once,
    read_page,
    run_at_once,
    until,
)

POLICY = Policy(Path("/models"), load_timeout_s=5, page_timeout_s=5, max_pages=1000, max_rss_bytes=1_000_000)


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_host, "_MAX_BACK_OFF_S", 0.0)


async def a100() -> Gpu:
    """A GPU with 80 000 MB."""
    return Gpu("A100", 80_000)


class Models:
    """Models a, b, c, d of the GPU memory given, on fake workers."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *gpu_memory_mb: int,
        max_models: int = 0,
        gpu_share: float = 0.5,
        find_gpu: Callable[[], Awaitable[Gpu | None]] = no_gpu,
        script: Script = read_at_once,
        policy: Policy = POLICY,
    ) -> None:
        self.workers = FakeWorkers(script)
        monkeypatch.setattr(Worker, "start", self.workers.start)
        self.states: list[tuple[str, str]] = []
        sizes = dict(zip("abcd", gpu_memory_mb or (0, 0, 0, 0), strict=False))
        self.supervisor = Supervisor(
            {name: replace(ENTRY, name=name, gpu_memory_mb=size) for name, size in sizes.items()},
            policy,
            Places(max_models, gpu_share, find_gpu),
            lambda host: self.states.append((host.entry.name, host.state.value)),
        )

    def __getitem__(self, name: str) -> ModelHost:
        return self.supervisor.host(name)

    @property
    def loaded(self) -> str:
        """Names of the loaded models."""
        return "".join(name for name, host in self.supervisor.hosts.items() if host.loaded)

    @asynccontextmanager
    async def document(self, name: str, wait_s: float = 5) -> AsyncIterator[ModelHost]:
        """A document's time with its model."""
        with self[name].in_use():
            await self[name].wait_loaded(wait_s)
            yield self[name]

    async def read(self, name: str, *numbers: int, wait_s: float = 5) -> list[Page]:
        """A document of these pages, one after the other; as many as it names, or one."""
        async with self.document(name, wait_s) as host:
            return [await host.recognise(page_input(number), {}, "req", start_within_s=5) for number in numbers or (1,)]


def closing_slowly(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Workers end when this is set."""
    may_end = asyncio.Event()
    close = FakeWorker.close

    async def wait_then_close(worker: FakeWorker) -> None:
        await may_end.wait()
        await close(worker)

    monkeypatch.setattr(FakeWorker, "close", wait_then_close)
    return may_end


def models(test: Callable[[Models], Awaitable[None]], made: Models) -> None:
    """Run a test over models, which are closed in the end and leave nothing."""

    async def case() -> None:
        await test(made)
        await made.supervisor.close()
        assert made.workers.alive == []
        assert {host.state for host in made.supervisor.hosts.values()} <= {ModelState.IDLE, ModelState.FAILED}

    run_at_once(case())


# --- how many


def test_without_a_limit_all_stay_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(all_: Models) -> None:
        for name in "abcd":
            await all_.read(name)
        assert all_.loaded == "abcd"

    models(test, Models(monkeypatch))


def test_the_one_unused_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(two: Models) -> None:
        for name, loaded in [("a", "a"), ("b", "ab"), ("a", "ab"), ("c", "ac"), ("a", "ac"), ("b", "ab"), ("d", "bd")]:
            assert await two.read(name) == [read_page(1)]
            assert two.loaded == loaded
        assert two.workers.most_alive == 2

    models(test, Models(monkeypatch, max_models=2))


def test_a_model_that_was_loaded_and_never_used_counts_from_then(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(two: Models) -> None:
        await two.read("a")
        two.supervisor.load("b")
        await two["b"].wait_loaded(5)
        await two.read("c")
        assert two.loaded == "bc"

    models(test, Models(monkeypatch, max_models=2))


def test_it_is_closed_in_good_order_before_the_other_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        await one.read("a")
        with capture_logs() as lines:
            await one.read("b")
        first, _ = one.workers.started
        assert (first.model, first.closed, first.killed) == ("a", True, False)
        assert one.workers.most_alive == 1
        assert {"event": "model makes room", "model": "a", "makes_room_for": "b", "log_level": "info"} in lines
        assert [state for name, state in one.states if name == "a"] == [
            *("loading", "ready", "busy", "ready", "draining", "idle")
        ]

    models(test, Models(monkeypatch, max_models=1))


def test_two_asked_for_at_once_are_served_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        assert await asyncio.gather(one.read("a", 1, 2), one.read("b", 3, 4)) == [
            [read_page(1), read_page(2)],
            [read_page(3), read_page(4)],
        ]
        assert [worker.begun for worker in one.workers.started] == [[1, 2], [3, 4]]
        assert one.workers.most_alive == 1

    models(test, Models(monkeypatch, max_models=1))


def test_no_more_make_room_than_have_to_while_one_is_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(two: Models) -> None:
        await two.read("a")
        await two.read("b")
        workers_may_end = closing_slowly(monkeypatch)
        newcomer = asyncio.create_task(two.read("c"))
        await until(lambda: two["a"].state is ModelState.DRAINING)
        await two.read("b")
        assert two.loaded == "b"
        workers_may_end.set()
        await newcomer
        assert two.loaded == "bc"

    models(test, Models(monkeypatch, max_models=2))


def test_two_newcomers_have_two_make_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(two: Models) -> None:
        await two.read("a")
        await two.read("b")
        workers_may_end = closing_slowly(monkeypatch)
        newcomers = asyncio.gather(two.read("c"), two.read("d"))
        await until(lambda: two["a"].state is two["b"].state is ModelState.DRAINING)
        workers_may_end.set()
        await newcomers
        assert two.loaded == "cd"

    models(test, Models(monkeypatch, max_models=2))


def test_a_model_that_has_its_place_waits_for_room_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a"):
            one.workers.loading_may_end.clear()
            newcomer = asyncio.create_task(one.read("b"))
            await until(lambda: one["b"].reason)
        await until(lambda: one.workers.loads == 2)
        assert (one["b"].state, one["b"].reason) == (ModelState.LOADING, None)
        one.workers.loading_may_end.set()
        await newcomer

    models(test, Models(monkeypatch, max_models=1))


@pytest.mark.parametrize("places", [1, 2, 3])
def test_whatever_is_asked_for_all_of_it_is_read(monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    async def test(few: Models) -> None:
        names = "abcdabdcabcdddacbbca"
        assert await asyncio.gather(*(few.read(name, 1, 2, 3) for name in names)) == [
            [read_page(1), read_page(2), read_page(3)] for _ in names
        ]
        assert few.workers.most_alive == places

    models(test, Models(monkeypatch, max_models=places))


# --- in use


def test_a_model_in_use_is_not_taken_between_two_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a") as a:
            newcomer = asyncio.create_task(one.read("b"))
            await until(lambda: one["b"].reason)
            assert a.state is ModelState.READY
            assert (one["b"].state, one["b"].reason) == (ModelState.LOADING, "waiting for room: taken by a")
            for number in (1, 2, 3):
                assert await a.recognise(page_input(number), {}, "req", start_within_s=5) == read_page(number)
            assert one.workers.alive == ["a"]
        assert await newcomer == [read_page(1)]
        assert (one.loaded, one["b"].reason) == ("b", None)

    models(test, Models(monkeypatch, max_models=1))


def test_the_last_of_several_documents_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a"):
            async with one.document("a"):
                newcomer = asyncio.create_task(one.read("b"))
                await until(lambda: one["b"].reason)
            assert one.loaded == "a"
        assert await newcomer == [read_page(1)]

    models(test, Models(monkeypatch, max_models=1))


def test_of_two_the_one_not_in_use_makes_room_though_it_was_used_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(two: Models) -> None:
        async with two.document("a"):
            await two.read("b")
            await two.read("c")
            assert two.loaded == "ac"

    models(test, Models(monkeypatch, max_models=2))


def test_a_document_that_comes_while_its_model_makes_room_waits_and_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        await one.read("a")
        workers_may_end = closing_slowly(monkeypatch)
        newcomer = asyncio.create_task(one.read("b"))
        await until(lambda: one["a"].state is ModelState.DRAINING)
        back = asyncio.create_task(one.read("a", 7))
        await asyncio.sleep(0.005)
        workers_may_end.set()
        assert (await newcomer, await back) == ([read_page(1)], [read_page(7)])
        assert [worker.model for worker in one.workers.started] == ["a", "b", "a"]

    models(test, Models(monkeypatch, max_models=1))


def test_a_model_that_loads_finishes_that_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        one.workers.loading_may_end.clear()
        one.supervisor.load("a")
        newcomer = asyncio.create_task(one.read("b"))
        await until(lambda: one["b"].reason)
        assert not one["a"].available
        one.workers.loading_may_end.set()
        assert await newcomer == [read_page(1)]
        assert ("a", "ready") in one.states

    models(test, Models(monkeypatch, max_models=1))


# --- waiting in vain


def test_whoever_waits_too_long_for_room_is_told_what_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_host, "time", SimpleNamespace(monotonic=lambda: 0.0))

    async def test(one: Models) -> None:
        async with one.document("a"):
            with pytest.raises(ModelLoading, match=r"loading for 0 s \(waiting for room: taken by a\)") as loading:
                await one.read("b", wait_s=0.01)
            assert loading.value.retry_after == 10
        await until(lambda: one.loaded == "b")  # as it would have gone on loading

    models(test, Models(monkeypatch, max_models=1))


def test_a_document_cancelled_while_it_waits_for_room_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a"):
            newcomer = asyncio.create_task(one.read("b"))
            await until(lambda: one["b"].reason)
            newcomer.cancel()
            with suppress(asyncio.CancelledError):
                await newcomer
        await until(lambda: one.loaded == "b")
        await one.read("a")  # takes the place of b: nobody uses it
        assert one.loaded == "a"

    models(test, Models(monkeypatch, max_models=1))


def test_a_model_unloaded_while_it_waits_for_room_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a"):
            newcomer = asyncio.create_task(one.read("b"))
            await until(lambda: one["b"].reason)
            await one["b"].unload()
            assert (one["b"].state, one["b"].reason) == (ModelState.IDLE, None)
            with pytest.raises(ModelUnavailable):
                await newcomer
        await asyncio.sleep(0.005)
        assert one.loaded == "a"

    models(test, Models(monkeypatch, max_models=1))


def test_a_model_unloaded_by_hand_makes_room_for_the_one_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a"):
            newcomer = asyncio.create_task(one.read("b"))
            await until(lambda: one["b"].reason)
            await one["a"].unload()
            assert await newcomer == [read_page(1)]

    models(test, Models(monkeypatch, max_models=1))


def test_a_model_unloaded_while_it_makes_room_is_not_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        await one.read("a")
        newcomer = asyncio.create_task(one.read("b"))
        await until(lambda: not one["a"].loaded or one["b"].reason)
        back = asyncio.create_task(one.read("a"))
        await asyncio.sleep(0)
        await one["a"].unload()
        with pytest.raises(ModelUnavailable, match="being unloaded"):
            await back
        assert await newcomer == [read_page(1)]

    models(test, Models(monkeypatch, max_models=1))


def test_shutting_down_while_one_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a"):
            waiting = [asyncio.create_task(one.read(name)) for name in "bcd"]
            await until(lambda: all(one[name].reason for name in "bcd"))
            await one.supervisor.close()
            for told in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(told, ModelUnavailable)
        assert [worker.model for worker in one.workers.started] == ["a"]

    models(test, Models(monkeypatch, max_models=1))


# --- who keeps a place and who loses it


def test_a_worker_that_is_replaced_keeps_its_models_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        async with one.document("a") as a:
            newcomer = asyncio.create_task(one.read("b"))
            await until(lambda: one["b"].reason)
            for number in (1, 2, 3):
                assert await a.recognise(page_input(number), {}, "req", start_within_s=5) == read_page(number)
        await newcomer
        assert [worker.model for worker in one.workers.started][:3] == ["a", "a", "a"]
        assert one.workers.most_alive == 1

    models(test, Models(monkeypatch, max_models=1, policy=replace(POLICY, max_pages=1)))


def test_a_worker_that_died_keeps_its_models_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash_once(worker: FakeWorker, page: int) -> list[Page]:
        if worker.pid == 1000:
            worker.die()
            await asyncio.Event().wait()
        return [read_page(page)]

    async def test(one: Models) -> None:
        a, b = asyncio.create_task(one.read("a")), asyncio.create_task(one.read("b", 2))
        assert (await a, await b) == ([read_page(1)], [read_page(2)])
        assert [worker.model for worker in one.workers.started] == ["a", "a", "b"]

    models(test, Models(monkeypatch, max_models=1, script=crash_once))


@pytest.mark.parametrize("failures", [[load_failed("no weights")], [died()] * 5])
def test_a_model_that_could_not_be_loaded_leaves_its_place(
    monkeypatch: pytest.MonkeyPatch, failures: list[Exception]
) -> None:
    async def test(one: Models) -> None:
        one.workers.load_failures = [*failures]
        a, b = asyncio.create_task(one.read("a")), asyncio.create_task(one.read("b"))
        with pytest.raises(ModelUnavailable, match="could not be loaded"):
            await a
        assert await b == [read_page(1)]

    models(test, Models(monkeypatch, max_models=1))


# --- memory of the GPU


def test_models_share_the_gpus_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(gpu: Models) -> None:
        await gpu.read("a")
        await gpu.read("b")
        assert gpu.loaded == "ab"
        await gpu.read("c")
        assert gpu.loaded == "bc"

    models(test, Models(monkeypatch, 20_000, 20_000, 20_000, find_gpu=a100))


def test_as_many_make_room_as_a_large_one_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(gpu: Models) -> None:
        for name in "abc":
            await gpu.read(name)
        await gpu.read("d")
        assert gpu.loaded == "cd"

    models(test, Models(monkeypatch, 10_000, 10_000, 10_000, 30_000, find_gpu=a100))


def test_only_those_make_room_whose_memory_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(gpu: Models) -> None:
        await gpu.read("a")  # runs on the CPU
        await gpu.read("b")
        await gpu.read("c")
        assert gpu.loaded == "ac"

    models(test, Models(monkeypatch, 0, 30_000, 30_000, find_gpu=a100))


def test_of_those_that_need_not_make_room_the_one_used_last_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(gpu: Models) -> None:
        for name in "abc":
            await gpu.read(name)
        await gpu.read("d")
        assert gpu.loaded == "bd"

    models(test, Models(monkeypatch, 10_000, 10_000, 20_000, 30_000, find_gpu=a100))


def test_room_that_is_being_made_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(gpu: Models) -> None:
        await gpu.read("a")
        workers_may_end = closing_slowly(monkeypatch)
        large = asyncio.create_task(gpu.read("b"))
        await until(lambda: gpu["a"].state is ModelState.DRAINING)
        small = asyncio.create_task(gpu.read("c"))
        await until(lambda: gpu["c"].reason)
        workers_may_end.set()
        await large
        await small
        assert [worker.model for worker in gpu.workers.started] == ["a", "b", "c"]

    models(test, Models(monkeypatch, 20_000, 40_000, 20_000, find_gpu=a100))


def test_a_large_one_takes_nobodys_place_before_all_it_needs_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(gpu: Models) -> None:
        async with gpu.document("a"):
            await gpu.read("b")
            large = asyncio.create_task(gpu.read("d"))
            await until(lambda: gpu["d"].reason)
            assert gpu.loaded == "ab"
            await gpu.read("c")  # there is room for it meanwhile
            assert gpu.loaded == "abc"
        await large
        assert gpu.loaded == "d"

    models(test, Models(monkeypatch, 10_000, 10_000, 10_000, 40_000, find_gpu=a100))


def test_one_larger_than_the_budget_fails_and_says_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(gpu: Models) -> None:
        await gpu.read("a")
        with pytest.raises(ModelUnavailable, match="could not be loaded"):
            await gpu.read("b")
        assert gpu["b"].state is ModelState.FAILED
        assert gpu["b"].reason == "it takes 40001 MB of GPU memory, and all models may take 40000 MB together"
        assert gpu.loaded == "a"
        assert len(gpu.workers.started) == 1

    models(test, Models(monkeypatch, 40_000, 40_001, find_gpu=a100))


def test_without_a_gpu_memory_is_nobodys_business(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(cpu: Models) -> None:
        await cpu.read("a")
        await cpu.read("b")
        assert cpu.loaded == "ab"

    models(test, Models(monkeypatch, 40_000, 40_001))


def test_models_on_the_cpu_do_not_look_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_look() -> None:
        raise AssertionError

    async def test(cpu: Models) -> None:
        await cpu.read("a")

    models(test, Models(monkeypatch, find_gpu=no_look))


# --- what health says


def test_a_model_that_made_room_is_still_available(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        a = one["a"]
        assert not a.available
        await one.read("a")
        async with one.document("b"):
            assert (a.state, a.available) == (ModelState.IDLE, True)
            back = asyncio.create_task(one.read("a"))
            await until(lambda: a.reason)
            assert (a.state, a.available) == (ModelState.LOADING, True)
        await back
        assert a.available
        await a.unload()
        assert not a.available

    models(test, Models(monkeypatch, max_models=1))


def test_it_is_not_when_loading_it_again_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        await one.read("a")
        await one.read("b")
        one.workers.load_failures = [load_failed("no memory")]
        with pytest.raises(ModelUnavailable):
            await one.read("a")
        assert not one["a"].available
        await one.read("a")
        assert one["a"].available

    models(test, Models(monkeypatch, max_models=1))


def test_nor_when_a_caller_unloads_it_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        await one.read("a")
        await one.read("b")
        await one["a"].unload()
        assert not one["a"].available

    models(test, Models(monkeypatch, max_models=1))


def test_it_is_available_at_every_step_of_making_room_and_coming_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        await one.read("a")
        turns = asyncio.create_task(_take_turns(one))
        while not turns.done():
            assert one["a"].available
            await asyncio.sleep(0)
        await turns

    models(test, Models(monkeypatch, max_models=1))


async def _take_turns(one: Models) -> None:
    for name in "bababa":
        await one.read(name)


def test_a_share_of_its_own_goes_before_the_estimate_and_reaches_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of 80 000 MB may be taken: 0.4 of the GPU leave room for 8 000 MB and not for 8 001."""

    async def test(three: Models) -> None:
        three["a"].entry = replace(three["a"].entry, gpu_memory_share=0.4)
        await three.read("a")
        await three.read("b")
        assert three.loaded == "ab"
        await three.read("c")
        assert three.loaded == "bc"
        assert three.workers.shares == [0.4, 0.1, 8001 / 80_000]

    models(test, Models(monkeypatch, 10_000, 8_000, 8_001, find_gpu=a100))


def test_a_share_that_is_more_than_all_may_take_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        one["a"].entry = replace(one["a"].entry, gpu_memory_share=0.6)
        with pytest.raises(ModelUnavailable, match="48000 MB of GPU memory, and all models may take 40000 MB together"):
            await one.read("a")

    models(test, Models(monkeypatch, 10_000, find_gpu=a100))


def test_without_a_gpu_no_share_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(one: Models) -> None:
        await one.read("a")
        assert one.workers.shares == [None]

    models(test, Models(monkeypatch, 10_000))
