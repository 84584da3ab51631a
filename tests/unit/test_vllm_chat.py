"""What vLLM is asked in a chat, and what is made of its events. They have the form of vLLM's own."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.chat import Chat, ChatSampling, Ending, Part, Said, Turn
from server.engines.vllm_chat import answer, request
from server.engines.vllm_messages import VllmError


def token(text: str, logprob: float, *likely: tuple[str, float]) -> dict[str, Any]:
    bare = {"token": text, "logprob": logprob, "bytes": list(text.encode())}
    return {**bare, "top_logprobs": [token_bare(*each) for each in likely]}


def token_bare(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def event(
    text: str = "", reason: str | None = None, stop: str | int | None = None, tokens: list[Any] | None = None
) -> str:
    choice: dict[str, Any] = {"index": 0, "delta": {"content": text}, "finish_reason": reason, "stop_reason": stop}
    choice["logprobs"] = None if tokens is None else {"content": tokens}
    return "data: " + json.dumps({"choices": [choice]})


USAGE = 'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}'
END = (USAGE, "data: [DONE]")


def hear(*lines: str, top: int | None = None) -> tuple[list[Said], Ending]:
    async def lines_of() -> AsyncIterator[str]:
        for line in lines:
            yield line

    said: list[Said] = []
    sampling = ChatSampling(top_logprobs=top)
    ending = asyncio.run(answer(lines_of(), sampling, lambda: None, said.append))
    return said, ending


def test_each_piece_is_said_as_it_comes() -> None:
    said, ending = hear(event(), event("So"), "", event("me", "stop", 7), *END)
    assert said == [Said("So"), Said("me")]
    assert ending == Ending("stop", 9, 3, 0.0)


@pytest.mark.parametrize("reason", ["length", "repetition"])
def test_what_did_not_end_by_itself_was_cut(reason: str) -> None:
    assert hear(event("a", reason), *END)[1].reason == "length"


@pytest.mark.parametrize(
    "lines", [[], [event("a")], [event("a", "abort"), USAGE], [event("a"), 'data: {"error": {"message": "x"}}']]
)
def test_an_answer_that_breaks_off_is_an_error(lines: list[str]) -> None:
    with pytest.raises(VllmError):
        hear(*lines)


@pytest.mark.parametrize(("stop", "told"), [(7, 1), (None, 1), ("END", 2)])
def test_the_models_own_end_is_no_token_of_the_answer(stop: str | int | None, told: int) -> None:
    said, _ = hear(event("a", "stop", stop, [token("a", -1), token("<end>", -2)]), *END, top=0)
    assert len(said[0].logprobs) == told
    assert "token_id" not in said[0].logprobs[0]


def test_the_likeliest_are_those_that_were_asked_for() -> None:
    """vLLM is asked for one more, and puts the chosen one first, likely or not."""
    unlikely = token("c", -5.0, ("c", -5.0), ("a", -0.1), ("b", -0.2))
    likely = token("a", -0.1, ("a", -0.1), ("b", -0.2), ("d", -0.3))
    [said], _ = hear(event("ca", "length", None, [unlikely, likely]), *END, top=2)
    assert [[each["token"] for each in one["top_logprobs"]] for one in said.logprobs] == [["a", "b"], ["a", "b"]]
    assert said.logprobs[0]["logprob"] == -5.0


def test_a_request_has_all_turns_and_images_as_they_are(tmp_path: Path) -> None:
    image = Image.effect_noise((40, 30), 90).convert("RGB")
    image.save(tmp_path / "image.ppm")
    turns = (
        Turn("system", (Part("Be "), Part("brief."))),
        Turn("user", (Part(image=tmp_path / "image.ppm"), Part("a"))),
        Turn("assistant", (Part("b"),)),
        Turn("user", (Part("c"),)),
    )
    sampling = ChatSampling(9000, 0.5, 0.9, 7, ("END",), 2, 0.1, 0.2, 1.1)
    chat = Chat(turns, sampling, tmp_path / "ticket")
    asked = json.loads(request(chat, "m", 8192, {"vllm_xargs": {"a": 1}}))
    system, user, said, last = asked.pop("messages")
    picture, text = user["content"]
    with Image.open(io.BytesIO(base64.b64decode(picture["image_url"]["url"].partition(",")[2]))) as sent:
        assert sent.tobytes() == image.tobytes()
    assert text == {"type": "text", "text": "a"}
    assert [system, said, last] == [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    assert asked == {
        **{"model": "m", "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["END"], "logprobs": True},
        **{"top_logprobs": 3, "frequency_penalty": 0.1, "presence_penalty": 0.2, "repetition_penalty": 1.1},
        **{"stream": True, "stream_options": {"include_usage": True}, "skip_special_tokens": False},
        **{"max_completion_tokens": 8192, "vllm_xargs": {"a": 1}},
    }


@pytest.mark.parametrize(("top", "logprobs", "likely"), [(None, False, 0), (0, True, 0), (20, True, 21)])
def test_log_probabilities_are_worked_out_where_they_are_wanted(
    tmp_path: Path, top: int | None, logprobs: bool, likely: int
) -> None:
    chat = Chat((Turn("user", (Part("a"),)),), ChatSampling(top_logprobs=top), tmp_path)
    asked = json.loads(request(chat, "m", None, {}))
    assert (asked["logprobs"], asked["top_logprobs"]) == (logprobs, likely)
    assert "max_completion_tokens" not in asked
