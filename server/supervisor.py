"""Starts and stops the models of this server; each `ModelHost` watches and recycles its own worker."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from server.catalog import Catalog, find
from server.model_host import ModelHost, Policy
from server.places import Places
from server.states import ModelState

log = structlog.get_logger("server.supervisor")


class Supervisor:
    """All models of this server."""

    def __init__(
        self, catalog: Catalog, policy: Policy, places: Places, on_change: Callable[[ModelHost], None]
    ) -> None:
        self._catalog = catalog
        self.hosts = {name: ModelHost(entry, policy, places, on_change) for name, entry in catalog.items()}

    def host(self, name: str) -> ModelHost:
        """The host of a model. Raises UnknownModel."""
        return self.hosts[find(self._catalog, name).name]

    def load(self, names: Iterable[str]) -> None:
        """Begin to load these models; one that is absent stays so, with its reason."""
        for name in names:
            host = self.host(name)
            if host.state is ModelState.ABSENT:
                log.error("model absent", model=name, reason=host.reason)
            else:
                host.load()

    async def close(self) -> None:
        """End every worker."""
        await asyncio.gather(*(host.unload() for host in self.hosts.values()))
