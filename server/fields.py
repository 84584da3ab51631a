"""The fields of a page: names and values that stand next to each other, as on forms, invoices and receipts. Pure.

Names are found by their colon and their shape, or because they are known (`field_labels`); values beside them in the
line, in the next cell, in a block beside or below. Sentences with a colon in them are no fields.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from server.documents import BBox, Block, BlockFormat, Page
from server.field_lines import Pair, pairs
from server.field_shapes import has_digit, is_known, is_name, is_prose
from server.field_tables import table_pairs
from server.layout.tables_html import rows_of

_TITLES = {"doc_title", "title", "paragraph_title", "sub_title"}
_NOT_READ = {"number"}
_VALUE_WORDS = 12  # of a value that stands in a line of its own


@dataclass(frozen=True, slots=True)
class Field:
    """A name and its value, as they are written, without the colon.

    `page` is counted from 1. `bbox` holds both, px of the page as it was sent: engines give boxes of blocks, so that of
    a line is a guess: the block's box, parted into as many strips of equal height as its text has lines. In a table it
    is the strip of the name's row.
    `confidence` is the block's, 0–1, the lower one where there are two; None where the engine gives none.
    """

    name: str
    value: str
    page: int
    bbox: BBox
    confidence: float | None


@dataclass(slots=True, eq=False)
class _Line:
    """A line of a block. `label` is the name that the line ends with, or None; `free`: it may be somebody's value."""

    block: int
    number: int
    text: str
    bbox: BBox
    confidence: float | None
    pairs: list[Pair] = field(default_factory=list)
    label: str | None = None
    free: bool = False

    @property
    def middle(self) -> float:
        return (self.bbox[1] + self.bbox[3]) / 2


def fields(page: Page) -> list[Field]:
    """The page's fields in reading order. Time is that of sorting its lines."""
    found: list[tuple[int, int, Field]] = []
    columns: list[list[_Line]] = []
    for number, block in enumerate(page.blocks):
        if block.format is BlockFormat.TABLE_HTML:
            rows = rows_of(block.content)
            for row, pair in table_pairs(rows):
                box = _strip(block.bbox, row, len(rows))
                found.append((number, row, Field(pair.name, pair.value, page.number, box, block.confidence)))
        elif block.format is BlockFormat.TEXT and block.type not in _NOT_READ:
            columns.append(_lines(number, block))
    for lines in columns:
        for line in lines:
            found += (
                (line.block, line.number, Field(pair.name, pair.value, page.number, line.bbox, line.confidence))
                for pair in line.pairs
                if pair.value
            )
    for label, value in _neighbours(columns, page.width):
        assert label.label is not None
        joined = Field(label.label, value.text, page.number, _union(label.bbox, value.bbox), _lower(label, value))
        found.append((label.block, label.number, joined))
    in_order = [each for _, _, each in sorted(found, key=lambda entry: entry[:2])]
    done = (
        page.preparation
    )  # names stand beside values on the page as it was read; boxes are told of the one that was sent
    return [replace(each, bbox=done.box(each.bbox)) for each in in_order] if done else in_order


def _lines(number: int, block: Block) -> list[_Line]:
    texts = block.content.split("\n")
    title = block.type in _TITLES
    lines = []
    for at, raw in enumerate(texts):
        text = " ".join(raw.split())
        line = _Line(number, at, text, _strip(block.bbox, at, len(texts)), block.confidence)
        line.pairs = [pair for pair in pairs(text) if pair.known or not title]
        if line.pairs and not line.pairs[-1].value and not (title and is_known(text)):
            line.label = line.pairs[-1].name
        line.free = (
            any(map(str.isalnum, text)) and not line.pairs and line.label is None and len(text.split()) <= _VALUE_WORDS
        )
        lines.append(line)
    return lines


def _neighbours(columns: Sequence[Sequence[_Line]], page_width: int) -> list[tuple[_Line, _Line]]:
    """Names and the values that stand in a line of their own: beside them, or below."""
    rows = _rows([line for lines in columns for line in lines if line.text])
    right = {id(one): other for row in rows for one, other in pairwise(row)}
    below = {id(line): under for row, under in pairwise(rows) for line in row}
    found: list[tuple[_Line, _Line]] = []

    def take(label: _Line, value: _Line) -> None:
        value.free = False
        found.append((label, value))

    for lines in columns:
        for label, value in _beside_column(lines, right):
            take(label, value)
    done = {id(label) for label, _ in found}
    for lines in columns:
        for number, line in enumerate(lines):
            if line.label is None or id(line) in done:
                continue
            nearest = _value_under(lines, number) or _value_right(line, right.get(id(line)), page_width)
            if nearest is None and number + 1 == len(lines):
                nearest = _value_below(line, below.get(id(line), ()))
            if nearest is not None:
                take(line, nearest)
    return found


def _beside_column(lines: Sequence[_Line], right: dict[int, _Line]) -> list[tuple[_Line, _Line]]:
    """A block of names with the block of their values right of it, line by line; empty where they are none."""
    labels = [line for line in lines if line.label is not None]
    if len(lines) < 2 or 2 * len(labels) < len(lines):
        return []
    values = [right.get(id(line)) for line in lines]
    couples = [(line, value) for line, value in zip(lines, values, strict=True) if value is not None and value.free]
    if len(couples) == 1 and len(labels) == len(lines):
        return list(zip(lines, _parted(couples[0][1], lines), strict=False))
    if len(couples) < len(lines) or len({value.block for _, value in couples}) > 1:
        return []
    for line, _ in couples:
        if line.label is None:
            if line.pairs or not is_name(line.text):
                return []
            line.label, line.free = line.text, False
    return couples


def _parted(value: _Line, names: Sequence[_Line]) -> list[_Line]:
    """A column of numbers that has come as one line, parted again: as many as there are names beside it, or none."""
    words = value.text.split()
    height = names[0].bbox[3] - names[0].bbox[1]
    level = all(abs(value.bbox[end] - names[at].bbox[end]) <= height / 2 for end, at in ((1, 0), (3, -1)))
    if len(words) != len(names) or not level or not all(map(has_digit, words)):
        return []
    value.free = False
    return [
        _Line(value.block, 0, word, _strip(value.bbox, number, len(words)), value.confidence)
        for number, word in enumerate(words)
    ]


def _value_under(lines: Sequence[_Line], number: int) -> _Line | None:
    """The next line of the same block, if it can be a value."""
    following = lines[number + 1] if number + 1 < len(lines) else None
    return following if following is not None and _is_value(following) else None


def _value_right(line: _Line, beside: _Line | None, page_width: int) -> _Line | None:
    """The next line in the row, of another block, if it can be a value and is not far away."""
    if beside is None or beside.block == line.block or not _is_value(beside):
        return None
    return beside if beside.bbox[0] - line.bbox[2] <= page_width / 2 else None


def _value_below(line: _Line, row: Sequence[_Line]) -> _Line | None:
    """The line in the row below that begins where the name does, if it is near."""
    height = line.bbox[3] - line.bbox[1]
    after = bisect(row, line.bbox[0] - 2 * height, key=lambda it: it.bbox[0])
    for other in row[after : after + 1]:
        aligned = other.bbox[0] - line.bbox[0] <= 2 * height
        if aligned and other.bbox[1] - line.bbox[3] <= 1.5 * height and _is_value(other):
            return other
    return None


def _is_value(line: _Line) -> bool:
    return line.free and not is_prose(line.text)


def _rows(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Lines of one height on the page, each row from left to right, rows from the top."""
    if not lines:
        return []
    near = median(line.bbox[3] - line.bbox[1] for line in lines) / 2
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda it: it.middle):
        if rows and line.middle - rows[-1][0].middle <= near:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda it: it.bbox[0]) for row in rows]


def _strip(bbox: BBox, number: int, count: int) -> BBox:
    x0, y0, x1, y1 = bbox
    return x0, y0 + (y1 - y0) * number // count, x1, y0 + (y1 - y0) * (number + 1) // count


def _union(one: BBox, other: BBox) -> BBox:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _lower(one: _Line, other: _Line) -> float | None:
    given = [line.confidence for line in (one, other) if line.confidence is not None]
    return min(given, default=None)
