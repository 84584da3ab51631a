"""The models: what there is, what is loaded, and loading and freeing them."""

from fastapi import APIRouter

from server.model_host import ModelHost
from server.routes import problems
from server.routes.dependencies import ServicesDep
from server.service_schemas import ModelReply, ModelRow, ModelsReply, OptionRow
from server.services import Services
from server.states import ModelState

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
async def models(services: ServicesDep) -> ModelsReply:
    """Every model with its state; `available_models` are those that this machine can run."""
    hosts = services.supervisor.hosts
    return ModelsReply(
        available_models=[name for name, host in hosts.items() if host.state is not ModelState.ABSENT],
        loaded_models=[name for name, host in hosts.items() if host.loaded],
        default_model=services.settings.default_model,
        models=rows(services),
    )


@router.post("/{name}/load", status_code=202, responses=problems(404, 503))
async def load(name: str, services: ServicesDep) -> ModelReply:
    """Begin to load a model; `/models` tells when it is ready."""
    host = services.supervisor.host(name)
    host.load()
    return ModelReply(name=name, state=host.state)


@router.post("/{name}/unload", responses=problems(404))
async def unload(name: str, services: ServicesDep) -> ModelReply:
    """Finish the pages in work and free the model; answers when that is done."""
    host = services.supervisor.host(name)
    await host.unload()
    return ModelReply(name=name, state=host.state)


def rows(services: Services) -> list[ModelRow]:
    """The table of all models."""
    return [_row(host) for host in services.supervisor.hosts.values()]


def _row(host: ModelHost) -> ModelRow:
    entry = host.entry
    return ModelRow(
        name=entry.name,
        title=entry.title,
        state=host.state,
        reason=host.reason,
        engine=entry.engine,
        recogniser=host.recogniser,
        revision=host.revision,
        licence=entry.licence,
        languages=list(entry.languages),
        size_mb=entry.size_mb,
        memory_mb=entry.memory_mb,
        gpu_memory_mb=entry.gpu_memory_mb,
        gives_token_confidence=entry.token_confidence,
        prompts=dict(entry.prompts),
        options={name: OptionRow.model_validate(spec) for name, spec in entry.options.items()},
    )
