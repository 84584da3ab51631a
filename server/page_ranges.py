"""Which pages of a document are to be read: `1-3,7`."""

import re
from collections.abc import Iterable

from server.errors import BadPageRange, TooManyPages

_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)


def check(ranges: str | None) -> None:
    """Raises BadPageRange for what is no list of pages, whatever the document."""
    _read(ranges)


def page_numbers(ranges: str | None, total: int, limit: int) -> list[int]:
    """The chosen pages in ascending order, each once: "1-3,7" → [1, 2, 3, 7]; None or blank is all of `total`.

    Raises BadPageRange for what is no list of pages of the document, TooManyPages for more than `limit` of them.
    """
    read = _read(ranges)
    chosen = _merged(_within(*each, total) for each in read) if read else [range(1, total + 1)]
    count = sum(map(len, chosen))
    if count > limit:
        raise TooManyPages(
            f"{count} pages are asked for; the limit is {limit}. Choose some with `pages`, as in 1-{limit}."
        )
    return [number for part in chosen for number in part]


def _read(ranges: str | None) -> list[tuple[int, int]]:
    """First and last pages; none for all pages."""
    if ranges is None or not ranges.strip(" "):
        return []
    found = []
    for item in ranges.split(","):
        match = _RANGE.fullmatch(item.strip(" "))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            raise BadPageRange(f"`pages` holds {item[:50]!r}. Write page numbers and ranges, as in 1-3,7.")
        found.append((first, last))
    return found


def _within(first: int, last: int, total: int) -> range:
    if last > total:
        asked = f"{first}-{last}" if last != first else str(first)
        raise BadPageRange(f"`pages` holds {asked!r}, but the pages of the document are 1-{total}.")
    return range(first, last + 1)


def _merged(ranges: Iterable[range]) -> list[range]:
    """The ranges sorted, without what an earlier one covers."""
    merged: list[range] = []
    reached = 0
    for part in sorted(ranges, key=lambda part: part.start):
        rest = range(max(part.start, reached + 1), part.stop)
        if rest:
            merged.append(rest)
            reached = rest[-1]
    return merged
