"""The levels of a document's headings, from how they are numbered, what they say, and how tall they are.

The rules are those of PaddleX 3.7's inference/pipelines/layout_parsing/title_level.py (`assign_levels_to_parsing_res`),
so that the levels are the same. Standard library only.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from server.paddlex.blocks import Block
from server.paddlex.heights import ranks

_HEIGHTS = 4  # at most so many levels by height
_HAN = "一二三四五六七八九十"
_NUMBERED = (
    ("bracketed", re.compile(r"\s*[(（]?\d+(?:\.\d+)*[)）]"), 4),
    ("roman", re.compile(r"\s*[IVX]+(?:[.．)\s]|$)", re.IGNORECASE), 1),
    (
        "han",
        re.compile(
            rf"\s*[第（(]?[{_HAN}]{{1,2}}(?:[章节篇卷部条题讲课回）)]|(?![a-zA-Z\u4e00-\u9fa5]))", re.IGNORECASE
        ),
        1,
    ),
    ("letter", re.compile(r"\s*[A-Z][.．)\s]", re.IGNORECASE), 2),
)
"""Kinds of numbering, the one tried first at the top, and the level that each speaks for."""
_DECIMAL = re.compile(r"\s*(\d+(?:\.\d+)*)(?![)）])")
_FIRST_LEVEL = {
    *(
        "ABSTRACT",
        "SUMMARY",
        "RESUME",
        "CONTENTS",
        "REFERENCES",
        "REFERENCE",
        "APPENDIX",
        "APPENDICES",
        "ACKNOWLEDGMENTS",
    ),
    *("INTRODUCTION", "BACKGROUND", "BACKGROUNDANDRELATEDWORK", "RELATEDWORK", "THEORETICALMODELS", "DATA", "METHOD"),
    *("METHODS", "METHODOLOGY", "TOPICANALYSIS", "RESULT", "RESULTS", "DISCUSSION", "CONCLUSIONS", "CONCLUSION"),
    *(
        "LIMITATIONS",
        "绪论",
        "引言",
        "参考文献",
        "附录",
        "研究背景",
        "相关工作",
        "研究方法",
        "实验结果",
        "讨论",
        "结论",
    ),
    *("致谢", "目录"),
}


class _Number(NamedTuple):
    kind: str
    level: int


def relevel(blocks: Iterable[Block]) -> None:
    """Give every heading its `title_level`."""
    headings = [block for block in blocks if block.label == "paragraph_title"]
    heights = [_line_height(heading) for heading in headings]
    rank = ranks(heights, _HEIGHTS)
    numbers = [_number(heading.content) for heading in headings]
    met: dict[str, int] = {}  # each kind of numbering: the how-manieth it was to be met
    for number in numbers:
        if number:
            met.setdefault(number.kind, len(met) + 1)
    outermost = 0  # depth of the first decimal number
    for heading, height, number in zip(headings, heights, numbers, strict=True):
        by_height = rank[height]
        if number is None:
            bare = heading.content.upper().strip().rstrip("：: ").replace(" ", "")
            heading.title_level = 1 if bare in _FIRST_LEVEL else by_height
            continue
        by_place = met[number.kind]
        if number.kind == "decimal":
            outermost = outermost or number.level
            by_place += number.level - outermost
        level, votes = Counter((number.level, by_place, by_height)).most_common(1)[0]
        heading.title_level = level if votes > 1 else by_place


def _number(content: str) -> _Number | None:
    text = content.strip()
    for kind, pattern, level in _NUMBERED:
        if pattern.match(text):
            return _Number(kind, level)
    if found := _DECIMAL.match(text):
        return _Number("decimal", found[1].count(".") + 1)
    return None


def _line_height(heading: Block) -> int:
    """Of one of its lines, px; of a column's width where it is taller than wide."""
    x0, y0, x1, y1 = heading.bbox
    lines = heading.content.strip().count("\n") + 1
    height, width = y1 - y0, x1 - x0
    return int((height if not height or width / height >= 1 else width) / lines)
