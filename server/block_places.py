"""Which part of a page's Markdown, or of its text, each of its blocks is. Pure.

Engines write blocks in their own ways: escaped, as headings, with other line breaks, tables with pipes or with styles.
Letters and digits come through all of them, in the same order, so that these alone are compared.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+")
_ENTITY = r"&#?[0-9a-zA-Z]{1,10};"
# `\<b>` is text; a formula's number is a block of its own, and stands within the formula
_NO_WORDS = re.compile(rf"(?<!\\)</?[a-zA-Z][^<>\n]*>|\\tag\*?\{{[^{{}}\n]*\}}|{_ENTITY}")
_NO_WORDS_OF_TEXT = re.compile(_ENTITY)
_MOST_WAYS = 16
_MOST_TRIES = 20

Span = tuple[int, int]
"""From the first letter to behind the last one, as indices."""


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters and digits of a text; `at` says where in it each of them stands."""

    text: str
    at: Sequence[int]

    @classmethod
    def of(cls, text: str, *, is_markup: bool) -> "Letters":
        """Those of a text; of markup without its tags."""
        pattern = _NO_WORDS if is_markup else _NO_WORDS_OF_TEXT
        text = pattern.sub(lambda found: " " * len(found[0]), text)
        at: list[int] = []
        for word in _WORD.finditer(text):
            at.extend(range(word.start(), word.end()))
        return cls("".join(text[each] for each in at), at)


@dataclass(frozen=True, slots=True)
class _Way:
    """Some of the blocks found, one after the other; `score` grows with the letters that they have."""

    score: int = 0
    end: int = 0
    before: "_Way | None" = None
    block: int = -1
    start: int = 0


def places(
    text: str, blocks: Sequence[Sequence[str]], *, is_markup: bool, asides: Collection[int] = ()
) -> list[Span | None]:
    """Where in the text each block is; None for one without letters, and for one that is not there.

    A block is what `Letters` of it may be, in one form or another; blocks begin and end with a line. Of equal blocks, each
    is found in its own place: those are chosen that account for most of the text, `asides` only where nothing else does.
    """
    letters = Letters.of(text, is_markup=is_markup)
    ends_line = _line_ends(text, letters.at)
    ways = [_Way()]
    for number, forms in enumerate(blocks):
        worth = 0 if number in asides else 1
        tries = (
            _with(way, number, form, letters.text, ends_line, worth) for form in filter(None, forms) for way in ways
        )
        ways = _best([*ways, *filter(None, tries)])
    spans: list[Span | None] = [None] * len(blocks)
    way: _Way | None = max(ways, key=lambda each: each.score)
    while way and way.block >= 0:
        spans[way.block] = (letters.at[way.start], letters.at[way.end - 1] + 1)
        way = way.before
    return spans


def _with(  # noqa: PLR0913 what is found, and where
    way: _Way, number: int, block: str, letters: str, ends_line: Sequence[bool], worth: int
) -> _Way | None:
    start = way.end
    for _ in range(_MOST_TRIES):
        start = letters.find(block, start)
        if start < 0:
            return None
        end = start + len(block)
        if ends_line[start] and ends_line[end]:
            return _Way(way.score + 2 * len(block) + worth, end, way, number, start)
        start += 1
    return None


def _best(ways: Sequence[_Way]) -> list[_Way]:
    """Those that no other one is better than: none has come as far with less of the text behind it."""
    best: list[_Way] = []
    for way in sorted(ways, key=lambda each: (each.end, -each.score)):
        if not best or way.score > best[-1].score:
            best.append(way)
    return sorted(best, key=lambda each: -each.score)[:_MOST_WAYS]


def _line_ends(text: str, at: Sequence[int]) -> list[bool]:
    """For each place between two letters, and for both ends, whether a line ends there."""
    between = ["\n" in text[before + 1 : after] for before, after in pairwise(at)]
    return [True, *between, True] if at else [True]
