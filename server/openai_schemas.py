"""OpenAI's wire format of chat completions and models, as far as this server speaks it. Models only, no behaviour.

Source: https://platform.openai.com/docs/api-reference/chat. Fields that are not here are ignored, but for those of
`ONLY`, which would change the answer.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

ONLY: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "audio": (),
    "web_search_options": (),
    "top_k": (0, -1),
    "min_p": (0,),
}
"""What may be said of a parameter that this server does not have: what means the same as saying nothing."""

_INT64 = 1 << 63


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True)


class TextPart(_Asked):
    """Text."""

    type: Literal["text"]
    text: str


class ImageUrl(_Asked):
    """Where an image is."""

    url: str = Field(
        description="A data URI with an image or a PDF in base64. An address (off unless ALLOW_URL_INPUT) or "
        "s3://bucket/key (see S3_INPUT_BUCKETS) is taken where the server allows it"
    )


class ImagePart(_Asked):
    """An image; each page of a PDF is one."""

    type: Literal["image_url"]
    image_url: ImageUrl


class FileData(_Asked):
    """A file in the request."""

    file_data: str = Field(description="As `url` of an image")


class FilePart(_Asked):
    """A PDF or an image, as OpenAI takes PDFs."""

    type: Literal["file"]
    file: FileData


AnyPart = Annotated[TextPart | ImagePart | FilePart, Field(discriminator="type")]


_OF_THE_USER: JsonDict = {"properties": {"role": {"const": "user"}}}
_OF_TEXT: JsonDict = {"properties": {"content": {"items": {"properties": {"type": {"const": "text"}}}}}}


class Message(_Asked):
    """One turn; `developer` is the same as `system`. Only the user can show images."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [_OF_THE_USER, _OF_TEXT]})

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[AnyPart]


class StreamOptions(_Asked):
    """What a stream carries."""

    include_usage: bool | None = Field(None, description="Whether `usage` comes in a last chunk")


_WITH_LOGPROBS: JsonDict = {"required": ["logprobs"], "properties": {"logprobs": {"const": True}}}
_WITHOUT_LIKELY_ONES: JsonDict = {"properties": {"top_logprobs": {"type": "null"}}}


class ChatRequest(_Asked):
    """A chat. What is not set is as the model's card has it: the likeliest token each time, and the card's limit."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [_WITH_LOGPROBS, {"properties": {"top_logprobs": {"type": "null"}}}]}
    )

    model: str = Field(max_length=100, description="A model of `/v1/models`")
    messages: list[Message] = Field(min_length=1)
    temperature: float | None = Field(None, ge=0, le=2, description="Randomness; 0, the default here, is none")
    top_p: float | None = Field(None, gt=0, le=1)
    max_completion_tokens: int | None = Field(None, ge=1, le=10_000_000)
    max_tokens: int | None = Field(None, ge=1, le=10_000_000, description="The old name of `max_completion_tokens`")
    seed: int | None = Field(None, ge=-_INT64, lt=_INT64, description="The same seed gives the same answer")
    stop: (
        Annotated[str, Field(min_length=1, max_length=256)]
        | Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=4)]
        | None
    ) = Field(None, description="Texts that end the answer, and are no part of it")
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    repetition_penalty: float | None = Field(
        None, gt=0, le=10, description="Not of OpenAI; as of `/ocr`: the default is the model's own"
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None


class _Logprob(BaseModel):
    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(_Logprob):
    """One token of the answer, and the likeliest ones in its place."""

    top_logprobs: list[_Logprob]


class Logprobs(BaseModel):
    """The tokens of an answer."""

    content: list[TokenLogprob]
    refusal: None = None


class AnswerMessage(BaseModel):
    """What the model says."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


Reason = Literal["stop", "length"]


class Choice(BaseModel):
    """The one answer; `length`: a limit of tokens ended it."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: Reason


class Usage(BaseModel):
    """What it took, in tokens; images count as those that the model sees."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An answer; `created` in Unix seconds, `system_fingerprint` says which weights it is from."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    system_fingerprint: str | None


class ModelCard(BaseModel):
    """A model that answers chats; `created` in Unix seconds is when the server was started."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelCards(BaseModel):
    """The models that answer chats here."""

    object: Literal["list"] = "list"
    data: list[ModelCard]
