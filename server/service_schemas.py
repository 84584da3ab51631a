"""What the service says of itself over the wire: models, health, files, settings. Models only, no behaviour."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from server.options import OptionType
from server.settings import S3State
from server.states import ModelState
from server.vlm_spec import RecogniserName


class OptionRow(BaseModel):
    """An option of a model; a `default` of null is the library's own value. Bounds are inclusive, `above` is not."""

    model_config = ConfigDict(from_attributes=True)

    description: str
    type: OptionType
    default: Any
    least: float | None
    above: float | None
    most: float | None
    choices: list[str]
    keys: list[str] = Field(description="Where it is an object, the names that it may have")


class ModelRow(BaseModel):
    """One model of `/models`; sizes in MB, about."""

    name: str
    title: str
    state: ModelState
    reason: str | None
    engine: str
    recogniser: RecogniserName | None = Field(description="What generates its text; null where the engine does")
    revision: str | None
    licence: str
    languages: list[str]
    size_mb: int
    memory_mb: int
    gpu_memory_mb: int
    gives_token_confidence: bool
    prompts: dict[str, str]
    options: dict[str, OptionRow]


class ModelsReply(BaseModel):
    """What `/models` says."""

    available_models: list[str]
    loaded_models: list[str]
    default_model: str
    models: list[ModelRow]


class ModelReply(BaseModel):
    """The state of a model after `load` or `unload`."""

    name: str
    state: ModelState


class LiveReply(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class ReadyReply(BaseModel):
    """Whether requests are served now; `waiting_for` names each preloaded model that is not, and why."""

    status: Literal["ready", "not_ready"]
    phase: Literal["ready", "loading", "failed", "idle", "draining"] = Field(description="`idle`: unloaded by a caller")
    elapsed_seconds: float
    waiting_for: dict[str, str]


class HealthReply(BaseModel):
    """A summary for people and dashboards; the HTTP status is always 200 while the process answers."""

    status: Literal["healthy", "loading", "degraded", "draining"]
    version: str
    revision: str
    uptime_seconds: float
    models: dict[str, ModelState]
    gpu: str | None
    queue_pages: int
    queue_max_pages: int
    paddleocr: str
    s3_storage: S3State


class RootReply(BaseModel):
    """What this service is."""

    service: str
    version: str
    revision: str
    endpoints: dict[str, str]


class FileRow(BaseModel):
    """A saved result; `size` in bytes, times in ISO 8601."""

    type: str
    name: str
    size: int
    created: str
    expires: str
    url: str


class FilesReply(BaseModel):
    """The saved results of this caller, newest first."""

    files: list[FileRow]


class S3Step(BaseModel):
    """One step of the check; `detail` says what was found, or what is wrong and how to mend it."""

    name: Literal["settings", "name", "connection", "bucket", "write", "read", "link", "delete"]
    ok: bool
    seconds: float
    detail: str


class S3CheckReply(BaseModel):
    """How far a probe object came."""

    status: Literal["success", "failed"]
    failed_step: str | None
    steps: list[S3Step]
    endpoint: str
    bucket: str


class DebugReply(BaseModel):
    """What one wants to know where there is no shell; no secret is in it."""

    version: str
    revision: str
    python: str
    packages: dict[str, str]
    settings: dict[str, Any]
    models: list[ModelRow]
    workers: dict[str, dict[str, Any]]


class LogsReply(BaseModel):
    """The newest log lines, oldest first."""

    lines: list[str]
