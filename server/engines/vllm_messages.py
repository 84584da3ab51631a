"""What vLLM is asked and what it answers, over its chat completions (vLLM, "OpenAI-Compatible Server")."""

import base64
import io
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from server.engines.recogniser import Crop, Reading, Sampling
from server.engines.repetition import is_endless
from server.engines.token_ids import added_tokens
from server.vlm_spec import NGramGuard

_NEWS = 1000  # characters after which a text is looked at for a loop


class VllmError(Exception):
    """vLLM could not go on with an answer that it had begun."""


def request(crop: Crop, sampling: Sampling, model: str, longest: int | None, extra: Mapping[str, Any]) -> bytes:
    """The body of a chat completion of at most `longest` tokens, with `extra` parameters. It takes milliseconds."""
    picture = io.BytesIO()
    crop.image.save(picture, "BMP")  # nothing to compress or to unpack: the bytes do not leave this machine
    url = "data:image/bmp;base64," + base64.b64encode(picture.getbuffer()).decode()
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": crop.prompt}]
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
        **extra,
    }
    if limits := [limit for limit in (sampling.max_new_tokens, longest) if limit is not None]:
        body["max_completion_tokens"] = min(limits)
    return json.dumps(body).encode()


async def reading(events: AsyncIterator[str], heard: Callable[[], None]) -> Reading:
    """The reading, from the lines of the answer for as long as they bring anything new; calls `heard` with each event.

    Who stops listening stops vLLM. Raises VllmError.
    """
    text, looked_at, tokens, reason = "", 0, 0, None
    probabilities = []
    async for event in events:
        if not event.startswith("data: {"):
            continue
        heard()
        said = json.loads(event.removeprefix("data: "))
        if "error" in said:
            raise VllmError(said["error"]["message"])
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
    if reason not in {"stop", "length", "repetition"}:
        raise VllmError(f"the answer ended with {reason}")
    confidence = sum(probabilities) / len(probabilities) if probabilities else None
    return Reading(text, cut=reason != "stop", tokens=tokens, confidence=confidence)


def guarded(guard: NGramGuard | None, folder: Path) -> dict[str, Any]:
    """The extra parameters for vLLM's n-gram logits processor (vllm/model_executor/models/deepseek_ocr.py), if any."""
    if guard is None:
        return {}
    allowed = added_tokens(folder, guard.allowed)
    return {"vllm_xargs": {"ngram_size": guard.size, "window_size": guard.window, "whitelist_token_ids": allowed}}
