"""Which paragraphs are headings, and of which level: larger or heavier type than the body's, standing alone."""

import re
from collections.abc import Sequence

from server.layout.geometry import Body
from server.layout.paragraphs import Paragraph

_NUMBERED = re.compile(r"^(?:§\s*)?(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s*[^\W\d_]")
_CHAPTER = re.compile(r"^(?:chapter|part|appendix|глава|раздел|часть|приложение)\s+[\dIVXLCА-ЯA-Z]", re.IGNORECASE)
_CAPTION = re.compile(
    r"^(?:table|fig(?:ure|\.)|scheme|listing|табл(?:ица|\.)|рис(?:унок|\.)|схема|表|图)\s*\d", re.IGNORECASE
)
_RUN_ON = re.compile(r"[,;]$|[^.]\.$")
_LARGE = 1.3  # times the body's line height: boxes of one size differ by a fifth
_HEAVY = 1.3  # times the body's stroke width: bold is 1.5 and more
_TITLE = 1.5


def heading_levels(paragraphs: Sequence[Paragraph], body: Body, page_height: float) -> list[int]:
    """For each paragraph in reading order: 0 for text, 1 for the page's title (one at most), 2 and 3 for headings."""
    found = [i for i, paragraph in enumerate(paragraphs) if is_heading(paragraph, body)]
    levels = [0] * len(paragraphs)
    if not found or len(found) > 0.7 * len(paragraphs) > 3:
        return levels  # where nearly everything is one, nothing is
    largest = max(paragraphs[i].height for i in found)
    title = next((i for i in found if paragraphs[i].height > 0.9 * largest), found[0])
    if not _is_title(paragraphs[title], body, page_height):
        title = -1
    rest = [paragraphs[i].height for i in found if i != title]
    for i in found:
        levels[i] = 1 if i == title else _level(paragraphs[i], max(rest))
    return levels


def is_heading(paragraph: Paragraph, body: Body) -> bool:
    """Whether a paragraph is short, and larger or bolder than the body."""
    text = paragraph.text
    letters = sum(character.isalpha() for character in text)
    if paragraph.items or letters < 2 or letters < 0.4 * len(text) or paragraph.rows > 4 or len(text) > 200:
        return False
    upright = paragraph.rect[2] - paragraph.rect[0] < paragraph.height and len(text) > 2  # an axis label
    if upright or paragraph.is_entry or _CAPTION.match(text):
        return False
    size = paragraph.height / body.height
    weight = paragraph.stroke / body.stroke if body.stroke else 1.0
    named = bool(_NUMBERED.match(text) or _CHAPTER.match(text))
    if size >= _TITLE and weight >= 1.15:
        return True
    if _RUN_ON.search(text) and not named:
        return False
    if size >= _LARGE and weight >= 1.15:
        return True
    short = paragraph.rows <= 2 and len(text) <= 100 and text[-1] not in ":："
    return short and (weight >= _HEAVY or (named and size >= 1.15 and weight >= 1.1))


def _is_title(paragraph: Paragraph, body: Body, page_height: float) -> bool:
    return (
        paragraph.height >= _TITLE * body.height
        and paragraph.rect[1] < 0.5 * page_height
        and not _NUMBERED.match(paragraph.text)
    )


def _level(paragraph: Paragraph, largest: float) -> int:
    numbered = _NUMBERED.match(paragraph.text)
    if numbered:
        return 2 if "." not in numbered.group(1).rstrip(".") else 3
    return 2 if paragraph.height > 0.85 * largest else 3
