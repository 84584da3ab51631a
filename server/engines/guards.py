"""No reading is taken on trust: how it ended, and what a second and a third attempt make of one that went wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from server.documents import Verdict
from server.engines.recogniser import Crop, Reading, Recogniser, Sampling
from server.engines.repetition import ends_in_a_loop

_GRAVITY = (Verdict.OK, Verdict.TRUNCATED, Verdict.REPETITION, Verdict.BLANK)
"""Of attempts at the same crop: a loop may have text before it, nothing is nothing."""
_AGAIN = (Verdict.BLANK, Verdict.REPETITION)


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading and how it came out; `tokens` counts those of all attempts."""

    reading: Reading
    verdict: Verdict
    tokens: int


def read_well(
    recogniser: Recogniser, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]
) -> list[Judged]:
    """One reading for each crop. What looped or came out empty is read again: warmer, then with a price on repetition.

    The first attempt stands unless a later one is better. What was cut by the token limit alone would be cut again.
    Raises what `Recogniser.read` raises.
    """
    judged = [judge(reading) for reading in recogniser.read(crops, sampling, wanted)]
    for attempt, bolder in enumerate((_warmer, _warmer_and_dearer), start=1):
        bad = [place for place, each in enumerate(judged) if each.verdict in _AGAIN]
        if not bad:
            break
        second = recogniser.read([crops[place] for place in bad], replace(bolder(sampling), seed=attempt), wanted)
        for place, reading in zip(bad, second, strict=True):
            tokens = judged[place].tokens + reading.tokens
            better = min(judged[place], judge(reading), key=lambda each: _GRAVITY.index(each.verdict))
            judged[place] = replace(better, tokens=tokens)
    return judged


def judge(reading: Reading) -> Judged:
    """How a reading came out. Linear in its length."""
    if reading.cut:
        verdict = Verdict.REPETITION if ends_in_a_loop(reading.text) else Verdict.TRUNCATED
    else:
        verdict = Verdict.OK if reading.text.strip() else Verdict.BLANK
    return Judged(reading, verdict, reading.tokens)


def of_page(verdicts: Sequence[Verdict]) -> Verdict:
    """A page is as good as its worst part; parts that hold nothing do not count beside others, and no parts are blank."""
    return max((each for each in verdicts if each is not Verdict.BLANK), key=_GRAVITY.index, default=Verdict.BLANK)


def mean_confidence(readings: Sequence[Reading]) -> float | None:
    """The mean probability of all their tokens, 0–1; None where none is known."""
    known = [(reading.confidence, reading.tokens) for reading in readings if reading.confidence is not None]
    tokens = sum(count for _, count in known)
    return sum(confidence * count for confidence, count in known) / tokens if tokens else None


def _warmer(sampling: Sampling) -> Sampling:
    return replace(sampling, temperature=min(sampling.temperature + 0.3, 2.0))


def _warmer_and_dearer(sampling: Sampling) -> Sampling:
    penalty = max(1.1 * sampling.repetition_penalty, 1.1)  # the caller's may have been a reward
    return replace(sampling, temperature=min(sampling.temperature + 0.6, 2.0), repetition_penalty=penalty)
