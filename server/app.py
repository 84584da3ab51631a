"""The application: wiring only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from server import build, problems
from server.context import RequestContext
from server.routes import PROBLEMS, debug, docs, files, health, models, ocr, service
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
        responses=PROBLEMS,
    )
    app.state.services = services
    app.include_router(health.router)
    for protected in (service, models, ocr, files, debug, docs):
        app.include_router(protected.router, dependencies=[Depends(authenticate)])
    problems.install(app)
    if services.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=services.settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    app.add_middleware(RequestContext, metrics=services.metrics)
    return app
