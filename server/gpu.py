"""The first NVIDIA GPU of this machine, as its driver states it."""

import asyncio
import ctypes
from dataclasses import dataclass

import structlog

from server.settings import MIB

log = structlog.get_logger("server.gpu")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU and all of its memory, MiB."""

    name: str
    memory_mb: int


def find() -> Gpu | None:
    """The first GPU; None without one or without the driver's library. It may take seconds: a driver has to wake."""
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
            device = pynvml.nvmlDeviceGetHandleByIndex(0)
            return Gpu(pynvml.nvmlDeviceGetName(device), pynvml.nvmlDeviceGetMemoryInfo(device).total // MIB)
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
