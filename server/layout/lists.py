"""List items: what marks one, and how deep it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BULLET = re.compile(r"^([•◦▪■●○·∙‣⁃*–—-])\s+(?=\S)|^([•◦▪■●○∙‣⁃·])(?=\S)")
_NUMBER = re.compile(
    r"^(?:(?:\(?(?:\d{1,3}|[a-zа-я]|[ivxIVX]{1,4})\)|\d{1,3}\.|\[\d{1,3}\])(?=\s|[^\W\d_])"
    r"|(?:[a-zа-я]|[ivx]{2,4})\.(?=\s+\w{2,}))\s*(?=\S)"  # not the "p. m." at a line's start
)


@dataclass(frozen=True, slots=True)
class Item:
    """A list item: its marker as printed ("" where there is none), its text, its depth counted from 0."""

    marker: str
    text: str
    depth: int

    @property
    def line(self) -> str:
        """The item as a line of plain text."""
        return f"{'  ' * self.depth}{self.marker} {self.text}" if self.marker else f"{'  ' * self.depth}{self.text}"


def marker_of(text: str) -> str:
    """What marks a line as a list item, with the space after it; "" for none."""
    found = _BULLET.match(text) or _NUMBER.match(text)
    return found.group(0) if found else ""


def is_bullet(marker: str) -> bool:
    """Whether it is a bullet: a number alone makes no list, a bullet does."""
    return not any(character.isalnum() for character in marker)


def depths(indents: Sequence[float], tolerance: float) -> list[int]:
    """The depth of each item from the x of its marker, px: deeper when further right than the items it stands in."""
    open_levels: list[float] = []
    found = []
    for x in indents:
        while open_levels and x < open_levels[-1] - tolerance:
            open_levels.pop()
        if not open_levels or x > open_levels[-1] + tolerance:
            open_levels.append(x)
        found.append(len(open_levels) - 1)
    return found
