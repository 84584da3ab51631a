"""The parts of a running server, made together and ended together."""

import asyncio
import time
from dataclasses import dataclass, field, replace

import structlog

from server import build, catalog
from server.admission import Admission
from server.auth import Authenticator
from server.gpu import FirstGpu
from server.knobs import Knobs
from server.metrics import Metrics
from server.model_host import ModelHost, Policy
from server.pages import Limits, PagePool
from server.pipeline import Pipeline
from server.places import Places
from server.results import ResultStore
from server.settings import MIB, Settings, SettingsError
from server.spool import Spool
from server.supervisor import Supervisor
from server.telemetry import RecentLines

_LOAD_TIMEOUT_S = 600.0
_UPLOADS_AT_ONCE = 8  # how many of the largest uploads may lie in the spool together
_SWEEP_EVERY_S = 30.0

log = structlog.get_logger("server")


@dataclass
class Services:
    """Everything that routes need. Made inside the event loop by `start`."""

    settings: Settings
    recent: RecentLines
    metrics: Metrics
    catalog: catalog.Catalog
    admission: Admission
    authenticator: Authenticator
    gpu: FirstGpu
    supervisor: Supervisor
    pool: PagePool
    pipeline: Pipeline
    results: ResultStore
    spool: Spool
    started: float = field(default_factory=time.monotonic)
    giving_up: asyncio.Event = field(default_factory=asyncio.Event)
    _sweeping: asyncio.Task[None] | None = None

    @classmethod
    def make(cls, settings: Settings, recent: RecentLines) -> "Services":
        """All parts, nothing loaded yet. Raises SettingsError for a model or a folder that is of no use."""
        models = _served(settings)
        metrics = Metrics(build.version(), build.revision())
        admission = Admission(settings.queue_max_pages, _UPLOADS_AT_ONCE * settings.max_upload_mb * MIB)
        policy = Policy(
            paddlex_home=settings.paddlex_home,
            load_timeout_s=_LOAD_TIMEOUT_S,
            page_timeout_s=settings.page_timeout_s,
            max_pages=settings.worker_max_pages,
            max_rss_bytes=settings.worker_max_rss_mb * MIB,
            knobs=Knobs(
                allow_cpu=settings.allow_cpu,
                recogniser=settings.recogniser,
                paddle_vl_recogniser=settings.paddle_vl_recogniser,
            ),
            serve={name: given.arguments() for name, given in settings.vllm_overrides.items()},
        )
        gpu = FirstGpu()
        places = Places(settings.max_loaded_models, settings.gpu_memory_share, gpu)

        def on_change(host: ModelHost) -> None:
            metrics.model(host.entry.name, host.state, host.restarts)

        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            (settings.data_dir / "results").mkdir(exist_ok=True)
        except OSError as error:
            raise SettingsError(f"DATA_DIR: {settings.data_dir} cannot be written ({error.strerror})") from None
        return cls(
            settings=settings,
            recent=recent,
            metrics=metrics,
            catalog=models,
            admission=admission,
            authenticator=Authenticator(settings),
            gpu=gpu,
            supervisor=Supervisor(models, policy, places, on_change),
            pool=PagePool(Limits(max_pixels=settings.max_pixels)),
            pipeline=Pipeline(admission, metrics, settings.queue_max_wait_s),
            results=ResultStore(settings.data_dir / "results", settings.result_ttl_s),
            spool=Spool(),
        )

    async def start(self) -> None:
        """Begin to load; returns at once."""
        self.supervisor.load(self.settings.preloaded)
        await self.pool.start()
        self._sweeping = asyncio.create_task(self._sweep())

    async def drain(self) -> None:
        """Take no new work and finish what is running, within the grace time; what is not done then is told so."""
        log.info("draining", requests=self.admission.requests)
        if not await self.admission.drain(self.settings.shutdown_grace_s):
            log.warning("grace time over", requests=self.admission.requests)
            self.giving_up.set()

    async def close(self) -> None:
        """End every child and remove the spool."""
        if self._sweeping:
            self._sweeping.cancel()
        await asyncio.gather(self.supervisor.close(), self.pool.close())
        self.spool.close()

    async def _sweep(self) -> None:
        while True:
            if gone := await asyncio.to_thread(self.results.sweep):
                log.info("expired results deleted", files=gone)
            await asyncio.sleep(min(_SWEEP_EVERY_S, self.settings.result_ttl_s))


def _served(settings: Settings) -> catalog.Catalog:
    try:
        models = dict(catalog.read(settings.paddlex_home))
    except catalog.CatalogError as error:
        raise SettingsError(f"PADDLEX_HOME: {error}") from None
    for variable, names in (
        ("MODELS", settings.models),
        ("DEFAULT_MODEL", (settings.default_model,)),
        ("PRELOAD", settings.preloaded),
        ("VLLM_OVERRIDES", settings.vllm_overrides),
    ):
        for name in names:
            if name not in models:
                raise SettingsError(f"{variable}: there is no model {name!r}; the models are {', '.join(models)}")
    for name, given in settings.vllm_overrides.items():
        if given.gpu_memory_share is not None:
            models[name] = replace(models[name], gpu_memory_share=given.gpu_memory_share)
    return {name: entry for name, entry in models.items() if not settings.models or name in settings.models}
