"""Probes. They need no token, and they never lie: ready means that every preloaded model has read a page.

One that gave way to another model since then still counts: it comes back when it is asked.
"""

import time
from typing import Literal

from fastapi import APIRouter, Response

from server import build
from server.routes.dependencies import ServicesDep
from server.service_schemas import HealthReply, LiveReply, ReadyReply
from server.services import Services
from server.states import ModelState

router = APIRouter(tags=["health"])
_SUMMARY: dict[str, Literal["healthy", "loading", "degraded", "draining"]] = {
    "ready": "healthy",
    "loading": "loading",
    "failed": "degraded",
    "idle": "degraded",
    "draining": "draining",
}
_BROKEN = {ModelState.FAILED, ModelState.ABSENT}


@router.get("/health/live")
async def live() -> LiveReply:
    """The process answers."""
    return LiveReply(status="alive")


@router.get("/health/ready", responses={503: {"model": ReadyReply, "description": "Not ready, and why"}})
async def ready(services: ServicesDep, response: Response) -> ReadyReply:
    """Whether requests are served now; 503 with the phase and the reasons otherwise."""
    answer = readiness(services)
    if answer.status != "ready":
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return answer


@router.get("/health")
async def health(services: ServicesDep) -> HealthReply:
    """A summary for people and dashboards."""
    phase = readiness(services).phase
    hosts = services.supervisor.hosts
    default = hosts[services.settings.default_model]
    gpu = await services.gpu()
    return HealthReply(
        status=_SUMMARY[phase],
        version=build.version(),
        revision=build.revision(),
        uptime_seconds=round(time.monotonic() - services.started, 1),
        models={name: host.state for name, host in hosts.items()},
        gpu=gpu.name if gpu else None,
        queue_pages=services.admission.pages,
        queue_max_pages=services.admission.max_pages,
        paddleocr="ready" if default.available else default.state.value,
        s3_storage=services.settings.s3_storage,
    )


def readiness(services: Services) -> ReadyReply:
    """What `/health/ready` says."""
    hosts = [services.supervisor.hosts[name] for name in services.settings.preloaded]
    waiting = [host for host in hosts if not host.available]
    reasons = {host.entry.name: host.reason or host.state.value for host in waiting}
    elapsed = round(time.monotonic() - services.started, 1)
    if services.admission.draining:
        return ReadyReply(status="not_ready", phase="draining", elapsed_seconds=elapsed, waiting_for={})
    if not waiting:
        return ReadyReply(status="ready", phase="ready", elapsed_seconds=elapsed, waiting_for={})
    if any(host.state in _BROKEN for host in waiting):
        phase = "failed"
    else:
        phase = "idle" if all(host.state is ModelState.IDLE for host in waiting) else "loading"
    return ReadyReply(status="not_ready", phase=phase, elapsed_seconds=elapsed, waiting_for=reasons)
