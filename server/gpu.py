"""The first NVIDIA GPU of this machine, as its driver states it."""

import asyncio
import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from server.settings import MIB

_PATIENCE_S = 1.0

T = TypeVar("T")

log = structlog.get_logger("server.gpu")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU and all of its memory, MiB."""

    name: str
    memory_mb: int


def find() -> Gpu | None:
    """The first GPU; None without one or without the driver's library. It may take seconds: a driver has to wake."""
    return _ask(
        lambda nvml, device: Gpu(nvml.nvmlDeviceGetName(device), nvml.nvmlDeviceGetMemoryInfo(device).total // MIB)
    )


def _memory(nvml: Any, device: Any) -> tuple[int, int]:
    memory = nvml.nvmlDeviceGetMemoryInfo(device)
    return memory.used, memory.total


def _ask(question: Callable[[Any, Any], T]) -> T | None:
    """The question's answer, of pynvml and the first GPU; None without one."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:  # looked for here: without it there is no reason to load 4 MB of Python
        return None
    import pynvml  # noqa: PLC0415

    try:
        pynvml.nvmlInit()
        try:
            if pynvml.nvmlDeviceGetCount() == 0:
                return None
            return question(pynvml, pynvml.nvmlDeviceGetHandleByIndex(0))
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        log.warning("the NVIDIA driver does not answer as it should", error=str(error))
        return None


class FirstGpu:
    """Call it for the first GPU. It looks once, when it is first asked, in a thread."""

    def __init__(self) -> None:
        self._looking: asyncio.Future[Gpu | None] | None = None

    async def __call__(self) -> Gpu | None:
        """What `find` found."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(asyncio.to_thread(find))
        return await asyncio.shield(self._looking)  # whoever asks may be cancelled; the others still wait for it


class GpuMemory:
    """Call it, in a thread, for the first GPU's memory in use and in all, bytes. A driver that hangs is asked once."""

    def __init__(self) -> None:
        self._asking: threading.Thread | None = None
        self._answer: tuple[int, int] | None = None

    def __call__(self) -> tuple[int, int] | None:
        """None without a GPU, and where the driver takes longer than a second."""
        if self._asking is None or not self._asking.is_alive():
            # a thread of its own, for which nobody has to wait, not even the end of the process
            self._asking = threading.Thread(target=self._ask, name="gpu-memory", daemon=True)
            self._asking.start()
        self._asking.join(_PATIENCE_S)
        return None if self._asking.is_alive() else self._answer

    def _ask(self) -> None:
        self._answer = _ask(_memory)
