"""What this service says of itself, and its metrics."""

import asyncio

from fastapi import APIRouter, Response

from server import build, metrics
from server.routes.dependencies import ServicesDep
from server.routes.health import readiness
from server.service_schemas import RootReply

router = APIRouter(tags=["service"])

_ENDPOINTS = {
    "GET /": "this, or the web page for a browser",
    "POST /ocr": "read a document",
    "POST /ocr/batch": "read several documents",
    "POST /jobs": "read documents without waiting for them",
    "GET /jobs": "your jobs",
    "GET /jobs/{id}": "one of them; also /events and /result",
    "DELETE /jobs/{id}": "end or remove it",
    "GET /jobs/{id}/document": "a document of it, as it was sent",
    "GET /jobs/{id}/pages": "its pages so far, at a glance",
    "GET /jobs/{id}/pages/{page}": "one of them; also /image",
    "PUT /jobs/{id}/pages/{page}/blocks/{order}": "correct a block of it; DELETE takes that back",
    "POST /v1/chat/completions": "ask a model, as OpenAI's clients do",
    "GET /v1/models": "the models to ask",
    "GET /v1/models/{id}": "one of them",
    "POST /layout-parsing": "read a document, as PaddleX's serving does",
    "POST /restructure-pages": "look at its pages together, as PaddleX's serving does",
    "GET /models": "the models and their states",
    "POST /models/{name}/load": "load a model",
    "POST /models/{name}/unload": "free a model",
    "GET /files": "saved results",
    "GET /files/{type}/{name}": "one of them",
    "POST /mcp": "the Model Context Protocol: tools and resources for assistants",
    "POST /test/s3-upload": "write, read back and delete a probe object in S3",
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


def description() -> RootReply:
    """The service, its true version and its endpoints."""
    return RootReply(service="offline-ocr", version=build.version(), revision=build.revision(), endpoints=_ENDPOINTS)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def prometheus(services: ServicesDep) -> Response:
    """Metrics in Prometheus' text format."""
    services.metrics.ready.set(readiness(services).status == "ready")
    return Response(await asyncio.to_thread(services.metrics.text), media_type=metrics.CONTENT_TYPE)
