"""Whether a generated text ends in a loop: the same unit again and again until the token limit cut it off. Pure."""

_TAIL = 8_000  # characters from the end that are looked at
_REPEATS = 5  # a unit said so often in a row is a loop,
_LENGTH = 40  # if all of it together is this long, in characters: "....." may be meant


def ends_in_a_loop(text: str) -> bool:
    """Linear in the text's length.

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
        if length >= _LENGTH and length >= _REPEATS * (length - borders[end]):
            return True
    return False
