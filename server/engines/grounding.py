"""What DeepSeek-OCR and DeepSeek-OCR-2 answer, taken apart into regions: label, boxes, content. Pure.

With grounding the answer is `<|ref|>LABEL<|/ref|><|det|>[[x0, y0, x1, y1], …]<|/det|>CONTENT`, again and again;
coordinates are 0–999 of the page's width and height, brought to pixels as in `draw_bounding_boxes` of the model's own
run_dpsk_ocr_image.py (github.com/deepseek-ai/DeepSeek-OCR). Without grounding it is text without tags.

Any answer is read, in time linear in its length:

- a label is what stands between `<|ref|>` and `<|/ref|>` with no other tag between;
- coordinates are a list of boxes right after `<|det|>`, or the beginning of one that the answer's end cuts off; a list
  of one box may lack the outer brackets;
- everything else that is no tag is content, in its order, whatever tags are doubled, misplaced or missing. So is the text
  of a `<|ref|>` that is never closed. Only white space around a tag is not kept as it was.
"""

import re
from dataclasses import dataclass, field

from server.documents import BBox

_TAG = re.compile(r"(<\|/?(?:ref|det)\|>|<\|grounding\|>|<｜(?:begin|end)▁of▁sentence｜>)")
_SCALE = 999

# What was matched is never given back ("++", "*+"): nothing here is looked at twice.
_NUMBER = r"[+-]?+[0-9]++(?:\.[0-9]*+)?+"
_BOX = rf"\[\s*+{_NUMBER}(?:\s*+,\s*+{_NUMBER}){{3}}\s*+\]"
_COORDINATES = re.compile(rf"\s*+(?:\[\s*+(?:{_BOX}\s*+(?:,\s*+)?+)++\]|{_BOX})")
_CUT_OFF = re.compile(r"\s*+\[\s*+(?:\[[\[\]0-9.,+\s-]*+)?+")
_EACH_BOX = re.compile(rf"\[\s*+({_NUMBER})\s*+,\s*+({_NUMBER})\s*+,\s*+({_NUMBER})\s*+,\s*+({_NUMBER})\s*+\]")


@dataclass(frozen=True, slots=True)
class Region:
    """One region, in the order of the answer.

    `label` is the model's own (`title`, `text`, `table`, `image`, …), in an answer to "locate" or "OCR" with grounding the
    phrase itself, and "" for text outside of any region. `boxes` are within the page and not empty; those that are not
    are left out. `content` has no tags and no white space around it.
    """

    label: str
    boxes: tuple[BBox, ...]
    content: str


@dataclass(slots=True)
class _Open:
    """The region that is being read; `pieces` are its text between tags, none of them white space only."""

    label: str = ""
    boxes: list[BBox] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def closed(self) -> list[Region]:
        """The region, or none if there is nothing in it."""
        content = " ".join(self.pieces).strip()  # with a space: no tag must arise from pieces of tags
        if not (self.label or self.boxes or content):
            return []
        return [Region(self.label, tuple(self.boxes), content)]


def parse(text: str, width: int, height: int) -> tuple[Region, ...]:
    """The regions of an answer about a page of `width` × `height` px. Takes any text and never raises."""
    first, *rest = _TAG.split(text)
    tags, pieces = rest[::2], rest[1::2]
    regions: list[Region] = []
    region = _Open(pieces=[first] if first.strip() else [])
    for number, (tag, piece) in enumerate(zip(tags, pieces, strict=True)):
        left = piece
        if tag == "<|ref|>":
            regions += region.closed()
            region = _Open()
            if tags[number + 1 : number + 2] == ["<|/ref|>"]:
                region.label, left = piece.strip(), ""
        elif tag == "<|det|>":
            found = _COORDINATES.match(piece)
            if found:
                if region.pieces:  # a box behind content is not that content's
                    regions += region.closed()
                    region = _Open()
                region.boxes += _boxes(found[0], width, height)
                left = piece[found.end() :]
            elif number == len(tags) - 1 and _CUT_OFF.fullmatch(piece):
                left = ""
        if left.strip():
            region.pieces.append(left)
    regions += region.closed()
    return tuple(regions)


def _boxes(coordinates: str, width: int, height: int) -> list[BBox]:
    found = (tuple(map(_fraction, box.groups())) for box in _EACH_BOX.finditer(coordinates))
    boxes = ((int(x0 * width), int(y0 * height), int(x1 * width), int(y1 * height)) for x0, y0, x1, y1 in found)
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes if x0 < x1 and y0 < y1]


def _fraction(number: str) -> float:
    """A coordinate as a part of the page, 0–1. Unlike int(), float() takes any number of digits, in linear time."""
    return min(max(float(number), 0.0), _SCALE) / _SCALE
