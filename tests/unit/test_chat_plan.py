"""What may be asked in a chat, and what of it an engine is told."""

from pathlib import Path
from typing import Any

import pytest

from server import catalog
from server.chat import ChatSampling, Part, Turn
from server.chat_plan import plan, turns
from server.errors import BadRequest, NoChat, UnknownModel
from server.model_host import Policy
from server.openai_schemas import ChatRequest
from server.supervisor import Supervisor
from tests.unit.fakes import room_for_all

POLICY = Policy(Path("/nowhere"), load_timeout_s=1, page_timeout_s=1, max_pages=1, max_rss_bytes=1)
SAY = [{"role": "user", "content": "hello"}]
IMAGE = {"type": "image_url", "image_url": {"url": "document:0"}}
MODEL = "glm-ocr"


@pytest.fixture
def supervisor() -> Supervisor:
    """All models of the catalogue; none has weights here, which a chat learns when it is to be loaded."""
    return Supervisor(catalog.read(), POLICY, room_for_all(), lambda _: None)


def sampling(supervisor: Supervisor, model: str = MODEL, **fields: Any) -> ChatSampling:
    return plan({"model": model, "messages": SAY, **fields}, supervisor, None).sampling


def test_what_is_not_asked_for_is_the_models_own(supervisor: Supervisor) -> None:
    assert sampling(supervisor) == ChatSampling(max_tokens=8192, repetition_penalty=1.1)
    assert sampling(supervisor, "deepseek-ocr") == ChatSampling()
    assert sampling(supervisor, "paddleocr-vl") == ChatSampling()


def test_everything_that_is_asked_for_is_passed_on(supervisor: Supervisor) -> None:
    asked = {
        **{"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": -3, "stop": "END", "logprobs": True},
        **{"top_logprobs": 2, "frequency_penalty": 0.1, "presence_penalty": -0.2, "repetition_penalty": 1.5},
    }
    assert sampling(supervisor, **asked) == ChatSampling(7, 0.5, 0.9, -3, ("END",), 2, 0.1, -0.2, 1.5)
    assert sampling(supervisor, max_tokens=7, max_completion_tokens=9).max_tokens == 9
    assert sampling(supervisor, stop=["a", "b"]).stop == ("a", "b")
    assert sampling(supervisor, logprobs=True).top_logprobs == 0
    assert sampling(supervisor, logprobs=False).top_logprobs is None
    assert sampling(supervisor, temperature=0).temperature == 0


def test_what_clients_send_along_is_ignored(supervisor: Supervisor) -> None:
    along = {"user": "u", "metadata": {}, "store": False, "service_tier": "auto", "parallel_tool_calls": True}
    idle = {"n": 1, "tools": [], "response_format": {"type": "text"}, "logit_bias": {}, "tool_choice": "none"}
    assert sampling(supervisor, **along, **idle) == sampling(supervisor)
    assert sampling(supervisor, n=None, stop=None, stream_options=None, temperature=None) == sampling(supervisor)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2),
        ("n", "1"),
        ("tools", [{"type": "function"}]),
        ("functions", [{}]),
        ("tool_choice", "required"),
        ("response_format", {"type": "json_object"}),
        ("logit_bias", {"7": 100}),
        ("modalities", ["audio"]),
        ("audio", {}),
        ("top_k", 5),
        ("temperature", 2.1),
        ("temperature", "0"),
        ("temperature", True),
        ("top_p", 0),
        ("max_tokens", 0),
        ("max_completion_tokens", 1.5),
        ("seed", 1 << 63),
        ("seed", -(1 << 63) - 1),
        ("stop", ""),
        ("stop", ["a"] * 5),
        ("stop", [""]),
        ("stop", "a" * 257),
        ("logprobs", 1),
        ("top_logprobs", 21),
        ("frequency_penalty", 3),
        ("presence_penalty", -3),
        ("stream", "yes"),
        ("model", None),
        ("model", 7),
        ("messages", []),
        ("messages", "hello"),
    ],
)
def test_what_cannot_be_is_refused_by_name(supervisor: Supervisor, field: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=f"^{field}"):
        sampling(supervisor, **{"model": MODEL, field: value})


def test_likely_tokens_only_with_log_probabilities(supervisor: Supervisor) -> None:
    with pytest.raises(BadRequest, match=r"^top_logprobs: only with"):
        sampling(supervisor, top_logprobs=2)


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ({"role": "tool", "content": "a"}, "messages.0.role"),
        ({"content": "a"}, "messages.0.role"),
        ({"role": "user"}, "messages.0.content"),
        ({"role": "user", "content": None}, "messages.0.content"),
        ({"role": "user", "content": [{"type": "audio"}]}, "messages.0.content.0"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages.0.content.0.text"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, "messages.0.content.0.image_url"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, "messages.0.content.0.image_url.url"),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "x"}}]},
            "messages.0.content.0.file.file_data",
        ),
        ({"role": "system", "content": [IMAGE]}, "messages.0.content: only the user"),
        ({"role": "assistant", "content": [IMAGE]}, "messages.0.content: only the user"),
        (7, "messages.0"),
    ],
)
def test_what_is_wrong_with_a_message_is_said_with_its_place(supervisor: Supervisor, message: Any, where: str) -> None:
    with pytest.raises(BadRequest) as raised:
        sampling(supervisor, messages=[message])
    assert raised.value.detail.startswith(where), raised.value.detail


def test_models_without_a_chat_say_so_and_name_those_with_one(supervisor: Supervisor) -> None:
    supervisor.hosts[MODEL].recogniser = "vllm"
    for model in ("pp-ocr", "tesseract"):
        with pytest.raises(NoChat, match=rf"^{model} answers no chats\. Models that do: glm-ocr\.$"):
            sampling(supervisor, model)
    native = supervisor.hosts["paddleocr-vl"]
    native.reason = None
    with pytest.raises(NoChat, match=r"^paddleocr-vl answers no chats with PADDLE_VL_RECOGNISER=native\."):
        sampling(supervisor, "paddleocr-vl")
    with pytest.raises(UnknownModel):
        sampling(supervisor, "gpt-4o")


def messages(*said: dict[str, Any]) -> Any:
    return ChatRequest.model_validate({"model": MODEL, "messages": list(said)}).messages


def test_images_stand_where_they_were_shown_and_each_page_is_one() -> None:
    pages = [Part(image=Path("1.ppm")), Part(image=Path("2.ppm"))]
    other = {"type": "file", "file": {"file_data": "document:1"}}
    asked = messages(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, other, {"type": "text", "text": "b"}, IMAGE]},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    )
    assert turns(asked, [[Part(image=Path("0.ppm"))], pages], "best") == (
        Turn("system", (Part("Be brief."),)),
        Turn("user", (Part("a"), *pages, Part("b"), Part(image=Path("0.ppm")))),
        Turn("assistant", (Part("c"),)),
        Turn("user", (Part("d"),)),
    )


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_who_shows_an_image_and_says_nothing_means_the_best_prompt(text: str | None) -> None:
    content = [IMAGE] if text is None else [IMAGE, {"type": "text", "text": text}]
    [turn] = turns(messages({"role": "user", "content": content}), [[Part(image=Path("0.ppm"))]], "best")
    assert turn.parts[-1] == Part("best")
