"""stdout: tables and JSON."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from server.client.errors import WrongUsage
from server.client.folder import RESULT_SUFFIXES
from server.client.plain import plain

BINARY = {"xlsx", "zip"}
"""Forms of a result that are no text."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns side by side, each as wide as its widest cell; None is an empty cell."""
    cells = [list(head), *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def print_line(text: str) -> None:
    """One line, at once: what is followed is read while it happens, and stays in order with stderr."""
    sys.stdout.write(plain(text) + "\n")
    sys.stdout.flush()


def print_json(value: Any, *, indent: int | None = 2) -> None:
    print_line(json.dumps(value, ensure_ascii=False, indent=indent))


def print_result(content: bytes, form: str) -> None:
    """A result as the server sent it; one that is text ends its last line. Raises WrongUsage for others on a terminal."""
    if form in BINARY:
        if sys.stdout.isatty():
            raise WrongUsage(f"A terminal does not show {form}. Send it into a file: … > result{RESULT_SUFFIXES[form]}")
    elif not content.endswith(b"\n"):
        content += b"\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
