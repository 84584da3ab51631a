"""A look inside where there is no shell."""

import platform
from importlib import metadata

from fastapi import APIRouter

from server import build
from server.routes.dependencies import ServicesDep
from server.routes.models import rows
from server.service_schemas import DebugReply, LogsReply

router = APIRouter(prefix="/debug", tags=["debug"])


@router.get("/info")
def info(services: ServicesDep) -> DebugReply:
    """Versions, settings without secrets, models and workers."""
    return DebugReply(
        version=build.version(),
        revision=build.revision(),
        python=platform.python_version(),
        packages={each.name: each.version for each in metadata.distributions()},
        settings=services.settings.model_dump(mode="json"),
        models=rows(services),
        workers={
            name: {"pid": host.worker.pid, "rss_bytes": host.worker.rss_bytes(), "restarts": host.restarts}
            for name, host in services.supervisor.hosts.items()
            if host.worker
        },
    )


@router.get("/logs")
async def logs(services: ServicesDep) -> LogsReply:
    """The newest log lines, oldest first."""
    return LogsReply(lines=list(services.recent.lines))
