"""Joining recognised lines into running text: spaces, line-end hyphens, scripts that are written without spaces."""

from collections.abc import Iterable

_HYPHENS = ("-", "‐", "\u00ad")


def clean(text: str) -> str:
    """The text on one line: every run of white space is one space."""
    return " ".join(text.split())


def is_cjk(character: str) -> bool:
    """Whether it is of a script that is written without spaces between words, or that script's punctuation."""
    code = ord(character)
    return (
        0x2E80 <= code <= 0x9FFF  # radicals, kana, ideographs and their punctuation
        or 0xF900 <= code <= 0xFAFF
        or 0xFE30 <= code <= 0xFE4F
        or 0xFF00 <= code <= 0xFFEF  # full-width forms
        or 0x20000 <= code <= 0x3FFFF
    )


def glue(left: str, right: str) -> str:
    """Two runs of one line, or a line and the next one of its paragraph, as one text.

    A hyphen at a line's end goes away only between two lower-case letters: "Saint-\\nDenis" and "1990-\\n95" keep
    theirs.
    """
    if not left or not right:
        return left or right
    if is_cjk(left[-1]) and is_cjk(right[0]):
        return left + right
    return f"{left} {right}"


def continue_line(left: str, right: str) -> str:
    """A line and the next one of the same paragraph, de-hyphenated."""
    if left[-1:] not in _HYPHENS or not (left[-2:-1].isalpha() and right[:1].isalpha()):
        return glue(left, right)
    broken = left[-2].islower() and right[0].islower()
    return (left[:-1] if broken else left) + right


def join_lines(lines: Iterable[str]) -> str:
    """Consecutive lines of one paragraph as running text."""
    joined = ""
    for line in lines:
        joined = continue_line(joined, line)
    return joined
