"""What is made of vLLM's events. They have the form of vLLM's own."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.engines.recogniser import Crop, Reading, Sampling
from server.engines.vllm_messages import VllmError, guarded, reading, request
from server.vlm_spec import NGramGuard


def event(text: str = "", reason: str | None = None, tokens: int = 1, logprobs: list[float] | None = None) -> str:
    choice: dict[str, Any] = {"index": 0, "delta": {"content": text}, "finish_reason": reason, "logprobs": None}
    if logprobs is not None:
        choice["logprobs"] = {"content": [{"token": "a", "logprob": each} for each in logprobs]}
    return "data: " + json.dumps({"choices": [choice], "usage": {"completion_tokens": tokens}})


LAST = 'data: {"choices": [], "usage": {"completion_tokens": 3}}'


def read(*lines: str) -> tuple[Reading, int]:
    """The reading, and how many of the lines were heard."""
    taken = heard = 0

    async def answer() -> AsyncIterator[str]:
        nonlocal taken
        for line in lines:
            taken += 1
            yield line

    def hear() -> None:
        nonlocal heard
        heard += 1

    result = asyncio.run(reading(answer(), hear))
    assert heard <= taken
    return result, taken


def test_pieces_are_joined_and_probabilities_averaged() -> None:
    lines = [event("So", logprobs=[0.0]), "", event("me", "stop", 2, [-0.6931471805599453]), LAST, "data: [DONE]"]
    result, _ = read(*lines)
    assert (result.text, result.cut, result.tokens) == ("Some", False, 3)
    assert result.confidence == pytest.approx(0.75)


def test_without_probabilities_there_is_no_confidence() -> None:
    assert read(event("a", "stop"), LAST)[0].confidence is None


@pytest.mark.parametrize("reason", ["length", "repetition"])
def test_what_did_not_end_by_itself_was_cut(reason: str) -> None:
    assert read(event("a", reason), LAST)[0].cut


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["data: [DONE]"],
        [event("a")],
        [event("a", "abort"), LAST],
        [event("a"), 'data: {"error": {"message": "x"}}'],
    ],
)
def test_an_answer_that_breaks_off_is_an_error(lines: list[str]) -> None:
    with pytest.raises(VllmError):
        read(*lines)


def test_nobody_listens_to_a_loop_for_long() -> None:
    lines = [event("and again " * 50, tokens=100 * number) for number in range(1, 1000)]
    result, taken = read(*lines)
    assert result.cut
    assert taken < 30
    assert result.text.startswith("and again and again")


def test_a_request_carries_the_picture_as_it_is_and_no_more_tokens_than_fit() -> None:
    image = Image.effect_noise((30, 20), 90).convert("RGB")
    sampling = Sampling(9000, 0.5, 0.9, 1.1, confidence=False, seed=2)
    asked = json.loads(request(Crop(image, "Read."), sampling, "m", 8192, {"vllm_xargs": {"a": 1}}))
    [message] = asked.pop("messages")
    picture, text = message["content"]
    with Image.open(io.BytesIO(base64.b64decode(picture["image_url"]["url"].partition(",")[2]))) as sent:
        assert sent.tobytes() == image.tobytes()
    assert text == {"type": "text", "text": "Read."}
    assert asked.pop("stream_options") == {"include_usage": True, "continuous_usage_stats": True}
    assert asked == {
        **{"model": "m", "temperature": 0.5, "top_p": 0.9, "repetition_penalty": 1.1, "seed": 2, "logprobs": False},
        **{"stream": True, "skip_special_tokens": False, "max_completion_tokens": 8192, "vllm_xargs": {"a": 1}},
    }
    assert "max_completion_tokens" not in json.loads(request(Crop(image, ""), Sampling(), "m", None, {}))


def test_the_guards_allowed_tokens_are_looked_up_by_their_text(tmp_path: Path) -> None:
    added = [{"id": 7, "content": "</td>"}, {"id": 5, "content": "<td>"}, {"id": 6, "content": "<tr>"}]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    found = guarded(NGramGuard(30, 90, ("<td>", "</td>", "<th>")), tmp_path)
    assert found == {"vllm_xargs": {"ngram_size": 30, "window_size": 90, "whitelist_token_ids": [5, 7]}}
    assert guarded(None, tmp_path) == {}
