"""What vLLM is asked and what it answers, over its chat completions (vLLM, "OpenAI-Compatible Server")."""

import base64
import io
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from server.engines.recogniser import Crop, Reading, Sampling
from server.engines.repetition import is_endless
from server.engines.token_ids import added_tokens
from server.vlm_spec import NGramGuard

_NEWS = 1000  # characters after which a text is looked at for a loop


class VllmError(Exception):
    """vLLM could not go on with an answer that it had begun."""


def request(crop: Crop, sampling: Sampling, model: str, longest: int | None, extra: Mapping[str, Any]) -> bytes:
    """The body of a chat completion of at most `longest` tokens, with `extra` parameters. It takes milliseconds."""
    content = [{"type": "image_url", "image_url": {"url": as_url(crop.image)}}, {"type": "text", "text": crop.prompt}]
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content if crop.prompt else content[:1]}],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
        "seed": sampling.seed,
        "logprobs": sampling.confidence,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "skip_special_tokens": False,  # tags of grounding are such tokens
        **limited(sampling.max_new_tokens, longest),
        **extra,
    }
    return json.dumps(body).encode()


def as_url(image: Image.Image) -> str:
    """The image as a data URI, as it is: nothing to compress or to unpack, for the bytes do not leave this machine."""
    picture = io.BytesIO()
    image.save(picture, "BMP")
    return "data:image/bmp;base64," + base64.b64encode(picture.getbuffer()).decode()


def limited(asked: int | None, longest: int | None) -> dict[str, int]:
    """The parameter that limits the answer to what was asked for, and to what the server takes; either may be open."""
    limits = [limit for limit in (asked, longest) if limit is not None]
    return {"max_completion_tokens": min(limits)} if limits else {}


async def events_of(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    """What each line of a streamed answer says. Raises VllmError for one that says that it cannot go on."""
    async for line in lines:
        if line.startswith("data: {"):
            said: dict[str, Any] = json.loads(line.removeprefix("data: "))
            if "error" in said:
                raise VllmError(said["error"]["message"])
            yield said


def was_cut(reason: str | None) -> bool:
    """Whether an answer that ended for this reason was cut off. Raises VllmError for one that did not end."""
    if reason not in {"stop", "length", "repetition"}:
        raise VllmError(f"the answer ended with {reason}")
    return reason != "stop"


async def reading(events: AsyncIterator[str], heard: Callable[[], None]) -> Reading:
    """The reading, from the lines of the answer for as long as they bring anything new; calls `heard` with each event.

    Who stops listening stops vLLM. Raises VllmError.
    """
    text, looked_at, tokens, reason = "", 0, 0, None
    probabilities = []
    async for said in events_of(events):
        heard()
        tokens = said["usage"]["completion_tokens"]
        for choice in said["choices"]:
            text += choice["delta"].get("content") or ""
            reason = choice["finish_reason"] or reason
            chosen = (choice.get("logprobs") or {}).get("content") or []
            probabilities += [math.exp(token["logprob"]) for token in chosen]
        if len(text) >= looked_at + _NEWS:
            looked_at = len(text)
            if is_endless(text):
                reason = "length"
                break
    cut = was_cut(reason)
    confidence = sum(probabilities) / len(probabilities) if probabilities else None
    return Reading(text, cut=cut, tokens=tokens, confidence=confidence)


def guarded(guard: NGramGuard | None, folder: Path) -> dict[str, Any]:
    """The extra parameters for vLLM's n-gram logits processor (vllm/model_executor/models/deepseek_ocr.py), if any."""
    if guard is None:
        return {}
    allowed = added_tokens(folder, guard.allowed)
    return {"vllm_xargs": {"ngram_size": guard.size, "window_size": guard.window, "whitelist_token_ids": allowed}}
