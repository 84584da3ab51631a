"""Which models are loaded together: no more of them, and no more GPU memory, than they may take.

A model that is to be loaded takes a place first. Where there is no room, the model unused longest gives way; one that a
document is using never does: while all are in use, the newcomer waits.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog

from server.catalog import ModelEntry
from server.gpu import Gpu

log = structlog.get_logger("server.places")


class NoRoomError(Exception):
    """The model alone takes more than all models may take together; the message is the reason."""


class Tenant(Protocol):
    """What has a place, or waits for one: a model's host. While it waits its `reason` says so."""

    entry: ModelEntry
    reason: str | None

    @property
    def loaded(self) -> bool:
        """Whether it could give way: to begin to load and not to end it would help nobody."""

    def give_way(self) -> None:
        """Begin to free the worker; `Places.free` follows when that is done."""


class Places:
    """The places of this server. Whenever something has changed, `settle` says who comes and who goes."""

    def __init__(self, max_models: int, gpu_share: float, find_gpu: Callable[[], Awaitable[Gpu | None]]) -> None:
        self._max_models = max_models
        self._gpu_share = gpu_share
        self._find_gpu = find_gpu
        self._gpu: Gpu | None = None  # None: there is none, or nobody has needed it yet
        self._placed: dict[Tenant, None] = {}  # the one unused longest first
        self._leaving: set[Tenant] = set()  # placed still, until their workers have ended
        self._waiting: dict[Tenant, asyncio.Event] = {}  # in the order in which they came
        self._documents: Counter[Tenant] = Counter()

    @contextmanager
    def in_use(self, tenant: Tenant) -> Iterator[None]:
        """A document uses the model, from before it is loaded to its last page."""
        self._documents[tenant] += 1
        try:
            yield
        finally:
            self._documents[tenant] -= 1
            if tenant in self._placed:
                self._placed[tenant] = self._placed.pop(tenant)
            self.settle()

    async def take(self, tenant: Tenant) -> None:
        """Return when it has a place, which is its own until `free`. Raises NoRoomError."""
        if tenant.entry.gpu_memory_mb or tenant.entry.gpu_memory_share:
            self._gpu = await self._find_gpu()
            if not self._fit_gpu([tenant]):
                raise NoRoomError(
                    f"it takes {self._gpu_mb(tenant)} MB of GPU memory, and all models may take "
                    f"{self._gpu_budget_mb} MB together"
                )
        placed = self._waiting[tenant] = asyncio.Event()
        self.settle()
        await placed.wait()

    @property
    def contended(self) -> bool:
        """Whether a model waits for room."""
        return bool(self._waiting)

    def gpu_share(self, entry: ModelEntry) -> float | None:
        """The part of the GPU's memory (0–1) that a model with a place may take; None without a GPU, or a need for it."""
        if self._gpu is None:
            return None
        return entry.gpu_memory_share or entry.gpu_memory_mb / self._gpu.memory_mb or None

    def free(self, tenant: Tenant) -> None:
        """It is not loaded any more, nor does it wait; nothing happens where that is so already."""
        self._waiting.pop(tenant, None)
        self._placed.pop(tenant, None)
        self._leaving.discard(tenant)
        self.settle()

    def settle(self) -> None:
        """Give places to those who wait and have room, and ask others to give way to them."""
        coming: list[Tenant] = []  # for whom others are on their way out
        for tenant in list(self._waiting):
            if self._fit([*self._placed, *coming, tenant]):
                self._placed[tenant] = None
                tenant.reason = None
                self._waiting.pop(tenant).set()
                continue
            tenant.reason = f"waiting for room: taken by {', '.join(each.entry.name for each in self._placed)}"
            staying = [each for each in self._placed if each not in self._leaving] + coming
            givers = self._who_gives_way(tenant, staying)
            if givers is None:
                continue
            coming.append(tenant)
            for giver in givers:
                log.info("model makes room", model=giver.entry.name, makes_room_for=tenant.entry.name)
                self._leaving.add(giver)
                giver.give_way()

    def _who_gives_way(self, newcomer: Tenant, staying: Sequence[Tenant]) -> list[Tenant] | None:
        """Those unused longest, no more than needed; None when that is not enough."""
        staying = [*staying, newcomer]
        givers: list[Tenant] = []
        for tenant in list(staying):
            if self._fit(staying):
                break
            if tenant in self._placed and tenant.loaded and not self._documents[tenant]:
                staying.remove(tenant)
                givers.append(tenant)
        if not self._fit(staying):
            return None
        for tenant in reversed(givers[:]):  # a model on the CPU, say, makes no room on the GPU
            if self._fit([*staying, tenant]):
                staying.append(tenant)
                givers.remove(tenant)
        return givers

    def _fit(self, tenants: Iterable[Tenant]) -> bool:
        placed = list(tenants)
        return not 0 < self._max_models < len(placed) and self._fit_gpu(placed)

    def _fit_gpu(self, tenants: Iterable[Tenant]) -> bool:
        return self._gpu is None or sum(map(self._gpu_mb, tenants)) <= self._gpu_budget_mb

    @property
    def _gpu_budget_mb(self) -> int:
        return int(self._gpu.memory_mb * self._gpu_share) if self._gpu else 0

    def _gpu_mb(self, tenant: Tenant) -> int:
        return int((self.gpu_share(tenant.entry) or 0.0) * (self._gpu.memory_mb if self._gpu else 0))
