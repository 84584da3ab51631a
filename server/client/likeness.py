"""How alike two texts are: the share of their characters that is in both, in the same order."""

from collections import defaultdict
from collections.abc import Sequence


def likeness(first: Sequence[str], second: Sequence[str]) -> float:
    """From 0 to 1, as difflib's ratio, for the pages of two readings of a document; exact, unlike it.

    Page by page: what is read right is on the right page, and the time stays that of the longest page squared.
    """
    longer = max(len(first), len(second))
    pages = zip(_filled(first, longer), _filled(second, longer), strict=True)
    total = sum(map(len, first)) + sum(map(len, second))
    return 2 * sum(common(one, other) for one, other in pages) / total if total else 1.0


def _filled(pages: Sequence[str], count: int) -> list[str]:
    return [*pages, *[""] * (count - len(pages))]


def common(first: str, second: str) -> int:
    """The length of the longest common subsequence.

    A row of the usual table is one integer, a bit for each character of `first` (Crochemore, Iliopoulos, Pinzon and Reid,
    "A fast and practical bit-vector algorithm for the longest common subsequence problem", 2001): pages take milliseconds.
    """
    places: dict[str, int] = defaultdict(int)
    for index, character in enumerate(first):
        places[character] |= 1 << index
    everywhere = (1 << len(first)) - 1
    row = everywhere
    for character in second:
        matches = row & places.get(character, 0)
        row = ((row + matches) | (row - matches)) & everywhere
    return len(first) - row.bit_count()
