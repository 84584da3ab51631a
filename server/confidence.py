"""How far a page's text can be trusted, 0–1: 0.7 × token probability + 0.3 × heuristic.

Where an engine gives no token probabilities it is the heuristic alone; `Confidence.basis` says which it was.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from server.documents import Page, Verdict

_TOKEN_WEIGHT = 0.7
_FULL_LENGTH = 20  # characters from which a text is no longer suspiciously short
_FULL_SIZE_PX = 400  # shorter side from which an image holds legible text


class Basis(StrEnum):
    """What a confidence was made from."""

    TOKEN_AND_HEURISTIC = "token+heuristic"  # noqa: S105 no password
    HEURISTIC = "heuristic"


@dataclass(frozen=True, slots=True)
class Confidence:
    """A confidence from 0 to 1 and what it was made from."""

    value: float
    basis: Basis


def of_page(page: Page) -> Confidence:
    """The confidence of one page. A failed page has none to speak of: 0. A blank page is judged by its verdict: 1."""
    basis = Basis.HEURISTIC if page.token_confidence is None else Basis.TOKEN_AND_HEURISTIC
    if page.verdict is Verdict.FAILED:
        return Confidence(0.0, Basis.HEURISTIC)
    if page.verdict is Verdict.BLANK:
        return Confidence(1.0, Basis.HEURISTIC)
    guess = heuristic(page.text if page.original is None else page.original, page.width, page.height)
    if page.token_confidence is None:
        return Confidence(round(guess, 4), basis)
    value = _TOKEN_WEIGHT * page.token_confidence + (1 - _TOKEN_WEIGHT) * guess
    return Confidence(round(min(1.0, max(0.0, value)), 4), basis)


def worst(confidences: Iterable[Confidence]) -> Confidence:
    """The confidence of a document is that of its worst page; of no pages, 0."""
    return min(confidences, key=lambda confidence: confidence.value, default=Confidence(0.0, Basis.HEURISTIC))


def heuristic(text: str, width: int, height: int) -> float:
    """A guess from the text and the image's size in px alone, 0–1: the mean of four parts, each 0–1.

    Length; how little one character dominates; the share of letters, digits and common punctuation; the shorter side.
    """
    letters = [character for character in text if not character.isspace()]
    if not letters:
        return 0.0
    length = min(1.0, len(letters) / _FULL_LENGTH)
    commonest = Counter(letters).most_common(1)[0][1] / len(letters)
    variety = 1.0 if len(letters) < 4 else min(1.0, 2 * (1 - commonest))
    legible = sum(character.isalnum() or character in ".,;:!?()[]{}'\"«»“”-–—/%№#&@+=*|$€₽°" for character in letters)
    size = min(1.0, min(width, height) / _FULL_SIZE_PX)
    return (length + variety + legible / len(letters) + size) / 4
