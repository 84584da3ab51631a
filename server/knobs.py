"""Which of the server's settings reach the engine workers, as environment variables there. Standard library only."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

_VARIABLE = "OFFLINE_OCR_KNOBS"


@dataclass(frozen=True, slots=True)
class Knobs:
    """How a model is to be run.

    `allow_cpu`: a GPU that is missing or does not fit is no obstacle. `recogniser`: what reads for image-text-to-text
    models, `auto`, `vllm` or `transformers`; `paddle_vl_recogniser`: what does for `paddleocr-vl*`, `native` or `vllm`.
    `gpu_share` (0–1) is the model's part of the GPU's memory; None where there is no GPU. `serve` are arguments of
    `vllm serve` that go before the catalogue's.
    """

    allow_cpu: bool = False
    recogniser: str = "auto"
    paddle_vl_recogniser: str = "native"
    gpu_share: float | None = None
    serve: Mapping[str, Any] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """The knobs for a worker's environment."""
        return {_VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def read(cls) -> Self:
        """The knobs from this process's environment; a worker started by hand reads the settings' own variables."""
        if told := os.environ.get(_VARIABLE):
            return cls(**json.loads(told))
        return cls(
            allow_cpu=os.environ.get("ALLOW_CPU", "") in {"1", "true"},
            recogniser=os.environ.get("RECOGNISER") or "auto",
            paddle_vl_recogniser=os.environ.get("PADDLE_VL_RECOGNISER") or "native",
        )
