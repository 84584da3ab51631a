"""A chat as vLLM is asked to answer it, and its answer as it comes."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from server.chat import Chat, ChatSampling, Ending, Part, Said, TokenLogprob, Turn
from server.engines.recogniser import fit, opened
from server.engines.vllm_messages import as_url, events_of, limited, was_cut

MOST_LOGPROBS = 21
"""What vLLM must allow for: OpenAI's 20, and one more, see `_logprob`."""


def request(chat: Chat, model: str, longest: int | None, extra: Mapping[str, Any]) -> bytes:
    """The body of a chat completion of at most `longest` tokens, with `extra` parameters. It takes milliseconds."""
    sampling = chat.sampling
    body = {
        "model": model,
        "messages": [{"role": turn.role, "content": _content(turn)} for turn in chat.turns],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "repetition_penalty": sampling.repetition_penalty,
        "seed": sampling.seed,
        "stop": list(sampling.stop),
        "logprobs": sampling.top_logprobs is not None,
        "top_logprobs": sampling.top_logprobs + 1 if sampling.top_logprobs else 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "skip_special_tokens": False,  # tags of grounding are such tokens
        **limited(sampling.max_tokens, longest),
        **extra,
    }
    return json.dumps(body).encode()


async def answer(
    lines: AsyncIterator[str], sampling: ChatSampling, heard: Callable[[], None], say: Callable[[Said], None]
) -> Ending:
    """The end of the answer in these lines; calls `heard` with each event, and `say` with each that says something.

    Who stops listening stops vLLM. `seconds` is left to the caller. Raises VllmError.
    """
    reason: str | None = None
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    async for event in events_of(lines):
        heard()
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            reason = choice["finish_reason"] or reason
            tokens = (choice.get("logprobs") or {}).get("content") or []
            if reason == "stop" and not isinstance(choice.get("stop_reason"), str):
                tokens = tokens[:-1]  # the model's own end is no part of what it says
            text = choice["delta"].get("content") or ""
            if text or tokens:
                say(Said(text, tuple(_logprob(token, sampling.top_logprobs or 0) for token in tokens)))
    cut = was_cut(reason)
    return Ending("length" if cut else "stop", usage["prompt_tokens"], usage["completion_tokens"], 0.0)


def _content(turn: Turn) -> str | list[dict[str, Any]]:
    """Templates that know no parts take a string only, and so do most for what a model has said."""
    if not any(part.image for part in turn.parts):
        return "".join(part.text for part in turn.parts)
    return [_part(part) for part in turn.parts]


def _part(part: Part) -> dict[str, Any]:
    if part.image is None:
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": as_url(fit(opened(part.image)))}}


def _logprob(token: Mapping[str, Any], top: int) -> TokenLogprob:
    """As OpenAI has it. vLLM puts the chosen token first among the likeliest, also where it is none of them."""
    likely = sorted(token["top_logprobs"], key=lambda each: each["logprob"], reverse=True)
    return {**_bare(token), "top_logprobs": [_bare(each) for each in likely[:top]]}


def _bare(token: Mapping[str, Any]) -> dict[str, Any]:
    return {name: token[name] for name in ("token", "logprob", "bytes")}
