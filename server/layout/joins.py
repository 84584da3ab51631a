"""Runs that a recogniser broke and that must not be taken for columns: dot leaders, list markers apart from the text."""

import re
from collections.abc import Sequence
from itertools import pairwise

from server.layout.geometry import Run, union, visual_rows
from server.layout.text import glue

_LEADER_END = re.compile(r"(?:\.\s?){3,}$|…\s*\.*$|·{3,}$|_{4,}$")
_LEADER_START = re.compile(r"^(?:(?:\.\s?){3,}|…|·{3,})")
_MARKER = re.compile(r"^(?:[•◦▪■●○·*–—-]|\(?(?:\d{1,3}|[a-zа-я])[.)]|\[\d{1,3}\])$")
_FAR = 3.0  # line heights between a marker and its text
_LONG = 25  # characters: text, and no cell of a table


def join_broken(runs: Sequence[Run], line_height: float) -> list[Run]:
    """The runs, those joined that belong together whatever stands above or below them."""
    joined: list[Run] = []
    for row in visual_rows(runs):
        current = row[0]
        for run, following in pairwise([*row, None]):
            if following is None:
                joined.append(current)
            elif run is not None and _belong(current, following, len(row), line_height):
                current = Run(
                    glue(current.text, following.text),
                    union((current.rect, following.rect)),
                    current.sources + following.sources,
                    max((current, following), key=lambda it: len(it.text)).stroke,
                    current.bullet,
                )
            else:
                joined.append(current)
                current = following
    return joined


def _belong(left: Run, right: Run, in_row: int, line_height: float) -> bool:
    if _LEADER_END.search(left.text) or _LEADER_START.match(right.text):
        return True
    if not _MARKER.match(left.text) or right.rect[0] - left.rect[2] > _FAR * line_height:
        return False
    return in_row == 2 or len(right.text) >= _LONG
