"""An answer as OpenAI's clients read it: whole, or as the events of a stream. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.chat import Ending, Said
from server.openai_schemas import AnswerMessage, ChatCompletion, Choice, Logprobs, TokenLogprob, Usage


@dataclass(frozen=True, slots=True)
class Heading:
    """What every event of an answer says of it. `with_usage`: the stream ends with what it took."""

    id: str
    created: int
    model: str
    fingerprint: str | None
    with_logprobs: bool
    with_usage: bool

    def whole(self, said: Sequence[Said], ending: Ending) -> ChatCompletion:
        """All of the answer."""
        choice = Choice(
            message=AnswerMessage(content="".join(each.text for each in said)),
            logprobs=self._logprobs(said),
            finish_reason=ending.reason,
        )
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=[choice],
            usage=_usage(ending),
            system_fingerprint=self.fingerprint,
        )

    def first(self) -> str:
        """The event that begins a stream."""
        return self._event({"role": "assistant", "content": ""})

    def more(self, said: Said) -> str:
        """An event with some more text."""
        return self._event({"content": said.text}, said=[said])

    def last(self, ending: Ending) -> str:
        """The events that end a stream."""
        usage = self._written([], _usage(ending)) if self.with_usage else ""
        return self._event({}, ending.reason) + usage + "data: [DONE]\n\n"

    def _event(self, delta: Mapping[str, str], reason: str | None = None, said: Sequence[Said] = ()) -> str:
        logprobs = self._logprobs(said) if said else None
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": logprobs and logprobs.model_dump(),
            "finish_reason": reason,
        }
        return self._written([choice], None)

    def _written(self, choices: list[dict[str, Any]], usage: Usage | None) -> str:
        chunk = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            "system_fingerprint": self.fingerprint,
            **({"usage": usage and usage.model_dump()} if self.with_usage else {}),
        }
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"

    def _logprobs(self, said: Sequence[Said]) -> Logprobs | None:
        if not self.with_logprobs:
            return None
        return Logprobs(content=[TokenLogprob.model_validate(token) for each in said for token in each.logprobs])


def _usage(ending: Ending) -> Usage:
    total = ending.prompt_tokens + ending.completion_tokens
    return Usage(prompt_tokens=ending.prompt_tokens, completion_tokens=ending.completion_tokens, total_tokens=total)
