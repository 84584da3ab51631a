"""Blocks as Markdown (GitHub's flavour) and as plain text."""

import re
from collections.abc import Sequence
from itertools import pairwise

from server.layout.lists import Item, is_bullet
from server.layout.tables_html import Cell, to_html

_INLINE = re.compile(r"([\\`<]|\*(?=\S)|(?<=\S)\*|(?<![^\W_])_(?=\S)|(?<=\S)_(?![^\W_])|~(?=~)|(?<=~)~)")
_AT_START = re.compile(r"^(#{1,6}(?=\s|$)|>|[+*-](?=\s|$)|[=~-]{3,}\s*$|~~~)")
_NUMBER_AT_START = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def escape(text: str) -> str:
    """Text whose characters all mean themselves in a Markdown paragraph; a newline becomes a forced line break."""
    return "  \n".join(_line(line) for line in text.split("\n"))


def inline(text: str) -> str:
    """Text whose characters mean themselves within a line."""
    pieces = _INLINE.sub(r"\\\1", text).split("]")
    escaped = [  # what would be a link: a round bracket follows upon the next one that closes
        piece.replace("[", "\\[") if after.startswith("(") else piece for piece, after in pairwise(pieces)
    ]
    return "]".join([*escaped, pieces[-1]])


def _line(line: str) -> str:
    line = inline(line)
    line = _AT_START.sub(r"\\\1", line)
    return _NUMBER_AT_START.sub(r"\1\\\2", line)


def heading(text: str, level: int) -> str:
    """A heading line; `level` from 1."""
    marks = "#" * level
    return f"{marks} {inline(text.replace(chr(10), ' '))}"


def bullet_list(items: Sequence[Item]) -> str:
    """Items nested by depth; numbers stay as printed, other markers become bullets."""
    lines = []
    widths: list[int] = []  # of each open level's marker: nested items are indented by it
    for item in items:
        del widths[item.depth :]
        if re.fullmatch(r"\d{1,9}[.)]", item.marker):
            marker, text = item.marker, item.text
        elif is_bullet(item.marker):
            marker, text = "-", item.text
        else:
            marker, text = "-", f"{item.marker} {item.text}"
        lines.append(f"{' ' * sum(widths)}{marker} {_line(text)}")
        widths.append(len(marker) + 1)
    return "\n".join(lines)


def table(cells: Sequence[Cell]) -> str:
    """A pipe table with the first row as its head; HTML where cells span."""
    if any(cell.rowspan > 1 or cell.colspan > 1 for cell in cells):
        return to_html(cells)
    rows = _rows(cells)
    lines = ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def _cell(text: str) -> str:
    return inline(text).replace("|", "\\|")


def table_text(cells: Sequence[Cell]) -> str:
    """A table's rows as lines, its cells separated by tabs."""
    return "\n".join("\t".join(row) for row in _rows(cells))


def _rows(cells: Sequence[Cell]) -> list[list[str]]:
    rows = [[""] * max(cell.column + cell.colspan for cell in cells) for _ in range(1 + max(c.row for c in cells))]
    for cell in cells:
        rows[cell.row][cell.column] = cell.text
    return rows


def image(name: str) -> str:
    """A reference to a cropped figure."""
    return f"![]({name})"
