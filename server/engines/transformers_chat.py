"""What a chat adds to transformers' generation: it is heard token by token, ends at stop texts, and counts repetitions."""

from collections.abc import Callable, Collection
from typing import Any

import torch

from server.chat import Chat, ChatSampling, Said, TokenLogprob
from server.engines.recogniser import fit, opened
from server.engines.speech import Detokeniser, Stopper


def messages(chat: Chat) -> list[dict[str, Any]]:
    """The turns as chat templates of processors take them."""
    return [
        {
            "role": turn.role,
            "content": [
                {"type": "image", "image": fit(opened(part.image))}
                if part.image
                else {"type": "text", "text": part.text}
                for part in turn.parts
            ],
        }
        for turn in chat.turns
    ]


class Likely:
    """A logits processor, the first one: it notes what the model itself thinks, as vLLM's log-probabilities are."""

    def __init__(self, decode: Callable[[list[int]], str], top: int) -> None:
        self._decode = decode
        self._top = top
        self._last = torch.empty(0)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self._last = scores[0].float().log_softmax(-1)
        return scores

    def of(self, token: int) -> TokenLogprob:
        """What was thought of the token that was chosen then."""
        best = self._last.topk(self._top).indices.tolist() if self._top else []
        return {**self._one(token), "top_logprobs": [self._one(each) for each in best]}

    def _one(self, token: int) -> dict[str, Any]:
        text = self._decode([token])
        logprob = max(float(self._last[token]), -9999.0)  # JSON has no infinity; OpenAI and vLLM say the same
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


class Penalties:
    """A logits processor: what a token loses for each time that it was said, and for having been said at all."""

    def __init__(self, sampling: ChatSampling, start: int) -> None:
        self._sampling = sampling
        self._start = start  # of what is generated

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        counts = torch.bincount(input_ids[0, self._start :], minlength=scores.shape[-1])
        loss = self._sampling.frequency_penalty * counts + self._sampling.presence_penalty * (counts > 0)
        return scores - loss.to(scores.dtype)


class Speaker:
    """A stopping criterion that hears every token: it says it, or ends the answer."""

    def __init__(  # noqa: PLR0913 what it is between
        self,
        decode: Callable[[Any], str],
        ends: Collection[int],
        stop: tuple[str, ...],
        likely: Likely | None,
        say: Callable[[Said], None],
        wanted: Callable[[], bool],
    ) -> None:
        self._text = Detokeniser(decode)
        self._ends = ends
        self._stopper = Stopper(stop)
        self._likely = likely
        self._say = say
        self._wanted = wanted
        self._logprobs: list[TokenLogprob] = []
        self._ended = False
        self.tokens = 0

    @property
    def stopped(self) -> bool:
        """Whether the answer has come to its end, by the model's own word or by a stop text."""
        return self._ended or self._stopper.stopped

    def __call__(self, input_ids: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        token = int(input_ids[0, -1])
        self.tokens += 1
        if token in self._ends:
            self._ended = True
        else:
            if self._likely:
                self._logprobs.append(self._likely.of(token))
            self._tell(self._stopper.feed(self._text.feed(token)))
        return torch.full((1,), self.stopped or not self._wanted(), device=input_ids.device)

    def finish(self) -> None:
        """Say what was held back."""
        self._tell(self._stopper.feed(self._text.rest()) + self._stopper.rest(), last=True)

    def _tell(self, text: str, *, last: bool = False) -> None:
        if text or (last and self._logprobs):
            self._say(Said(text, tuple(self._logprobs)))
            self._logprobs.clear()
