"""The parts of a running server, made together and ended together."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from server import build, catalog, web_page
from server.admission import Admission
from server.auth import Authenticator
from server.cache import ResultCache
from server.errors import Unavailable
from server.finishing import Keeper
from server.flights import Flights
from server.gauges import Gauges
from server.gpu import FirstGpu, GpuMemory
from server.jobs.calling_back import CallingBack
from server.jobs.changes import Changes
from server.jobs.correcting import Correcting
from server.jobs.correction_store import CorrectionStore
from server.jobs.database import Database
from server.jobs.desk import JobDesk
from server.jobs.errand_store import ErrandStore
from server.jobs.errands import Errands
from server.jobs.outcome import Outcomes
from server.jobs.page_store import PageStore
from server.jobs.run import Parts
from server.jobs.runner import JobRunner
from server.jobs.store import JobStore
from server.jobs.uploading import Uploading
from server.jobs.view import JobView
from server.knobs import Knobs
from server.metrics import Metrics
from server.model_host import ModelHost, Policy
from server.pages import Limits, PagePool
from server.pipeline import Pipeline
from server.places import Places
from server.recognition import Recognition
from server.results import ResultStore
from server.s3 import ObjectStore
from server.settings import MIB, Settings, SettingsError
from server.spool import Spool
from server.stages import Stages
from server.supervisor import Supervisor
from server.telemetry import RecentLines
from server.tracing import Tracing
from server.viewing import Viewing
from server.web_page import WebFile

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
    stages: Stages
    catalog: catalog.Catalog
    admission: Admission
    authenticator: Authenticator
    gpu: FirstGpu
    supervisor: Supervisor
    pool: PagePool
    viewing: Viewing
    pipeline: Pipeline
    recognition: Recognition
    results: ResultStore
    keeper: Keeper
    cache: ResultCache
    flights: Flights
    s3: ObjectStore
    spool: Spool
    database: Database
    jobs: JobDesk
    correcting: Correcting
    job_view: JobView
    errands: Errands
    calling_back: CallingBack
    web: Mapping[str, WebFile]
    started: float = field(default_factory=time.monotonic)
    giving_up: asyncio.Event = field(default_factory=asyncio.Event)
    _sweeping: asyncio.Task[None] | None = None

    @classmethod
    def make(cls, settings: Settings, recent: RecentLines) -> "Services":
        """All parts, nothing loaded yet. Raises SettingsError for a model or a folder that is of no use."""
        models = _served(settings)
        metrics = Metrics(build.version(), build.revision())
        stages = Stages(metrics, _tracing(settings))
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
            metrics.model(host.entry.name, host.state)

        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            (settings.data_dir / "results").mkdir(exist_ok=True)
            folder = settings.data_dir / "jobs"
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise SettingsError(f"DATA_DIR: {settings.data_dir} cannot be written ({error.strerror})") from None
        supervisor = Supervisor(models, policy, places, on_change)
        s3 = ObjectStore(settings)
        recognition = Recognition(settings, supervisor, s3, stages)
        pipeline = Pipeline(admission, stages, settings.queue_max_wait_s)
        pool = PagePool(Limits(max_pixels=settings.max_pixels), stages)
        try:
            database = Database(folder / "jobs.sqlite3")
        except (Unavailable, sqlite3.Error, OSError) as error:
            raise SettingsError(f"DATA_DIR: {folder} cannot be used for jobs ({error})") from None
        spool = Spool()
        parts = Parts(
            store=JobStore(database),
            pages=PageStore(database),
            changes=Changes(),
            recognition=recognition,
            pipeline=pipeline,
            tracing=stages.tracing,
            pool=pool,
            spool=spool,
            folder=folder,
        )
        runner = JobRunner(parts)
        view = JobView(parts.store, runner, admission, settings.result_ttl_s)
        errand_store = ErrandStore(database)
        calling_back = CallingBack(settings, errand_store, view, metrics)
        keeper = Keeper(ResultStore(settings.data_dir / "results", settings.result_ttl_s), s3, metrics)
        kinds = {"webhook": calling_back.attempt, "s3": Uploading(keeper).attempt}
        errands = Errands(errand_store, parts.store, parts.changes, kinds)
        folders = {"spool": spool.root, "data": settings.data_dir}
        metrics.look_up(Gauges(admission, supervisor, GpuMemory(), parts.store, runner.took_over.is_set, folders))
        desk = JobDesk(
            settings=settings,
            store=parts.store,
            runner=runner,
            recognition=recognition,
            outcomes=Outcomes(settings, recognition, parts.pages),
            keeper=keeper,
            spool=spool,
            changes=parts.changes,
            errands=errands,
            folder=folder,
        )
        return cls(
            settings=settings,
            recent=recent,
            metrics=metrics,
            stages=stages,
            catalog=models,
            admission=admission,
            authenticator=Authenticator(settings),
            gpu=gpu,
            supervisor=supervisor,
            pool=pool,
            viewing=Viewing(pool, spool),
            pipeline=pipeline,
            recognition=recognition,
            results=keeper.results,
            keeper=keeper,
            cache=ResultCache(
                settings.data_dir / "cache", settings.cache_mb * MIB, settings.result_ttl_s, settings.max_pixels
            ),
            flights=Flights(),
            spool=spool,
            database=database,
            jobs=desk,
            correcting=Correcting(desk, CorrectionStore(database)),
            job_view=view,
            errands=errands,
            calling_back=calling_back,
            s3=s3,
            web=_web(settings),
        )

    async def start(self) -> None:
        """Begin to load; returns at once."""
        self.supervisor.load(self.settings.preloaded)
        await self.pool.start()
        self.jobs.runner.start(self.jobs.finish)
        self.errands.start(self.jobs.runner.took_over)
        self._sweeping = asyncio.create_task(self._sweep())

    async def drain(self) -> None:
        """Take no new work and finish what is running, within the grace time; what is not done then is told so."""
        log.info("draining", requests=self.admission.requests)
        grace_s = self.settings.shutdown_grace_s
        drained, _ = await asyncio.gather(self.admission.drain(grace_s), self.jobs.runner.drain(grace_s))
        self.jobs.changes.tell_all()
        if not drained:
            log.warning("grace time over", requests=self.admission.requests)
            self.giving_up.set()

    async def close(self) -> None:
        """End every child and remove the spool."""
        if self._sweeping:
            self._sweeping.cancel()
        await asyncio.gather(self.errands.close(), self.jobs.runner.close())
        self.database.close()
        await asyncio.gather(self.supervisor.close(), self.pool.close())
        self.spool.close()
        await asyncio.to_thread(self.stages.tracing.close)

    async def _sweep(self) -> None:
        while True:
            sweeps = {"results": self.results.sweep, "jobs": self.jobs.sweep, "cache": self.cache.sweep}
            for what, sweep in sweeps.items():
                try:
                    if gone := await asyncio.to_thread(sweep):
                        log.info(f"expired {what} deleted", number=gone)
                except Exception:  # a full disk, most likely, for which clearing away is all the more needed
                    log.exception(f"expired {what} could not be deleted")
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


def _web(settings: Settings) -> Mapping[str, WebFile]:
    """The files of the web page; without them the server is none the worse for programs."""
    found = web_page.read(web_page.FOLDER, settings.auth_mode)
    if not found:
        log.warning("the web page is not built, and browsers get JSON: make setup builds it")
    return found


def _tracing(settings: Settings) -> Tracing:
    if not settings.otel_exporter_otlp_endpoint:
        return Tracing()
    from server.otlp import OtlpTracing  # noqa: PLC0415 a tenth of a second, and memory, that most have no use for

    return OtlpTracing(settings)
