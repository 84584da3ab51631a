"""What this service is, and its metrics."""

from fastapi import APIRouter, Response

from server import build, metrics
from server.routes.dependencies import ServicesDep
from server.schemas import RootReply

router = APIRouter(tags=["service"])

_ENDPOINTS = {
    "POST /ocr": "read a document",
    "GET /models": "the models and their states",
    "POST /models/{name}/load": "load a model",
    "POST /models/{name}/unload": "free a model",
    "GET /files": "saved results",
    "GET /files/{type}/{name}": "one of them",
    "GET /health/live": "the process answers",
    "GET /health/ready": "requests are served",
    "GET /health": "a summary",
    "GET /metrics": "for Prometheus",
    "GET /debug/info": "versions and settings",
    "GET /debug/logs": "the newest log lines",
    "GET /docs": "this API, to try out",
    "GET /redoc": "this API, to read",
    "GET /openapi.json": "this API, for programs",
}


@router.get("/")
async def root() -> RootReply:
    """The service, its true version and its endpoints."""
    return RootReply(service="offline-ocr", version=build.version(), revision=build.revision(), endpoints=_ENDPOINTS)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def prometheus(services: ServicesDep) -> Response:
    """Metrics in Prometheus' text format."""
    services.metrics.queue_pages.set(services.admission.pages)
    return Response(services.metrics.text(), media_type=metrics.CONTENT_TYPE)
