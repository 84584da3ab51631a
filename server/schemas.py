"""What goes over the wire: options in, replies out. Models only, no behaviour."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from server.confidence import Basis
from server.documents import BlockFormat, FileType, Verdict
from server.options import OptionType
from server.states import ModelState
from server.vlm_spec import RecogniserName

DEFAULT_PROMPT = "Extract all text"
_ENGINE_RESULT = "The page as the engine's own library writes it as JSON, where it has such a form (`paddleocr-vl*`)"


class Format(StrEnum):
    """The forms in which a result can be had."""

    MARKDOWN = "md"
    JSON = "json"
    TEXT = "text"
    HTML = "html"
    CSV = "csv"
    ZIP = "zip"


def _split(value: object) -> object:
    """Forms and query strings carry lists as `a,b`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class OcrOptions(BaseModel):
    """Everything `POST /ocr` takes beside the document; a model's own options are let through and checked by it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    model_name: str | None = Field(
        None, max_length=100, description="A model of `/models`; the default model if not given"
    )
    prompt: str = Field(
        DEFAULT_PROMPT, max_length=8000, description="For models that take one; the default is the model's own best"
    )
    return_confidence: bool = Field(True, description="Whether `confidence` is worked out")
    return_content: bool = Field(True, description="Whether text, Markdown and blocks are in the reply")
    pages: Annotated[str | None, BeforeValidator(lambda v: str(v) if type(v) is int else v)] = Field(
        None, max_length=1000, description="Pages to read, such as `1-3,7`; all if not given"
    )
    formats: Annotated[tuple[Format, ...], BeforeValidator(_split)] = Field(
        (), description="Further forms of the result, returned under `outputs` (zip in base64) and saved with `save`"
    )
    save: bool = Field(False, description="Keep the result on the server for a while, see `/files`")


class BlockReply(BaseModel):
    """One region of a page; `bbox` is x0, y0, x1, y1 in pixels of the page image."""

    type: str
    bbox: tuple[int, int, int, int]
    content: str
    format: BlockFormat
    order: int
    confidence: float | None
    verdict: Verdict | None = Field(description="How it came out; null where the engine judges whole pages only")


class Timing(BaseModel):
    """Seconds. `inference_seconds` is the engine's own time, `total_seconds` from the request's first byte on."""

    inference_seconds: float
    total_seconds: float


class PageTiming(BaseModel):
    """Seconds spent by the engine on one page."""

    page_number: int
    seconds: float


class DocumentTiming(BaseModel):
    """Seconds for the request as a whole, and for each page."""

    total_seconds: float
    pages: list[PageTiming]


class PageReply(BaseModel):
    """One page of a document; `width` and `height` in pixels, as the boxes are."""

    page_number: int
    width: int
    height: int
    text: str | None
    markdown: str | None
    blocks: list[BlockReply] | None
    confidence: float | None
    confidence_basis: Basis | None
    verdict: Verdict
    error: str | None
    timing_seconds: float
    engine_result: dict[str, Any] | None = Field(None, description=_ENGINE_RESULT)


class _Reply(BaseModel):
    model: str
    prompt: str
    file_type: FileType
    input_type: Literal["multipart", "base64", "url"]
    text: str | None
    markdown: str | None
    confidence: float | None
    confidence_basis: Basis | None
    status: Literal["success", "partial"] = Field(description="`partial`: some pages failed; their `verdict` says so")
    elapsed_sec: float
    request_id: str
    timestamp: str
    outputs: dict[Format, str] | None = Field(None, description="The `formats` asked for; zip in base64")
    warnings: list[str] | None = Field(None, description="What of the request had no effect, if anything")
    local_files: dict[str, str] | None = Field(None, description="With `save`: where each file is served, by kind")


class ImageReply(_Reply):
    """The reply for a single image."""

    width: int
    height: int
    blocks: list[BlockReply] | None
    verdict: Verdict
    timing: Timing
    engine_result: dict[str, Any] | None = Field(None, description=_ENGINE_RESULT)


class DocumentReply(_Reply):
    """The reply for a PDF or an image file of several pages; `confidence` is that of the worst page."""

    total_pages: int
    processed_pages: int
    pages: list[PageReply]
    combined_text: str | None
    confidence_per_page: list[float] | None
    timing: DocumentTiming


class Problem(BaseModel):
    """An error, as RFC 9457 has it, with a stable `code`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retry_after: int | None = Field(None, description="Seconds after which the same request may succeed")


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
    s3_storage: str


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
