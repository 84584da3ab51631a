"""What reads an image by a prompt: the seam between an engine and the library that generates its text.

Imported by engine workers of the environments `.venv-vllm` and `.venv-paddle`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from server.chat import Chat, Ending, Said
from server.engines.base import Loading

_LEAST_SIDE = 28  # px: one patch of the vision towers that merge two by two of 14 px
_MOST_SLENDER = 100  # times as long as wide; image processors refuse 200
Image.MAX_IMAGE_PIXELS = None  # images come from the page pool, which has limits of its own


@dataclass(frozen=True, slots=True)
class Crop:
    """A page, or a part of one, 8-bit RGB, and what the model is asked about it."""

    image: Image.Image
    prompt: str


def opened(path: Path) -> Image.Image:
    """An image of the spool."""
    with Image.open(path) as image:
        return image.convert("RGB")


def fit(image: Image.Image) -> Image.Image:
    """The image; what is too small or too slender for a model's image processor gets a white margin."""
    least = max(_LEAST_SIDE, -(-max(image.size) // _MOST_SLENDER))
    size = max(image.width, least), max(image.height, least)
    if size == image.size:
        return image
    margin = Image.new("RGB", size, "white")
    margin.paste(image)
    return margin


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. `temperature` 0 takes the likeliest; `max_new_tokens` None reads on to the model's limit.

    The same `seed` gives the same. Without `confidence` the tokens' probabilities are not worked out, which is faster.
    """

    max_new_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    confidence: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of one crop. `cut`: the token limit ended it. `confidence`: its tokens' mean probability, 0–1."""

    text: str
    cut: bool
    tokens: int
    confidence: float | None


class RefusedError(Exception):
    """The recogniser does not take what it was asked; the message says why."""


class WithdrawnError(Exception):
    """Nobody waits for the page any more."""


class Recogniser(Protocol):
    """One loaded model; `concurrency` is how many threads may call `read` and `chat` at once."""

    concurrency: int

    def load(self, loading: Loading, folder: Path) -> None:
        """Open the weights in `folder` and read something. Raises CannotLoadError, or any exception."""

    def read(self, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]) -> list[Reading]:
        """One reading for each crop, in their order. Raises RefusedError; WithdrawnError soon after `wanted` is false."""

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        """Give `say` the answer to a chat, piece by piece. Raises as `read` does."""

    def close(self) -> None:
        """Free what `load` took."""
