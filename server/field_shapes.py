"""What a text looks like on a form: a field's name, a value that is a date or an amount, or a sentence. Pure."""

import re
from collections.abc import Sequence

from server.field_labels import CAPTIONS, CJK_SENTENCE, KNOWN, NO_NAMES, SENTENCE_WORDS, normal
from server.layout.text import is_cjk

NAME_WORDS = 5
"""Words of a name, at most."""
_NAME_CHARACTERS = 45
_CJK_NAME = 10  # characters
SHAPED_WORDS = 7
"""Words of a date or an amount, at most."""

_INNER_STOP = re.compile(r"""[!?;"«»“”=<>|{}\[\]@\\]""")
_MONEY = re.compile(r"[$€£¥￥₽]|[0-9][.,][0-9]{2}(?![0-9])")
COUNTRY = re.compile(r"[A-Z]{2,3}")
"""Letters that an account, a tax number or an amount may begin with."""
_SHAPES = """
$ € £ ¥ ₽ eur usd gbp rub chf cny euro руб руб. р. р рублей коп коп. копеек г г. года год am pm uhr
january february march april may june july august september october november december
jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
januar februar märz mai juni juli oktober dezember
"""
_SHAPE_WORDS = frozenset(_SHAPES.split())


def is_known(text: str) -> bool:
    """Whether the text is a known name, without more."""
    return normal(text) in KNOWN


def is_name(text: str) -> bool:
    """Whether a text before a colon, or in a cell, has the shape of a field's name: a few words, and no sentence."""
    text = text.strip().rstrip(":：").rstrip()
    if not 2 <= len(text) <= _NAME_CHARACTERS or not (text[0].isalpha() or text[0] in "№#"):
        return False
    name = normal(text)
    if name in KNOWN:
        return True
    if name in NO_NAMES or _INNER_STOP.search(text):
        return False
    if any(map(is_cjk, text)):
        return sum(map(is_cjk, text)) <= _CJK_NAME and CJK_SENTENCE.isdisjoint(text)
    return not text[0].islower() and _is_phrase(text)


def _is_phrase(text: str) -> bool:
    """Whether words are no sentence, no part of one, and no caption's number ("Table 2")."""
    words = text.split()
    plain = [word.strip("().").casefold() for word in words]
    caption = plain[0] in CAPTIONS and (len(words) == 1 or plain[1][:1].isdigit() or plain[1] in {"№", "#"})
    stopped = any(len(word) > 5 and word.endswith(".") for word in words[:-1])  # a sentence's end, no abbreviation's
    listed = "," in text and len(words) > 3
    return (
        len(words) <= NAME_WORDS
        and SENTENCE_WORDS.isdisjoint(plain)
        and not (caption or stopped or listed)
        and sum(map(str.isdigit, text)) <= 4
    )


def is_prose(value: str) -> bool:
    """Whether a text is a sentence rather than a value; Chinese and Japanese are judged by their length and stops."""
    words = value.split()
    if value.endswith(("?", "!", "？", "！")) or len(words) > 25:
        return True
    if sum(map(is_cjk, value[:80])) > 20 and any(stop in value[:80] for stop in "，。、"):
        return True
    lower = sum(word[0].islower() and len(word) > 1 for word in words)
    return len(words) >= 6 and 2 * lower >= len(words)


def is_shaped(words: Sequence[str]) -> bool:
    """Whether words are an amount, a date, a number or a code, and nothing beside it."""
    if not 0 < len(words) <= SHAPED_WORDS or not any(map(has_digit, words)):
        return False
    return may_shape(words[0]) and all(
        has_digit(word) or word.casefold().strip("(),") in _SHAPE_WORDS or not any(map(str.isalnum, word))
        for word in words[1:]
    )


def may_shape(word: str) -> bool:
    """Whether an amount, a date, a number or a code can begin with the word."""
    shaped = has_digit(word) or word.casefold().strip("(),") in _SHAPE_WORDS or not any(map(str.isalnum, word))
    return shaped or bool(COUNTRY.fullmatch(word))


def is_money(text: str) -> bool:
    """Whether a text is an amount of money, or looks like one."""
    return is_shaped(text.split()) and bool(_MONEY.search(text))


def has_digit(text: str) -> bool:
    """Whether there is a digit in it."""
    return any(map(str.isdigit, text))
