"""The pairs of a name and a value within one line of text. Pure; time is linear in the line's length.

A name ends at a colon or at leader dots, or is known (`field_labels`) and followed by what it names: "ИНН 7707083893".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from server.field_labels import CODES, KNOWN, LINES, MOST_WORDS, STARTS, normal
from server.field_shapes import (
    COUNTRY,
    NAME_WORDS,
    SHAPED_WORDS,
    has_digit,
    is_known,
    is_money,
    is_name,
    is_prose,
    is_shaped,
    may_shape,
)

_VALUE_WORDS = 40  # of a known name; a longer text behind a colon is no value

_LEADERS = re.compile(r"[.·]{3,}+|_{2,}+|…++")
_MARKER = re.compile(r"(?:[-–—•*▪●]|[0-9]{1,2}[.)])\s")
_SWIFT = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and its value; the value is empty where the line ends after the name. `known` is in `field_labels`."""

    name: str
    value: str
    known: bool


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    mark: str = ""  # what ends a name right behind it: ":", "." (leader dots), "_" (a ruled gap)
    colon: str = ""  # as it is written, for a value that holds one


@dataclass(frozen=True, slots=True)
class _Name:
    start: int  # its words are start … stop - 1
    stop: int
    known: bool
    mark: str


def pairs(line: str) -> list[Pair]:
    """The line's pairs from left to right."""
    marker = _MARKER.match(line)
    text = line[marker.end() :] if marker else line
    if is_known(text):
        return [Pair(text.strip().rstrip(":：").rstrip(), "", True)]
    words = _words(text)
    found: list[Pair] = []
    end = len(words)
    for name in reversed(_names(words)):
        pair = _pair(words, name, end)
        if pair is not None:
            found.append(pair)
            end = name.start
    return [pair for pair in reversed(found) if pair.name]


def _words(line: str) -> list[_Word]:
    """The line's words, parted behind the colons and at the leaders that can end a name."""
    words: list[_Word] = []
    for raw in line.split():
        done = 0
        for start, stop, mark in _breaks(raw):
            colon = raw[start:stop] if mark == ":" else ""
            if start > done:
                words.append(_Word(raw[done:start], mark, colon))
            elif words and not words[-1].mark:
                words[-1] = _Word(words[-1].text, mark, colon)
            done = stop
        if done < len(raw):
            words.append(_Word(raw[done:]))
    return words


def _breaks(raw: str) -> list[tuple[int, int, str]]:
    """Where in a run of characters without a space a name may end: start and end of the mark, and its kind."""
    found = [(leader.start(), leader.end(), "_" if leader[0][0] == "_" else ".") for leader in _LEADERS.finditer(raw)]
    inner = raw.count(":", 0, -1)
    for at, character in enumerate(raw):
        if character == "：" or (character == ":" and inner <= 1 and _ends_name(raw, at)):
            found.append((at, at + 1, ":"))
    return sorted(found)


def _ends_name(raw: str, at: int) -> bool:
    """Whether a colon is no part of a time, a ratio or an address."""
    before, after = raw[at - 1 : at] if at else "", raw[at + 1 : at + 2]
    return after not in {"/", "\\", ":"} and before != ":" and not (before.isdigit() and after.isdigit())


def _names(words: Sequence[_Word]) -> list[_Name]:
    """The names in the line from left to right, with those that only their value can confirm."""
    names: list[_Name] = []
    floor = 0  # the first word that belongs to no name so far
    at = 0
    while at < len(words):
        name = _bare(words, at, floor, names)
        if name is None and words[at].mark:
            name = _marked(words, at, floor, bool(names))
            if name is None:
                floor = at + 1  # no name goes on behind a colon or a gap
        if name is not None:
            names.append(name)
            floor = name.stop
        at = max(at + 1, floor)
    return names


def _bare(words: Sequence[_Word], at: int, floor: int, names: Sequence[_Name]) -> _Name | None:
    """The longest known name that begins here and needs no colon."""
    first = words[at].text.lstrip("([«").casefold().replace("ё", "е")
    if first.rstrip(".") not in STARTS and first.split("/")[0] not in STARTS:
        return None
    for count in range(min(MOST_WORDS, len(words) - at - 1), 0, -1):
        if any(word.mark for word in words[at : at + count - 1]):
            continue
        name = normal(_text(words[at : at + count]).lstrip("([«"))
        if words[at + count - 1].mark:
            if name in KNOWN:
                return None  # what marks its end is dealt with there
            continue
        if name in CODES and _code(words, at + count, len(words)):
            return _Name(at, at + count, True, "")
        if name in LINES and _begins(words, at, floor, names) and may_shape(words[at + count].text):
            return _Name(at, at + count, True, "")
    return None


def _begins(words: Sequence[_Word], at: int, floor: int, names: Sequence[_Name]) -> bool:
    """Whether a name without a colon can begin here: first in the line, or behind the value of another one."""
    if not names:
        return at == 0
    before = words[at - 1].text
    parted = (has_digit(before) or before[-1] in ".,;") and not words[at].text[0].islower()
    return at > floor and (parted or not names[-1].mark)


def _marked(words: Sequence[_Word], at: int, floor: int, follows: bool) -> _Name | None:
    """The name that ends with the mark behind this word. `follows`: there is one before it in the line."""
    mark, stop = words[at].mark, at + 1
    if not follows and stop - floor <= NAME_WORDS and floor == 0 and is_name(_text(words[floor:stop])):
        start = _behind_heading(words, stop)
        return _Name(start, stop, is_known(_text(words[start:stop])), mark)
    for start in range(max(floor, stop - MOST_WORDS), stop):
        text = _text(words[start:stop])
        parted = follows or start == floor or words[start - 1].text[-1] in ".,;)!»"
        if is_known(text) and (parted or normal(text) in CODES):
            return _Name(start, stop, True, mark)
    if not follows:
        return None
    start = at
    while start > max(floor, stop - 3) and words[start].text[0].islower():
        start -= 1
    return _Name(start, stop, False, mark) if is_name(_text(words[start:stop])) else None


def _behind_heading(words: Sequence[_Word], stop: int) -> int:
    """Where a known name begins that follows a heading in capitals in the same line: "INVOICE Invoice Number:"."""
    start = 0
    while start < stop and words[start].text.isupper() and len(words[start].text) > 2:
        start += 1
    return start if start < stop and is_known(_text(words[start:stop])) else 0


def _pair(words: Sequence[_Word], name: _Name, end: int) -> Pair | None:
    """The name with its value, which ends before the word `end`; None where it turns out to be no name."""
    label = _text(words[name.start : name.stop]).lstrip("([«").rstrip(":：").rstrip()
    kind = normal(label)
    count = end - name.stop
    if not name.mark and kind in LINES and kind not in CODES:
        shaped = count <= SHAPED_WORDS and is_shaped([word.text for word in words[name.stop : end]])
        return Pair(label, _value(words[name.stop : end]), True) if shaped else None
    if kind in CODES and (code := _code(words, name.stop, end)):
        return Pair(label, _value(words[name.stop : code]), True)
    if not name.mark or count > _VALUE_WORDS:
        return None
    value = _value(words[name.stop : end])
    if name.mark == "." and not (value and (name.known or is_money(value))):
        return None
    if not name.known and is_prose(value):
        return None
    return Pair(label, value, name.known)


def _code(words: Sequence[_Word], start: int, end: int) -> int:
    """Where the code ends that begins at this word: 0 where none does."""
    at = start
    if at < end and _SWIFT.fullmatch(words[at].text.rstrip(".,;")):
        return at + 1
    if at + 1 < end and COUNTRY.fullmatch(words[at].text):
        at += 1
    begin = at
    while at < end and (has_digit(words[at].text) or (at > begin and words[at].text in {"/", "-", "–"})):
        at += 1
        if words[at - 1].mark or words[at - 1].text[-1] in ",;":
            break
    return at if at > begin else 0


def _value(words: Sequence[_Word]) -> str:
    """The text of a value without what parts it from the next pair; empty for a gap to be filled in."""
    value = " ".join(word.text + word.colon for word in words).strip(" ,;|:：")
    if value.endswith(")") and "(" not in value:
        value = value[:-1].rstrip(" ,;")
    return value if any(map(str.isalnum, value)) else ""


def _text(words: Sequence[_Word]) -> str:
    return " ".join(word.text for word in words)
