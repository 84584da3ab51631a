"""What goes over the wire: options in, replies out. Models only, no behaviour."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from server.confidence import Basis
from server.documents import BlockFormat, FileType, Verdict
from server.jobs.job import JobState
from server.options import FLAGS
from server.preparation import Step

ALL_STEPS = frozenset({*Step, "all"})
DEFAULT_PROMPT = "Extract all text"
_ENGINE_RESULT = "The page as the engine's own library writes it as JSON, where it has such a form (`paddleocr-vl*`)"
_MARKUP = (
    "What the `content` of blocks of text is: `plain`, each character meaning itself, or `markdown` that a model wrote"
)
_PREPROCESSING = "With `preprocess`: what came of each step, in the order in which they were taken"


class Format(StrEnum):
    """The forms in which a result can be had."""

    MARKDOWN = "md"
    JSON = "json"
    TEXT = "text"
    HTML = "html"
    CSV = "csv"
    XLSX = "xlsx"
    ZIP = "zip"


TYPED = {"typed": True}
"""The context of options that come with the types of JSON. Without it, text is read for what it means."""


def _split(value: object, info: ValidationInfo) -> object:
    """Forms carry lists as `a,b`."""
    if isinstance(value, str) and info.context != TYPED:
        return [part.strip(" ") for part in value.split(",") if part.strip(" ")]
    return value


def _split_formats(value: object, info: ValidationInfo) -> object:
    asked = _split(value, info)
    if not isinstance(asked, list) or not all(each in list(Format) for each in asked):
        raise PydanticCustomError("formats", f"it is not a list of any of {', '.join(Format)}")
    return asked


def _flag(value: object, info: ValidationInfo) -> object:
    return FLAGS.get(value.strip().lower(), value) if isinstance(value, str) and info.context != TYPED else value


def _page(value: object) -> object:
    """A single page may be a number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if type(value) is int else value


Flag = Annotated[bool, BeforeValidator(_flag), Strict()]


_PAGE_LIST = r"^ *([0-9]{1,9}(-[0-9]{1,9})? *(, *[0-9]{1,9}(-[0-9]{1,9})? *)*)?$"
_PAGES = {
    "anyOf": [
        {"type": "string", "maxLength": 1000, "pattern": _PAGE_LIST},
        {"type": "integer", "minimum": 1},
        {"type": "null"},
    ]
}


def _split_steps(value: object, info: ValidationInfo) -> object:
    """In their own order, each once; `all` is every step."""
    asked = _split(value, info)
    if not isinstance(asked, list) or not all(isinstance(each, str) and each in ALL_STEPS for each in asked):
        raise PydanticCustomError("steps", f"it is not a list of any of {', '.join(sorted(ALL_STEPS))}")
    return [step for step in Step if step in asked or "all" in asked]


class OcrOptions(BaseModel):
    """Everything `POST /ocr` takes beside the document; a model's own options are let through and checked by it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    model_name: str | None = Field(
        None, max_length=100, description="A model of `/models`; the default model if not given"
    )
    prompt: str = Field(
        DEFAULT_PROMPT, max_length=8000, description="For models that take one; the default is the model's own best"
    )
    return_confidence: Flag = Field(True, description="Whether `confidence` is worked out")
    return_content: Flag = Field(True, description="Whether text, Markdown, blocks and fields are in the reply")
    pages: Annotated[str | None, BeforeValidator(_page), WithJsonSchema(_PAGES)] = Field(
        None, max_length=1000, description="Pages to read, such as `1-3,7`; all if not given"
    )
    formats: Annotated[tuple[Format, ...], BeforeValidator(_split_formats)] = Field(
        (),
        description="Further forms of the result, returned under `outputs` (xlsx and zip in base64) and saved with `save`",
    )
    preprocess: Annotated[tuple[Step, ...], BeforeValidator(_split_steps)] = Field(
        (),
        description="What is done to each page before it is read, in this order: `denoise`, `orientation`, `crop`, "
        "`deskew`, `contrast`; or `all`. Boxes are those of the page as sent nevertheless",
        json_schema_extra={"items": {"type": "string", "enum": sorted(ALL_STEPS)}},
    )
    save: Flag = Field(False, description="Keep the result on the server for a while, see `/files`")


class JobOptions(BaseModel):
    """What `POST /jobs` takes beside that."""

    model_config = ConfigDict(frozen=True)

    keep_document: Flag = Field(
        False, description="Keep the documents until the job is removed, so that its pages can be shown"
    )


class BlockReply(BaseModel):
    """One region of a page; `bbox` is x0, y0, x1, y1 in pixels of the page image."""

    type: str
    bbox: tuple[int, int, int, int]
    content: str
    format: BlockFormat
    order: int
    confidence: float | None
    verdict: Verdict | None = Field(description="How it came out; null where the engine judges whole pages only")
    original: str | None = Field(description="What was recognised, where `content` is a correction; else null")


class FieldReply(BaseModel):
    """A name and its value, found next to each other, such as "Invoice No: 17"; `page` is counted from 1.

    `bbox` is x0, y0, x1, y1 in pixels of the page image, within a block a guess from the number of its lines.
    """

    name: str
    value: str
    page: int
    bbox: tuple[int, int, int, int]
    confidence: float | None


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


class StepReply(BaseModel):
    """A step of `preprocess`: whether it changed the page, and what it found."""

    step: Step
    applied: bool
    angle_degrees: float | None = Field(None, description="By how much the page was turned clockwise")
    bbox: tuple[int, int, int, int] | None = Field(None, description="What was kept, in pixels of the page as sent")
    specks: int | None = Field(None, description="How many were taken off")
    note: str | None = Field(None, description="Why nothing was done, where that is in doubt")


class PageReply(BaseModel):
    """One page of a document; `width` and `height` in pixels, as the boxes are."""

    page_number: int
    width: int
    height: int
    text: str | None
    markdown: str | None
    blocks: list[BlockReply] | None
    block_markup: Literal["plain", "markdown"] = Field(description=_MARKUP)
    confidence: float | None
    confidence_basis: Basis | None
    verdict: Verdict
    error: str | None
    timing_seconds: float
    engine_result: dict[str, Any] | None = Field(None, description=_ENGINE_RESULT)
    preprocessing: list[StepReply] | None = Field(None, description=_PREPROCESSING)


class PageRow(BaseModel):
    """A page of a job at a glance; `width` and `height` in pixels, as the boxes of its blocks are."""

    page_number: int
    width: int
    height: int
    verdict: Verdict
    confidence: float | None
    corrections: int = Field(description="How many of its blocks have been corrected")
    found: int | None = Field(description="In how many places it says what was sought; null where nothing was")


class PagesReply(BaseModel):
    """The pages of a document that have been read so far, in page order."""

    pages: list[PageRow]


class S3Files(BaseModel):
    """Where the saved files lie in S3; a presigned link for each under its kind, as in `local_files`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    status: Literal["uploaded", "failed"]
    error: str | None = Field(description="What went wrong, and what to do; the local files are there all the same")
    retryable: bool = Field(description="Whether the same may work later without a change")
    bucket: str
    keys: dict[str, str] = Field(description="The object's key, by kind")
    expires: str | None = Field(description="When the links end, ISO 8601")


class _Reply(BaseModel):
    model: str
    prompt: str
    file_type: FileType
    input_type: Literal["multipart", "base64", "url"]
    text: str | None
    markdown: str | None
    fields: list[FieldReply] | None = Field(description="Names and values of all pages; null without `return_content`")
    confidence: float | None
    confidence_basis: Basis | None
    status: Literal["success", "partial"] = Field(
        description="`partial`: pages failed, as their `verdict` says, or a job is at work"
    )
    elapsed_sec: float
    request_id: str
    timestamp: str
    outputs: dict[Format, str] | None = Field(None, description="The `formats` asked for; xlsx and zip in base64")
    warnings: list[str] | None = Field(None, description="What of the request had no effect, if anything")
    corrections: int | None = Field(
        None, description="How many blocks have been corrected, if any; see their `original`"
    )
    local_files: dict[str, str] | None = Field(None, description="With `save`: where each file is served, by kind")
    s3_files: S3Files | None = Field(None, description="With `save`, where S3 is set up: the same files there")


class ImageReply(_Reply):
    """The reply for a single image."""

    width: int
    height: int
    blocks: list[BlockReply] | None
    block_markup: Literal["plain", "markdown"] = Field(description=_MARKUP)
    verdict: Verdict
    timing: Timing
    engine_result: dict[str, Any] | None = Field(None, description=_ENGINE_RESULT)
    preprocessing: list[StepReply] | None = Field(None, description=_PREPROCESSING)


class DocumentReply(_Reply):
    """The reply for a PDF or an image file of several pages; `confidence` is that of the worst page."""

    total_pages: int
    processed_pages: int
    pages: list[PageReply]
    combined_text: str | None
    confidence_per_page: list[float] | None
    timing: DocumentTiming


class Trouble(BaseModel):
    """Why something failed, in the words of a problem reply."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    title: str
    detail: str
    status: int


class JobFileReply(BaseModel):
    """One document of a job; `total_pages` counts the pages to read."""

    index: int
    filename: str | None
    total_pages: int | None
    processed_pages: int
    failed_pages: int
    error: Trouble | None


class WebhookReply(BaseModel):
    """How far the call to `webhook_url` has come."""

    state: Literal["waiting", "pending", "delivered", "failed"] = Field(description="`waiting`: for the end of the job")
    attempts: int
    error: str | None


class JobReply(BaseModel):
    """A job. Pages are those to read; `processed_pages` are those with a result, failed ones included. Times in ISO 8601."""

    id: str
    state: JobState
    created: str
    started: str | None
    finished: str | None
    expires: str | None = Field(description="When the job and its result are deleted; null while it is not finished")
    model: str
    total_pages: int | None = Field(description="null until every document has been opened")
    processed_pages: int
    failed_pages: int
    queue_position: int | None = Field(description="How many queued jobs are older; null when it is not queued")
    estimated_seconds: float | None = Field(description="Time to the end, about; null when that is not known")
    waiting_for: str | None = Field(description="What keeps it from going on, if anything does")
    files: list[JobFileReply]
    error: Trouble | None
    local_files: dict[str, str] | None = Field(description="With `save`: where each file is served, by kind")
    s3_files: S3Files | None = Field(
        description="With `save`, where S3 is set up: what the last upload came to; a failed one is tried again for a day"
    )
    webhook: WebhookReply | None
    keep_document: bool = Field(description="Whether the documents stay until the job is removed")
    links: dict[str, str]


class JobsReply(BaseModel):
    """Jobs of this caller, newest first; `next` is the `cursor` of those that follow."""

    jobs: list[JobReply]
    next: str | None


class Problem(BaseModel):
    """An error, as RFC 9457 has it, with a stable `code`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retry_after: int | None = Field(None, description="Seconds after which the same request may succeed")


class ManyEntry(BaseModel):
    """What came of one document among several: its `result`, as of `/ocr`, or its `problem`."""

    index: int
    filename: str | None
    result: ImageReply | DocumentReply | None = None
    problem: Problem | None = None


class ManyReply(BaseModel):
    """The results of several documents, in the order in which they were sent."""

    status: Literal["success", "partial", "failed"]
    results: list[ManyEntry]
