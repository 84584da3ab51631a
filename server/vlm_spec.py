"""What an image-text-to-text model is told beside its weights: by whom it is read, how it is served, what it reads.

Standard library only: engine workers import this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

RecogniserName = Literal["vllm", "transformers"]

_OURS = {
    "trust_remote_code",
    "model",
    "served_model_name",
    "host",
    "port",
    "uds",
    "api_key",
    "allowed_local_media_path",
}
"""Arguments of `vllm serve` that are the server's own, or never on."""


@dataclass(frozen=True, slots=True)
class NGramGuard:
    """No `size` tokens in a row come twice within `window` tokens, unless the token is among the `allowed` texts."""

    size: int
    window: int
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VlmSpec:
    """A model's table `vlm` in the catalogue.

    `recognisers`: what can run it, the best one first. `layout` names those of its weights that find the regions of a page;
    without it the model reads whole pages. `regions` maps the names of prompts onto the labels of regions read with them;
    labels under `figure` are cropped, those under `aside` are read and stay out of the text. `serve` are arguments of
    `vllm serve`, with underscores. vLLM gets `server_part` (0–1) of the model's GPU memory, the layout model the rest.
    `max_new_tokens` is the card's limit.
    """

    recognisers: tuple[RecogniserName, ...] = ("vllm", "transformers")
    layout: str | None = None
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    max_new_tokens: int | None = None
    ngram_guard: NGramGuard | None = None
    serve: Mapping[str, Any] = field(default_factory=dict)
    server_part: float = 1.0

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """From the catalogue's table. Raises TypeError for an unknown key, ValueError for one that may not be there."""
        values = dict(table)
        if ours := _OURS & values.get("serve", {}).keys():
            raise ValueError(f"vlm.serve.{min(ours)} is not for the catalogue to say")
        if guard := values.get("ngram_guard"):
            values["ngram_guard"] = NGramGuard(**guard | {"allowed": tuple(guard.get("allowed", ()))})
        if "recognisers" in values:
            values["recognisers"] = tuple(values["recognisers"])
        values["regions"] = {prompt: tuple(labels) for prompt, labels in values.get("regions", {}).items()}
        return cls(**values)
