"""Whether a generated text ends in a loop: the same unit again and again. Pure."""

_TAIL = 8_000  # characters from the end that are looked at
_REPEATS = 5  # a unit said so often in a row, and then cut off, is a loop,
_LENGTH = 40  # if all of it together is this long, in characters: "....." may be meant
_ENDLESS_REPEATS = 8  # while it is still being said more is needed: the empty cells of a form have an end
_ENDLESS_LENGTH = 8000


def ends_in_a_loop(text: str) -> bool:
    """Whether what cut this text off was a loop's only way to end. Linear in the text's length."""
    return _has_period(text, _REPEATS, _LENGTH)


def is_endless(text: str) -> bool:
    """Whether a text that goes on says nothing new any more. Linear in the text's length."""
    return _has_period(text, _ENDLESS_REPEATS, _ENDLESS_LENGTH)


def _has_period(text: str, repeats: int, least: int) -> bool:
    """Whether the end of the text is one unit at least so many times, and at least so many characters.

    The reversed tail's prefix function (Knuth, Morris and Pratt 1977) gives the shortest period of each of its
    prefixes, that is, of each suffix of the text.
    """
    tail = text.strip()[-_TAIL:][::-1]
    borders = [0] * len(tail)
    for end in range(1, len(tail)):
        border = borders[end - 1]
        while border and tail[end] != tail[border]:
            border = borders[border - 1]
        borders[end] = border + (tail[end] == tail[border])
        length = end + 1
        if length >= least and length >= repeats * (length - borders[end]):
            return True
    return False
