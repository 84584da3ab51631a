"""A column's lines made into paragraphs and lists."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from server.layout.geometry import Rect, Run, middle_value, union, usual, visual_rows
from server.layout.lists import Item, depths, is_bullet, marker_of
from server.layout.text import continue_line, glue, is_cjk

_SENTENCE_END = re.compile(r"[.!?:;…。！？：；][\"'»”’)\]]*$")
_LEADERS = re.compile(r"(?:\.\s?){4,}|…{2,}|·{4,}|_{5,}|…\s*\d+$")
_VERSE = 40  # characters: lines no longer than this, each beginning anew, are an address or a verse


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together. `text` keeps forced line breaks as newlines; `items` is filled for a list."""

    text: str
    rect: Rect
    sources: tuple[int, ...]
    height: float  # px, the lines' median
    stroke: float  # px, the lines' median
    rows: int
    items: tuple[Item, ...] = ()

    @property
    def is_entry(self) -> bool:
        """Whether it is a line of a table of contents: dots lead to a number."""
        return bool(_LEADERS.search(self.text))


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    rect: Rect
    sources: tuple[int, ...]
    height: float
    stroke: float
    marker: str  # of a list item, as it stands in the text, or a bullet that only the image shows
    indent: float  # px, x of the marker or of the text

    @property
    def unmarked(self) -> str:
        """The text after its marker."""
        return self.text[len(self.marker) :].strip() if self.text.startswith(self.marker) else self.text


def paragraphs(runs: Sequence[Run], line_height: float) -> list[Paragraph]:
    """The column's paragraphs and lists from top to bottom; every run goes into exactly one."""
    rows = [_row(group) for group in visual_rows(runs)]
    pitches = [below.rect[1] - above.rect[1] for above, below in pairwise(rows)]
    pitch = middle_value([p for p in pitches if p < 2.5 * line_height], 1.4 * line_height)
    column = union(row.rect for row in rows)
    found: list[Paragraph] = []
    batch: list[list[_Row]] = []  # list items so far
    for chunk in _chunks(rows, pitch):
        outline = union(row.rect for row in chunk)
        # Lines that all end far from the column's edge were not broken by it, nor by an edge of their own.
        narrow = outline[2] - outline[0] < 0.6 * (column[2] - column[0])
        right = column[2] if narrow else outline[2]
        for group in _groups(chunk, right):
            if group[0].marker or (batch and _in_list(batch[-1], group)):
                if batch and group[0].rect[1] - batch[-1][-1].rect[3] > 2 * line_height:
                    found += _listed(batch, right)
                    batch = []
                batch.append(group)
                continue
            found += _listed(batch, right)
            batch = []
            found.append(_paragraph(group, right))
    return found + _listed(batch, column[2])


def _row(group: Sequence[Run]) -> _Row:
    text = ""
    for run in group:
        text = glue(text, run.text)
    marker, indent = marker_of(text), group[0].rect[0]
    if not marker and group[0].bullet is not None:
        marker, indent = "•", group[0].bullet
    return _Row(
        text,
        union(run.rect for run in group),
        tuple(i for run in group for i in run.sources),
        usual((run.height, len(run.text)) for run in group),
        usual((run.stroke, len(run.text)) for run in group),
        marker,
        indent,
    )


def _chunks(rows: Sequence[_Row], pitch: float) -> list[list[_Row]]:
    """Rows parted where space or another type parts them."""
    chunks: list[list[_Row]] = []
    for row in rows:
        if chunks and not _apart(chunks[-1], row, pitch):
            chunks[-1].append(row)
        else:
            chunks.append([row])
    return chunks


def _apart(chunk: Sequence[_Row], row: _Row, pitch: float) -> bool:
    last = chunk[-1]
    h = max(min(last.height, row.height), 1.0)
    if row.rect[1] - last.rect[1] > max(1.32 * pitch, 1.2 * h) or row.rect[1] - last.rect[3] > 1.6 * h:
        return True
    if max(last.height, row.height) > 1.4 * h:
        return True
    # A bold line begins, or ends, without a gap: a heading close to its text.
    heaviest, lightest = max(last.stroke, row.stroke), min(last.stroke, row.stroke)
    alone = len(chunk) == 1 or chunk[-2].stroke == 0 or 0.8 < chunk[-2].stroke / (last.stroke or 1) < 1.25
    bolder = lightest > 0 and heaviest > max(1.35 * lightest, lightest + 0.7)  # px: thin strokes measure unevenly
    return bolder and alone and min(len(last.text), len(row.text)) > 3


def _groups(chunk: Sequence[_Row], right: float) -> list[list[_Row]]:
    """A chunk's paragraphs and list items."""
    left = min(row.rect[0] for row in chunk)
    groups: list[list[_Row]] = []
    for row in chunk:
        if groups and _continues(groups[-1], row, left, right):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _continues(group: Sequence[_Row], row: _Row, left: float, right: float) -> bool:
    """Whether a row goes on with the paragraph of the rows before it."""
    first, last = group[0], group[-1]
    h = max(min(last.height, row.height), 1.0)
    body = group[1].rect[0] if len(group) > 1 else last.rect[0]
    hanging = len(group) > 1 and body > first.indent + 0.6 * h
    early = _ends_early(last, row, right)
    if row.marker or (hanging and row.rect[0] < body - 0.6 * h):
        return False
    if first.marker:
        return not early
    indented = row.rect[0] > body + 0.8 * h and (len(group) > 1 or body < left + h)
    if indented and not _centred(last, row):
        return False
    return not (early and _SENTENCE_END.search(last.text))


def _centred(one: _Row, other: _Row) -> bool:
    return abs(sum(one.rect[::2]) - sum(other.rect[::2])) < one.height


def _ends_early(row: _Row, following: _Row, right: float) -> bool:
    """Whether the next row's first word would have fitted at this row's end: the break was meant."""
    if _LEADERS.search(row.text):
        return True
    each = (row.rect[2] - row.rect[0]) / max(len(row.text), 1)
    word = 1 if is_cjk(following.text[0]) else len(following.text.split(" ", 1)[0]) + 1
    return right - row.rect[2] > max(1.4 * word * each, 1.5 * row.height)


def _paragraph(group: Sequence[_Row], right: float) -> Paragraph:
    verse = all(len(row.text) <= _VERSE for row in group) and all(
        row.text[0].isupper() or row.text[0].isdigit() for row in group
    )
    contents = 2 * sum(bool(_LEADERS.search(row.text)) for row in group) >= len(group)
    text = group[0].text
    for above, row in pairwise(group):
        broken = verse or contents or _ends_early(above, row, right)
        text = f"{text}\n{row.text}" if broken else continue_line(text, row.text)
    return Paragraph(
        text,
        union(row.rect for row in group),
        tuple(i for row in group for i in row.sources),
        median(row.height for row in group),
        median(row.stroke for row in group),
        len(group),
    )


def _in_list(item: Sequence[_Row], group: Sequence[_Row]) -> bool:
    """Whether an unmarked group right after a list item stands inside of the list: its own marker was not read."""
    first, row = item[0], group[0]
    return row.rect[0] > first.indent + 0.6 * first.height and row.rect[1] - item[-1].rect[3] < row.height


def _listed(batch: Sequence[Sequence[_Row]], right: float) -> list[Paragraph]:
    """Marked groups as one list; a numbered one on its own is a paragraph."""
    if not batch:
        return []
    made = [_paragraph(group, right) for group in batch]
    if len(batch) == 1 and not is_bullet(batch[0][0].marker):
        return made
    levels = depths([group[0].indent for group in batch], 0.7 * batch[0][0].height)
    items = []
    for group, depth in zip(batch, levels, strict=True):
        text = _paragraph([replace(group[0], text=group[0].unmarked), *group[1:]], right).text
        items.append(Item(group[0].marker.strip(), text.replace("\n", " "), depth))
    return [
        Paragraph(
            "\n".join(item.line for item in items),
            union(paragraph.rect for paragraph in made),
            tuple(i for paragraph in made for i in paragraph.sources),
            median(paragraph.height for paragraph in made),
            median(paragraph.stroke for paragraph in made),
            sum(paragraph.rows for paragraph in made),
            tuple(items),
        )
    ]
