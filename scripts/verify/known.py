"""A page whose text is known, and what a model must make of it.

`known_texts.json` says what certain weights read, letter by letter: weights that were trained on nothing have no other
right answer. For any other weights it is what is printed on the page: each number, and 98 letters in a hundred.

    {"glm-ocr": {"<digest of the weights>": {"options": {"max_new_tokens": 16}, "text": "…"}}}
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from server.lock import LockedWeights

_HERE = Path(__file__).parent
PAGE = _HERE / "page.png"
_PRINTED = _HERE / "page.txt"
_LEAST_LIKENESS = 0.98
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Expected:
    """The text to be read, with the options of the call; `exact` unless it is merely what is printed."""

    text: str
    exact: bool
    options: Mapping[str, Any] = field(default_factory=dict)

    def judged(self, text: str) -> tuple[bool, str]:
        """Whether a text will do, and how it compares, in words. Spaces and line ends do not count."""
        read, expected = " ".join(text.split()), " ".join(self.text.split())
        if self.exact:
            return (
                read == expected,
                "the text stored for these weights" if read == expected else f"{read[:80]!r} was not stored",
            )
        likeness = SequenceMatcher(None, expected, read, autojunk=False).ratio()
        if _NUMBERS.findall(read) != _NUMBERS.findall(expected):
            return False, f"{likeness:.1%} like the printed page, but with other numbers"
        return likeness >= _LEAST_LIKENESS, f"{likeness:.1%} like the printed page"


def expected(model: str, weights: Iterable[LockedWeights], stored: Path) -> Expected:
    """What the model must read. Raises OSError, ValueError for a file of stored texts that cannot be read."""
    texts = json.loads(stored.read_text("utf-8")) if stored.exists() else {}
    if found := texts.get(model, {}).get(digest(weights)):
        return Expected(found["text"], True, found["options"])
    return Expected(_PRINTED.read_text("utf-8"), False)


def digest(weights: Iterable[LockedWeights]) -> str:
    """One SHA-256 for all files of a model."""
    lines = sorted(f"{each.folder}/{name} {file.sha256}\n" for each in weights for name, file in each.files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
