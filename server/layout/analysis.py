"""The layout analysis of one page: recognised lines in, blocks in reading order and Markdown out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
from numpy.typing import NDArray

from server.documents import BBox, Block, BlockFormat
from server.layout import markdown as md
from server.layout.bullets import find_bullets
from server.layout.figures import find_figures
from server.layout.geometry import Body, Rect, Run, centre, contains, intersection, union
from server.layout.headings import heading_levels
from server.layout.ink import SmallPage, Straightening, small_page
from server.layout.joins import join_broken
from server.layout.lines import Line
from server.layout.margins import is_page_number, part_margins
from server.layout.order import Column, Figure, Piece, reading_order
from server.layout.paragraphs import Paragraph, paragraphs
from server.layout.rules import Rulings, find_rulings
from server.layout.strokes import stroke_width
from server.layout.tables import Table
from server.layout.tables_html import to_html
from server.layout.tables_ruled import ruled_table
from server.layout.tables_striped import stacks, striped_table
from server.layout.text import clean


@dataclass(frozen=True, slots=True)
class Analysis:
    """A page's blocks in reading order, the same as Markdown and as plain text.

    `figures` maps each image name that the Markdown refers to onto its region, px on the page as it was given.
    """

    blocks: tuple[Block, ...]
    markdown: str
    text: str
    figures: Mapping[str, BBox]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A block to be: `sources` are the indices of its lines, `region` is set where there may be none."""

    type: str
    content: str
    markdown: str
    text: str
    sources: tuple[int, ...]
    region: Rect | None = None
    format: BlockFormat = BlockFormat.TEXT


def analyse(lines: Sequence[Line], image: NDArray[Any], image_prefix: str = "") -> Analysis:
    """Blocks, Markdown and plain text of a page.

    `lines` in any order; `image` is the upright page, H × W × 3, uint8, BGR; image names begin with `image_prefix`, so
    that those of several pages can lie together. Every line's text comes out exactly once:
    only white space and line-end hyphens change. Never raises for any set of lines.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    page = small_page(gray)
    turn = page.straightening
    runs = _runs(lines, gray, turn)
    body = Body.of(runs)
    rulings = find_rulings(page, runs, body.height)
    tables, runs = _ruled_tables(rulings, runs, body.height)
    figures, runs = _figures(page, rulings, runs, tables)
    figures = [replace(figure, name=image_prefix + figure.name) for figure in figures]
    runs = join_broken(runs, body.height)
    margins = part_margins(runs, 0, turn.height, body)
    pieces = reading_order([*margins.body, *tables, *figures], body.height)
    drafts = [
        *_margin_drafts(margins.above, "header"),
        *_drafts(pieces, body, turn.height),
        *_margin_drafts(margins.below, "footer"),
    ]
    return Analysis(
        tuple(_block(draft, order, lines, turn) for order, draft in enumerate(drafts)),
        "\n\n".join(draft.markdown for draft in drafts),
        "\n\n".join(draft.text for draft in drafts if draft.text),
        {figure.name: _clamped(turn.back(figure.rect), turn) for figure in figures},
    )


def _runs(lines: Sequence[Line], gray: NDArray[Any], turn: Straightening) -> list[Run]:
    """Lines with text, straightened, with what the image tells about their type."""
    kept = [(index, text, _sane(line)) for index, line in enumerate(lines) if (text := clean(line.text))]
    bullets = find_bullets(gray, [box for _, _, box in kept])
    runs = []
    for (index, text, box), bullet in zip(kept, bullets, strict=True):
        rect = turn.rect(box)
        shift = None if bullet is None else rect[0] + bullet - box[0]
        runs.append(Run(text, rect, (index,), stroke_width(gray, box), shift))
    return runs


def _ruled_tables(rulings: Rulings, runs: list[Run], height: float) -> tuple[list[Table], list[Run]]:
    """The tables that rulings show, and the runs outside of them."""
    tables = []
    for rect, build in [
        *((grid.rect, partial(ruled_table, grid)) for grid in rulings.grids),
        *(
            (stack.rect, partial(striped_table, stack, line_height=height))
            for stack in stacks(rulings.horizontal, height)
        ),
    ]:
        inside = [run for run in runs if contains(rect, centre(run.rect))]
        table = build(inside)
        if table is not None:
            tables.append(table)
            taken = set(table.sources)
            runs = [run for run in runs if taken.isdisjoint(run.sources)]
    return tables, runs


def _figures(
    page: SmallPage, rulings: Rulings, runs: list[Run], tables: Sequence[Table]
) -> tuple[list[Figure], list[Run]]:
    """The figures with the text on them, and the runs outside of them."""
    taken = [table.rect for table in tables]
    frames = [grid.rect for grid in rulings.grids if not any(intersection(grid.rect, rect) for rect in taken)]
    figures = []
    for number, rect in enumerate(find_figures(page, runs, taken, frames), 1):
        inside = tuple(run for run in runs if contains(rect, centre(run.rect)))
        runs = [run for run in runs if not contains(rect, centre(run.rect))]
        figures.append(Figure(f"figure_{number}.png", rect, inside))
    return figures, runs


def _drafts(pieces: Sequence[Piece], body: Body, page_height: float) -> list[_Draft]:
    split = [paragraphs(piece.runs, body.height) if isinstance(piece, Column) else [] for piece in pieces]
    levels = iter(heading_levels([paragraph for found in split for paragraph in found], body, page_height))
    drafts: list[_Draft] = []
    for piece, found in zip(pieces, split, strict=True):
        drafts += (_text_draft(paragraph, next(levels)) for paragraph in found)
        if isinstance(piece, Table):
            drafts.append(_table_draft(piece))
        elif isinstance(piece, Figure):
            picture = md.image(piece.name)
            drafts.append(_Draft("image", piece.name, picture, "", (), piece.rect, BlockFormat.IMAGE))
            if piece.inside:
                drafts += (_text_draft(paragraph, 0) for paragraph in paragraphs(piece.inside, body.height))
    return drafts


def _table_draft(table: Table) -> _Draft:
    cells = table.cells
    return _Draft(
        "table",
        to_html(cells),
        md.table(cells),
        md.table_text(cells),
        table.sources,
        table.rect,
        BlockFormat.TABLE_HTML,
    )


def _text_draft(paragraph: Paragraph, level: int) -> _Draft:
    text = paragraph.text
    if paragraph.items:
        return _Draft("list", text, md.bullet_list(paragraph.items), text, paragraph.sources)
    if level:
        label = "doc_title" if level == 1 else "paragraph_title"
        return _Draft(label, text, md.heading(text, level), text, paragraph.sources)
    return _Draft("text", text, md.escape(text), text, paragraph.sources)


def _margin_drafts(runs: Sequence[Run], label: str) -> list[_Draft]:
    return [
        _Draft("number" if is_page_number(run.text) else label, run.text, md.escape(run.text), run.text, run.sources)
        for run in runs
    ]


def _block(draft: _Draft, order: int, lines: Sequence[Line], turn: Straightening) -> Block:
    rects = [_sane(lines[i]) for i in draft.sources]
    if draft.region is not None:
        rects.append(turn.back(draft.region))
    return Block(
        draft.type,
        _clamped(union(rects), turn),
        draft.content,
        draft.format,
        order,
        _confidence([lines[i] for i in draft.sources]),
    )


def _confidence(lines: Sequence[Line]) -> float | None:
    """The mean score over characters."""
    scored = [(line.score, len(line.text)) for line in lines if math.isfinite(line.score)]
    if not scored:
        return None
    return sum(score * size for score, size in scored) / sum(size for _, size in scored)


def _sane(line: Line) -> Rect:
    """The line's box with its corners in order; a box of no numbers stands in the page's corner."""
    values = [value if math.isfinite(value) else 0.0 for value in (line.x0, line.y0, line.x1, line.y1)]
    x0, x1 = sorted(min(max(value, -1e6), 1e6) for value in values[::2])
    y0, y1 = sorted(min(max(value, -1e6), 1e6) for value in values[1::2])
    return x0, y0, x1, y1


def _clamped(rect: Rect, turn: Straightening) -> BBox:
    """Whole px inside the page, at least the whole of the rectangle's part there."""
    x0, x1 = max(0, math.floor(rect[0])), min(turn.width, math.ceil(rect[2]))
    y0, y1 = max(0, math.floor(rect[1])), min(turn.height, math.ceil(rect[3]))
    return min(x0, turn.width), min(y0, turn.height), max(x1, 0, min(x0, turn.width)), max(y1, 0, min(y0, turn.height))
