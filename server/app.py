"""The application: wiring only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from server import build, openapi, problems
from server.context import RequestContext
from server.routes import (
    batch,
    debug,
    docs,
    files,
    health,
    job_pages,
    jobs,
    layout_parsing,
    mcp,
    models,
    ocr,
    openai,
    s3,
    service,
    web,
)
from server.routes.dependencies import authenticate
from server.services import Services


def create_app(services: Services) -> FastAPI:
    """The HTTP application around services that are made but not started."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.start()
        yield
        await services.close()

    app = FastAPI(
        title="offline-ocr",
        version=build.version(),
        description="Send a PDF or an image, get Markdown, JSON or text. Nothing leaves this machine.",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    of_documents = (ocr, batch, jobs, job_pages, openai, layout_parsing, files, mcp)
    protected = [each.router for each in (service, models, *of_documents, s3, debug, docs)]
    app.include_router(health.router)
    app.include_router(web.router)
    for router in protected:
        app.include_router(router, dependencies=[Depends(authenticate)])
    problems.install(app, [health.router, web.router, *protected])
    openapi.install(app, [host.entry for host in services.supervisor.hosts.values()], services.settings.default_model)
    if services.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=services.settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "Authorization",
                "X-API-Key",
                "Content-Type",
                "X-Request-ID",
                "Idempotency-Key",
                "Last-Event-ID",
                "MCP-Protocol-Version",
                "Mcp-Method",
                "Mcp-Name",
            ],
            expose_headers=["X-Request-ID", "Retry-After", "Location", "Content-Disposition", "X-Corrections"],
        )
    app.add_middleware(
        RequestContext, metrics=services.metrics, tracing=services.stages.tracing, is_known=services.authenticator.knows
    )
    return app
