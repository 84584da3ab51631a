"""Random weights that say something: what is read depends on the picture and on the prompt, token by token.

Weights as a library initialises them die out within a few layers: every picture gives the same token for ever. Here
each layer keeps the size of its input, attention looks at few places, and white paper is always the same: only ink
makes a difference.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor


def randomise(shapes: Mapping[str, Sequence[int]], seed: int, gains: Mapping[str, float]) -> dict[str, Tensor]:
    """Weights for every name; gains are factors by a part of the name, the first one that fits."""
    random = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in sorted(shapes.items()):
        gain = next((gain for part, gain in gains.items() if part in name), 1.0)
        if name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        elif len(shape) == 1 and name.endswith("weight"):  # a norm
            weights[name] = torch.full(shape, gain)
        else:
            looked_up = len(shape) == 1 or (len(shape) == 2 and "embed" in name)
            spread = 1 if looked_up else math.prod(shape[1:]) ** -0.5
            weights[name] = torch.randn(shape, generator=random) * gain * spread
    return weights


def plain_paper(weights: dict[str, Tensor], patches: str, white: Collection[float], seed: int) -> None:
    """Make the patch embedding (a convolution over red, green and blue) map white to one vector of ordinary size.

    Not to zero: the norms after it would blow up the rounding errors, and those differ from library to library.
    """
    kernel = weights[f"{patches}.weight"]
    per_channel = kernel.flatten(2).sum(2)
    plain = torch.randn(len(kernel), generator=torch.Generator().manual_seed(seed))
    weights[f"{patches}.bias"] = plain - per_channel @ torch.tensor(list(white), dtype=torch.float32)


def speak(weights: dict[str, Tensor], head: str, tokens: Collection[int], end: Collection[int], gain: float) -> None:
    """Let the output layer name these tokens, and decisively."""
    rows = torch.zeros(weights[head].shape[0], 1)
    rows[list(tokens)] = gain
    rows[list(end)] = gain
    weights[head] *= rows
