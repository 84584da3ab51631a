"""What the tools take and give. Models only, no behaviour."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from server.routes.jobs import MAX_WAIT_S
from server.schemas import DEFAULT_PROMPT, JobReply
from server.states import ModelState

OutputFormat = Literal["markdown", "text", "json"]
_OUTPUT = "`json` has the pages, their blocks with boxes, fields and confidence too, as of POST /ocr"


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OcrArguments(_Arguments):
    """What to read, and how."""

    document: str = Field(
        description="The document (PDF, JPG, PNG, TIFF, BMP, WEBP or GIF) in base64, a data URI will do; or where it is: "
        "an http(s) address, where the server allows that, or s3://bucket/key. Never a path: it sees no files of yours"
    )
    model_name: str | None = Field(None, max_length=100, description="One of `list_models`; the default if not given")
    pages: Annotated[str | None, BeforeValidator(lambda v: str(v) if type(v) is int else v)] = Field(
        None, max_length=1000, description="Pages to read, such as `1-3,7`; all if not given"
    )
    prompt: str = Field(DEFAULT_PROMPT, max_length=8000, description="For models that take one")
    output_format: OutputFormat = Field("markdown", description=f"Of the result; {_OUTPUT}")
    as_job: bool = Field(
        False, description="For long documents: answer at once with a job, whose result `get_job` has when it is done"
    )


class JobArguments(_Arguments):
    """Which job, and its result in which form."""

    job_id: str = Field(max_length=100)
    wait_seconds: float = Field(0, ge=0, le=MAX_WAIT_S, description="How long to wait for its end")
    output_format: OutputFormat = Field("markdown", description=f"Of the result; {_OUTPUT}")
    file: int | None = Field(None, ge=0, description="One document of a job that has several; from 0")


class NoArguments(_Arguments):
    """Nothing is asked."""


class Outcome(BaseModel):
    """The result of a document, where there is one, and the job, where it is one."""

    status: Literal["success", "partial", "failed"] | None = Field(
        None, description="`partial`: some pages could not be read"
    )
    result: str | dict[str, Any] | None = Field(None, description="Markdown or text, or an object for `json`")
    job: JobReply | None = None


class ModelLine(BaseModel):
    """A model, as `GET /models` has it; `reason` says why it cannot be used, or what it waits for."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    title: str
    state: ModelState
    reason: str | None
    languages: list[str]


class ModelLines(BaseModel):
    """All models."""

    default_model: str
    models: list[ModelLine]
