"""The GPU as its driver states it, or none; a driver that is slow is asked once."""

import asyncio
import ctypes
import sys
import threading
from types import SimpleNamespace

import pynvml
import pytest

from server import gpu
from server.gpu import FirstGpu, Gpu, GpuMemory
from tests.unit.fakes import run


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a driver with one GPU is asked, in order."""
    asked: list[str] = []

    def answers(name: str, answer: object = None) -> None:
        def function(*_: object) -> object:
            asked.append(name)
            return answer

        monkeypatch.setattr(pynvml, name, function)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    monkeypatch.setattr(gpu, "_PATIENCE_S", 60)  # with a machine that is busy; this driver answers at once
    answers("nvmlInit")
    answers("nvmlDeviceGetCount", 1)
    answers("nvmlDeviceGetHandleByIndex")
    answers("nvmlDeviceGetName", "NVIDIA A100-SXM4-80GB")
    answers("nvmlDeviceGetMemoryInfo", SimpleNamespace(total=81920 * 1024 * 1024, used=1024))
    answers("nvmlShutdown")
    return asked


def fails(*_: object) -> object:
    """The driver's own error."""
    raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)


def test_the_first_gpu_and_its_memory(calls: list[str]) -> None:
    assert gpu.find() == Gpu("NVIDIA A100-SXM4-80GB", 81920)
    assert (calls[0], calls[-1]) == ("nvmlInit", "nvmlShutdown")


def test_without_the_drivers_library_nothing_is_loaded_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it would raise ImportError
    assert gpu.find() is None


def test_a_driver_without_a_gpu(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 0)
    assert gpu.find() is None
    assert calls[-1] == "nvmlShutdown"


@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetMemoryInfo"])
def test_a_driver_that_fails_is_no_gpu(calls: list[str], monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    monkeypatch.setattr(pynvml, function, fails)
    assert gpu.find() is None
    assert ("nvmlInit" in calls) == ("nvmlShutdown" in calls)


def test_it_is_looked_for_once_however_many_ask(calls: list[str]) -> None:
    async def case() -> None:
        first = FirstGpu()
        assert calls == []
        found = await asyncio.gather(*(first() for _ in range(5)))
        assert {each.name for each in found if each} == {"NVIDIA A100-SXM4-80GB"}
        assert calls.count("nvmlInit") == 1

    run(case())


def test_one_who_asked_and_went_away_takes_the_answer_from_nobody(calls: list[str]) -> None:
    async def case() -> None:
        first = FirstGpu()
        gone, stays = asyncio.create_task(first()), asyncio.create_task(first())
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays == Gpu("NVIDIA A100-SXM4-80GB", 81920)

    run(case())


def test_its_memory_is_looked_up_each_time(calls: list[str]) -> None:
    memory = GpuMemory()
    assert memory() == memory() == (1024, 81920 * 1024 * 1024)
    assert calls.count("nvmlDeviceGetMemoryInfo") == calls.count("nvmlShutdown") == 2


def test_a_driver_that_hangs_is_asked_once_and_waited_for_no_longer(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_answer, hangs, asked = threading.Event(), threading.Event(), []

    def hang() -> None:
        asked.append(1)
        hangs.set()
        may_answer.wait(60)

    monkeypatch.setattr(gpu, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(pynvml, "nvmlInit", hang)
    memory = GpuMemory()
    assert [memory(), memory(), memory()] == [None] * 3
    assert hangs.wait(60)
    assert memory() is None
    assert len(asked) == 1
    may_answer.set()
    monkeypatch.setattr(gpu, "_PATIENCE_S", 60)
    assert memory() == (1024, 81920 * 1024 * 1024)


def test_of_a_driver_that_fails_nothing_is_told(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    memory = GpuMemory()
    assert memory()
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", fails)
    assert memory() is None
