"""The recogniser for models that transformers has a class of its own for: in this process, no server, no remote code."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    StoppingCriteriaList,
)

from server.chat import Chat, ChatSampling, Ending, Said
from server.engines import gpu_fit
from server.engines.base import Loading
from server.engines.ngrams import banned
from server.engines.recogniser import Crop, Reading, RefusedError, Sampling, WithdrawnError
from server.engines.token_ids import added_tokens
from server.engines.transformers_chat import Likely, Penalties, Speaker, messages
from server.vlm_spec import NGramGuard

_AT_ONCE = 8  # crops in one batch, padded to the longest


class TransformersRecogniser:
    """A model and its processor, called by one thread."""

    concurrency = 1

    def load(self, loading: Loading, folder: Path) -> None:
        """Open the weights: in bfloat16 on a GPU, in float32 on the CPU. Raises UnfitError, and what transformers raises."""
        device = gpu_fit.device(loading.knobs.allow_cpu, gpu_fit.installed_torch()).replace("gpu", "cuda")
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        self._processor = AutoProcessor.from_pretrained(folder, **local)
        self._processor.tokenizer.padding_side = "left"
        self._model = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype, **local).to(device).eval()
        ends = self._model.generation_config.eos_token_id
        self._ends = set(ends if isinstance(ends, list) else [ends])
        self._guard = loading.entry.vlm.ngram_guard if loading.entry.vlm else None
        self._allowed = added_tokens(folder, self._guard.allowed) if self._guard else []

    def read(self, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]) -> list[Reading]:
        """The crops in batches, those of like size together. Raises WithdrawnError between two tokens."""
        by_size = iter(
            sorted(range(len(crops)), key=lambda place: crops[place].image.width * crops[place].image.height)
        )
        readings: dict[int, Reading] = {}
        while places := list(islice(by_size, _AT_ONCE)):
            batch = self._batch([crops[place] for place in places], sampling, wanted)
            readings.update(zip(places, batch, strict=True))
        return [readings[place] for place in range(len(crops))]

    def close(self) -> None:
        """Free the model."""
        del self._model, self._processor

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        """The answer, token by token. Raises WithdrawnError between two of them."""
        started = time.perf_counter()
        sampling = chat.sampling
        mark = getattr(self._processor, "image_token", None)
        if mark and any(mark in part.text for turn in chat.turns for part in turn.parts):
            raise RefusedError(f"{mark} stands for an image and cannot be in a text")
        inputs, start, room = self._inputs([messages(chat)])
        likely = Likely(self._decode, sampling.top_logprobs) if sampling.top_logprobs is not None else None
        speaker = Speaker(self._decode, self._ends, sampling.stop, likely, say, wanted)
        steps = [*([likely] if likely else []), *self._steps(sampling.repetition_penalty, start)]
        if sampling.frequency_penalty or sampling.presence_penalty:
            steps.append(Penalties(sampling, start))
        self._generate(inputs, min(room, sampling.max_tokens or room), sampling, steps, speaker)
        if not wanted():
            raise WithdrawnError
        speaker.finish()
        seconds = time.perf_counter() - started
        return Ending("stop" if speaker.stopped else "length", start, speaker.tokens, seconds)

    def _batch(self, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]) -> list[Reading]:
        inputs, start, room = self._inputs([[{"role": "user", "content": list(_content(crop))}] for crop in crops])
        probabilities = _Probabilities() if sampling.confidence else None
        steps = [*([probabilities] if probabilities else []), *self._steps(sampling.repetition_penalty, start)]
        limit = min(room, sampling.max_new_tokens or room)
        tokens = self._generate(inputs, limit, sampling, steps, _Withdrawn(wanted))
        if not wanted():
            raise WithdrawnError
        chosen = probabilities.of(tokens) if probabilities else None
        return [
            self._reading(row, None if chosen is None else chosen[place]) for place, row in enumerate(tokens[:, start:])
        ]

    def _inputs(self, conversations: list[list[dict[str, Any]]]) -> tuple[Any, int, int]:
        """What `generate` takes, where in it the answer will start, and how many tokens there is room for."""
        try:
            inputs = self._processor.apply_chat_template(
                conversations,
                **{"tokenize": True, "add_generation_prompt": True, "return_dict": True, "return_tensors": "pt"},
                processor_kwargs={"padding": True},
            ).to(self._model.device, self._model.dtype)
        except (ValueError, TypeError, LookupError, StopIteration, TemplateError) as error:  # too many images or turns
            raise RefusedError(f"the model does not take this: {error}") from error
        start = inputs["input_ids"].shape[1]
        room = self._model.config.get_text_config().max_position_embeddings - start
        if room < 1:
            raise RefusedError(f"{start} tokens are asked, and the model takes {start + room}")
        return inputs, start, room

    def _steps(self, repetition_penalty: float, start: int) -> Iterator[Any]:
        """What goes over the logits of each token, after what notes them."""
        if repetition_penalty != 1:
            yield RepetitionPenaltyLogitsProcessor(repetition_penalty)
        if self._guard:
            yield _NGrams(self._guard, self._allowed, start)

    def _generate(
        self, inputs: Any, limit: int, sampling: Sampling | ChatSampling, steps: list[Any], until: Any
    ) -> torch.Tensor:
        sampled = (
            {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0} if sampling.temperature else {}
        )
        if sampling.seed is None:
            torch.seed()
        else:
            torch.manual_seed(sampling.seed)
        with torch.inference_mode():
            tokens: torch.Tensor = self._model.generate(
                **inputs,
                max_new_tokens=limit,
                do_sample=bool(sampled),
                repetition_penalty=1.0,
                logits_processor=LogitsProcessorList(steps),
                stopping_criteria=StoppingCriteriaList([until]),
                **sampled,
            )
        return tokens

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._processor.decode(tokens, skip_special_tokens=False)
        return text

    def _reading(self, row: torch.Tensor, probabilities: torch.Tensor | None) -> Reading:
        ids = row.tolist()
        end = next((place for place, token in enumerate(ids) if token in self._ends), None)
        count = len(ids) if end is None else end + 1  # the end is a token, too
        confidence = float(probabilities[:count].mean()) if probabilities is not None else None
        text = self._decode(ids[:end])
        return Reading(text, cut=end is None, tokens=count, confidence=confidence)


class _Probabilities:
    """The probability of each token that was chosen, before penalties and temperature, as in vLLM's log-probabilities.

    Kept step by step: the logits of all steps would be gigabytes for a long page.
    """

    def __init__(self) -> None:
        self._last: torch.Tensor | None = None
        self._chosen: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self._note(input_ids)
        self._last = scores.float().log_softmax(-1)
        return scores

    def of(self, tokens: torch.Tensor) -> torch.Tensor:
        """All of them, sequences × steps, once generation has ended."""
        self._note(tokens)
        return torch.stack(self._chosen, dim=1)

    def _note(self, tokens: torch.Tensor) -> None:
        if self._last is not None:
            self._chosen.append(self._last.gather(1, tokens[:, -1:])[:, 0].exp())


class _NGrams:
    """The guard of DeepSeek's recipe; see `server.engines.ngrams`."""

    def __init__(self, guard: NGramGuard, allowed: Sequence[int], start: int) -> None:
        self._guard = guard
        self._allowed = set(allowed)
        self._start = start  # of what is generated

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for row, ids in enumerate(input_ids[:, self._start :].tolist()):
            if ban := banned(ids, self._guard.size, self._guard.window) - self._allowed:
                scores[row, list(ban)] = -torch.inf
        return scores


class _Withdrawn:
    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted

    def __call__(self, input_ids: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return torch.full((len(input_ids),), not self._wanted(), device=input_ids.device)


def _content(crop: Crop) -> Iterator[dict[str, Any]]:
    yield {"type": "image", "image": crop.image}
    if crop.prompt:
        yield {"type": "text", "text": crop.prompt}
