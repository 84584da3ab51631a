"""A chat with an image-text-to-text model: what is said to it, how it is to answer, what comes back.

Standard library only: it travels between the server and an engine worker.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

MAX_IMAGES = 8
"""Of one chat. A model may take fewer."""

TokenLogprob = Mapping[str, Any]
"""One token, as OpenAI has it: `token`, `logprob`, `bytes`, and as many likely ones as were asked for in `top_logprobs`."""


@dataclass(frozen=True, slots=True)
class Part:
    """Text, or an image in the spool (8-bit RGB, PPM)."""

    text: str = ""
    image: Path | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ChatSampling:
    """How tokens are chosen, and which text ends the answer. `temperature` 0 takes the likeliest.

    `max_tokens` None goes on to the model's limit. The same `seed` gives the same; None is any. `top_logprobs`: how many
    likely tokens come with each token's log-probability; None is without log-probabilities.
    """

    max_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that waits for its next turn. Whoever takes the file `ticket` away withdraws it."""

    turns: tuple[Turn, ...]
    sampling: ChatSampling
    ticket: Path

    def to_wire(self) -> dict[str, Any]:
        """The chat as JSON values."""
        turns = [
            {
                "role": turn.role,
                "parts": [{"image": str(part.image)} if part.image else {"text": part.text} for part in turn.parts],
            }
            for turn in self.turns
        ]
        return {"turns": turns, "sampling": asdict(self.sampling), "ticket": str(self.ticket)}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """The chat back from JSON values. Raises KeyError, TypeError or ValueError when they are not a chat's."""
        turns = tuple(
            Turn(
                turn["role"],
                tuple(
                    Part(part.get("text", ""), Path(part["image"]) if "image" in part else None)
                    for part in turn["parts"]
                ),
            )
            for turn in wire["turns"]
        )
        sampling = ChatSampling(**{**wire["sampling"], "stop": tuple(wire["sampling"]["stop"])})
        return cls(turns, sampling, Path(wire["ticket"]))


@dataclass(frozen=True, slots=True)
class Said:
    """Some more of the answer. `logprobs` has the tokens that came meanwhile; it is empty where none were asked for."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the answer ended (`length`: a limit of tokens), what it took in tokens, and in the engine's seconds."""

    reason: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    seconds: float
