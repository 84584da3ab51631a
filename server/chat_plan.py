"""What is asked in a chat, of which model, checked; and its images, brought to where the model sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from server.call import Sent
from server.catalog import ModelEntry
from server.chat import MAX_IMAGES, Chat, ChatSampling, Part, Turn
from server.chat_body import MARK
from server.errors import BadRequest, NoChat, TooManyPages
from server.model_host import ModelHost
from server.openai_schemas import (
    ONLY,
    AnyPart,
    ChatRequest,
    FileData,
    FilePart,
    ImagePart,
    ImageUrl,
    Message,
    StreamOptions,
    TextPart,
)
from server.pages import Reader
from server.recognition import Recognition
from server.supervisor import Supervisor

_NAMES = {
    name
    for model in (ChatRequest, Message, TextPart, ImagePart, ImageUrl, FilePart, FileData, StreamOptions)
    for name in model.model_fields
}


@dataclass(frozen=True, slots=True)
class ChatPlan:
    """A chat that the model can be asked, before its images are opened; pages of a PDF are rendered at `dpi`."""

    host: ModelHost
    asked: ChatRequest
    sampling: ChatSampling
    dpi: int


def plan(fields: Mapping[str, Any], supervisor: Supervisor, dpi: int | None) -> ChatPlan:
    """The fields of a chat completion, checked; `dpi` None is the model's own. Raises BadRequest, UnknownModel, NoChat."""
    for name, values in ONLY.items():
        if fields.get(name) is not None and fields[name] not in values:
            raise BadRequest(f"{name}: this server has no such thing, or not with this value. Leave it out.")
    try:
        asked = ChatRequest.model_validate(fields)
    except ValidationError as error:
        deepest = max(error.errors(include_url=False), key=lambda each: len(each["loc"]))  # of a union's, the likeliest
        raise BadRequest(f"{_where(deepest['loc'])}: {deepest['msg']}.") from None
    _check(asked)
    host = supervisor.host(asked.model)
    if not may_chat(host):
        why = " with PADDLE_VL_RECOGNISER=native" if host.entry.prompts else ""
        raise NoChat(f"{host.entry.name} answers no chats{why}. Models that do: {those(supervisor)}.")
    return ChatPlan(host, asked, _sampling(asked, host.entry), dpi or host.entry.pdf_dpi)


def can_chat(host: ModelHost) -> bool:
    """Whether the model answers chats on this machine."""
    return host.recogniser is not None


def able(supervisor: Supervisor) -> list[str]:
    """The models that answer chats on this machine."""
    return [name for name, host in supervisor.hosts.items() if can_chat(host)]


def those(supervisor: Supervisor) -> str:
    """The same, for a message."""
    return ", ".join(able(supervisor)) or "none on this server"


def may_chat(host: ModelHost) -> bool:
    """Whether it would, if it could be loaded here: why it cannot be is for the loading to say."""
    return can_chat(host) or (host.reason is not None and bool(host.entry.prompts))


async def open_images(
    plan: ChatPlan, documents: Sequence[Sent], recognition: Recognition, reader: Reader, folder: Path
) -> list[tuple[Path, int]]:
    """Where each document lies, and how many images it is: a PDF or a TIFF has one on each page.

    Raises what is wrong with a document, and TooManyPages for more than `MAX_IMAGES` together.
    """
    found = []
    for index, sent in enumerate(documents):
        path = await recognition.bring(sent, folder / f"fetched-{index}")
        found.append((path, (await reader.open(path, plan.dpi)).total_pages))
    if sum(pages for _, pages in found) > MAX_IMAGES:
        raise TooManyPages(f"A chat takes {MAX_IMAGES} images, each page of a document counted. Send fewer.")
    return found


async def assemble(plan: ChatPlan, found: Sequence[tuple[Path, int]], reader: Reader, folder: Path) -> Chat:
    """The chat as an engine takes it, its images in the spool. Raises DamagedFile, TooManyPixels."""
    images: list[list[Part]] = []
    for index, (path, pages) in enumerate(found):
        await reader.open(path, plan.dpi)
        shown = [await reader.render(number, f"image-{index}") for number in range(1, pages + 1)]
        images.append([Part(image=page.path) for page in shown])
    ticket = folder / "ticket"
    ticket.touch()
    best_prompt = next(iter(plan.host.entry.prompts.values()))
    return Chat(turns(plan.asked.messages, images, best_prompt), plan.sampling, ticket)


def turns(messages: Sequence[Message], images: Sequence[Sequence[Part]], best_prompt: str) -> tuple[Turn, ...]:
    """The turns with their images. Where the user shows some and says nothing, the model's best prompt is what is meant."""
    said = []
    for message in messages:
        role = "system" if message.role == "developer" else message.role
        parts = [Part(message.content)] if isinstance(message.content, str) else _parts(message.content, images)
        said.append(Turn(role, tuple(parts)))
    last = said[-1]
    if any(part.image for part in last.parts) and not any(part.text.strip() for part in last.parts):
        said[-1] = Turn(last.role, (*last.parts, Part(best_prompt)))
    return tuple(said)


def _parts(content: Sequence[AnyPart], images: Sequence[Sequence[Part]]) -> list[Part]:
    parts: list[Part] = []
    for part in content:
        if isinstance(part, TextPart):
            parts.append(Part(part.text))
        else:
            parts.extend(images[int(_source(part).removeprefix(MARK))])
    return parts


def _source(part: ImagePart | FilePart) -> str:
    return part.file.file_data if isinstance(part, FilePart) else part.image_url.url


def _where(place: Sequence[int | str]) -> str:
    """The way to a field without what pydantic puts into it: the members of unions, and a part's type beside its field."""
    way = [each for each in place if isinstance(each, int) or each in _NAMES]
    return ".".join(str(each) for each, before in zip(way, [None, *way], strict=False) if each != before)


def _check(asked: ChatRequest) -> None:
    if asked.top_logprobs is not None and not asked.logprobs:
        raise BadRequest("top_logprobs: only with `logprobs` true.")
    for index, message in enumerate(asked.messages):
        is_text = isinstance(message.content, str) or all(isinstance(part, TextPart) for part in message.content)
        if message.role != "user" and not is_text:
            raise BadRequest(f"messages.{index}.content: only the user can show images.")


def _sampling(asked: ChatRequest, entry: ModelEntry) -> ChatSampling:
    """What is not asked for is the model's own."""

    def own(option: str, otherwise: float) -> float:
        value = entry.options[option].default
        return otherwise if value is None else float(value)

    stop = asked.stop or ()
    return ChatSampling(
        max_tokens=asked.max_completion_tokens or asked.max_tokens or (entry.vlm.max_new_tokens if entry.vlm else None),
        temperature=own("temperature", 0) if asked.temperature is None else asked.temperature,
        top_p=own("top_p", 1) if asked.top_p is None else asked.top_p,
        seed=asked.seed,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        top_logprobs=(asked.top_logprobs or 0) if asked.logprobs else None,
        frequency_penalty=asked.frequency_penalty or 0,
        presence_penalty=asked.presence_penalty or 0,
        repetition_penalty=(
            own("repetition_penalty", 1) if asked.repetition_penalty is None else asked.repetition_penalty
        ),
    )
