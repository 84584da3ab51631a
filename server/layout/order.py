"""Reading order: a page cut into columns, tables and figures, from the first read to the last.

A recursive XY-cut (Nagy, Seth 1984; Ha, Haralick, Phillips 1995) that looks for gutters as tall empty rectangles
(Breuel 2002) instead of cutting at the widest gap: the boxes that cross a gutter (a headline, a wide figure) part the
page into bands, and only within a band are left and right two columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.layout.geometry import Rect, Run, centre, union, visual_rows
from server.layout.tables import Table
from server.layout.tables_aligned import tabular_parts

_DEPTH = 14  # cuts within cuts; real pages need four
_CANDIDATES = 16  # gutters tried per region


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture's region; `name` is its name in the Markdown, `inside` the text that stands on it."""

    name: str
    rect: Rect
    inside: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """Text lines of one column, or of a part of it, without anything else between them."""

    runs: tuple[Run, ...]

    @property
    def rect(self) -> Rect:
        """The rectangle around the lines."""
        return union(run.rect for run in self.runs)


Piece = Column | Table | Figure
Atom = Run | Table | Figure


@dataclass(frozen=True, slots=True)
class _Band:
    """Atoms between two heights: left and right of a gutter, or (`right` empty) crossing it."""

    left: list[Atom]
    right: list[Atom]


def reading_order(atoms: Sequence[Atom], line_height: float) -> list[Piece]:
    """The pieces of the page in the order in which they are read."""
    return _joined(_cut(list(atoms), line_height, _DEPTH), line_height) if atoms else []


def _cut(atoms: list[Atom], h: float, depth: int) -> list[Piece]:
    bands = _bands(atoms, h) if depth and len(atoms) > 1 else []
    if not bands:
        return _from_the_top(atoms)
    pieces: list[Piece] = []
    for band in bands:
        if not band.right:
            pieces += _cut(band.left, h, depth - 1) if len(bands) > 1 else _from_the_top(band.left)
            continue
        both = band.left + band.right
        runs = [atom for atom in both if isinstance(atom, Run)]
        parts = tabular_parts(runs, h) if len(runs) == len(both) else []
        if parts:
            for part in parts:
                pieces += [part] if isinstance(part, Table) else _cut([*part], h, depth - 1)
        elif _are_columns(band):
            pieces += _cut(band.left, h, depth - 1) + _cut(band.right, h, depth - 1)
        else:
            pieces += _from_the_top(both)
    return pieces


def _are_columns(band: _Band) -> bool:
    """Not a line or two in which a wide gap happens to stand above another one."""
    sides = [visual_rows(side) for side in (band.left, band.right)]
    if min(map(len, sides)) >= 3 or any(not isinstance(atom, Run) for atom in band.left + band.right):
        return True
    return max(map(len, sides)) > 3


def _from_the_top(atoms: Sequence[Atom]) -> list[Piece]:
    pieces: list[Piece] = []
    text: list[Run] = []
    for row in visual_rows(atoms):
        for atom in row:
            if isinstance(atom, Run):
                text.append(atom)
                continue
            if text:
                pieces.append(Column(tuple(text)))
                text = []
            pieces.append(atom)
    if text:
        pieces.append(Column(tuple(text)))
    return pieces


def _bands(atoms: list[Atom], h: float) -> list[_Band]:
    """The bands that the best gutter makes, or nothing where there is no gutter."""
    best: list[_Band] = []
    best_score = 0.0
    atoms = sorted(atoms, key=lambda atom: centre(atom.rect)[1])
    for x in _candidates(atoms, h):
        bands, score = _split(atoms, x, h)
        if score > best_score:
            best, best_score = bands, score
    return best


def _candidates(atoms: Sequence[Atom], h: float) -> list[float]:
    """x positions that fewer boxes cover than both their surroundings: possible gutters, the emptiest first."""
    start = min(atom.rect[0] for atom in atoms)
    end = max(atom.rect[2] for atom in atoms)
    step = max(h / 8, (end - start) / 2000)
    bins = int((end - start) / step) + 2
    change = [0] * (bins + 1)
    for atom in atoms:
        first, last = int((atom.rect[0] - start) / step), int((atom.rect[2] - start) / step)
        change[first] += 1
        change[last] -= 1
    cover, total = [], 0
    for delta in change[:bins]:
        total += delta
        cover.append(total)
    valleys: list[tuple[float, int, float]] = []
    falling, entered = False, 0
    for i in range(1, bins):
        if cover[i] < cover[i - 1]:
            falling, entered = True, i
        elif cover[i] > cover[i - 1]:
            if falling:
                valleys.append((cover[i - 1], entered - i, start + (entered + i) / 2 * step))
            falling = False
    valleys.sort()
    return [x for _, _, x in valleys[:_CANDIDATES]]


def _split(atoms: Sequence[Atom], x: float, h: float) -> tuple[list[_Band], float]:
    """Bands of a gutter at x, and how much text stands beside text in them (px of height, weighted by its width)."""
    slack = 0.15 * h
    crossing = [atom for atom in atoms if atom.rect[0] < x - slack and atom.rect[2] > x + slack]
    walls = sorted((atom.rect[1], atom.rect[3]) for atom in crossing)
    merged: list[list[float]] = []
    for top, bottom in walls:
        if merged and top <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], bottom)
        else:
            merged.append([top, bottom])
    # Each atom belongs to a wall (it crosses, or stands beside one that does) or to the space after wall i.
    spaces: list[list[Atom]] = [[] for _ in range(len(merged) + 1)]
    at_walls: list[list[Atom]] = [[] for _ in merged]
    number = 0
    for atom in atoms:
        middle = centre(atom.rect)[1]
        while number < len(merged) and merged[number][1] < middle:
            number += 1
        if number < len(merged) and merged[number][0] <= middle:
            at_walls[number].append(atom)
        else:
            spaces[number].append(atom)
    bands: list[_Band] = []
    score = 0.0
    for i, space in enumerate(spaces):
        left = [atom for atom in space if sum(atom.rect[::2]) / 2 < x]
        right = [atom for atom in space if sum(atom.rect[::2]) / 2 >= x]
        worth = _worth(left, right, h)
        if worth > 0:
            bands.append(_Band(left, right))
            score += worth
        else:
            _append_crossing(bands, space)
        if i < len(at_walls):
            _append_crossing(bands, at_walls[i])
    return bands, score


def _append_crossing(bands: list[_Band], atoms: list[Atom]) -> None:
    if not atoms:
        return
    if bands and not bands[-1].right:
        bands[-1].left.extend(atoms)
    else:
        bands.append(_Band(list(atoms), []))


def _worth(left: Sequence[Atom], right: Sequence[Atom], h: float) -> float:
    """How good a gutter this is between two sides; 0 where it is none."""
    if not left or not right:
        return 0.0
    width = min(atom.rect[0] for atom in right) - max(atom.rect[2] for atom in left)
    beside = min(max(atom.rect[3] for atom in left), max(atom.rect[3] for atom in right))
    beside -= max(min(atom.rect[1] for atom in left), min(atom.rect[1] for atom in right))
    rows = beside / h  # lines that would fit, without leading
    # The longer a gutter, the less can it be chance: journals set theirs at half a line's height.
    narrowest = 0.3 if rows > 10 else 0.55 if rows > 5 else 1.0
    if rows < 2 or width < narrowest * h:
        return 0.0
    return beside * min(width / h, 2.0)


def _joined(pieces: list[Piece], h: float) -> list[Piece]:
    """Columns that follow each other directly and have the same edges are one: a cut went through a paragraph."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, Column) and isinstance(last, Column):
            a, b = last.rect, piece.rect
            follows = 0 <= b[1] - a[3] + 0.5 * h <= 2 * h
            if follows and max(abs(a[0] - b[0]), abs(a[2] - b[2])) < 2 * h:
                joined[-1] = Column(last.runs + piece.runs)
                continue
        joined.append(piece)
    return joined
