"""Document → Page → Block: what an engine returns, and what every output format is made from.

Standard library only: engine workers import this module under interpreters that hold nothing else of the server's.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from server.preparation import Preparation

BBox = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the page image as it was given to the engine; the origin is the top left corner.

`as_sent` has them in pixels of the page as it was sent, where that is not the same.
"""


class Verdict(StrEnum):
    """How a page came out: nothing is ever cut or dropped silently."""

    OK = "ok"
    BLANK = "blank"  # nothing to read on the page
    TRUNCATED = "truncated"  # the token limit ended it
    REPETITION = "repetition"  # a generation loop was found
    FAILED = "failed"  # no result; `Page.error` says why


class BlockFormat(StrEnum):
    """How `Block.content` is to be read."""

    TEXT = "text"
    TABLE_HTML = "table-html"
    LATEX = "latex"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Block:
    """One region of a page.

    `type` is the layout model's own label (`doc_title`, `paragraph_title`, `text`, `list`, `table`, `image`, …),
    `order` its place in the reading order, counted from 0. For `BlockFormat.IMAGE` the content is the name of a crop in
    `Page.images`. `confidence` is 0–1, or None where the engine gives none; `verdict` is None where it judges pages only.
    `original` is what was recognised, where `content` is what somebody wrote instead.
    """

    type: str
    bbox: BBox
    content: str
    format: BlockFormat
    order: int
    confidence: float | None = None
    verdict: Verdict | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One recognised page; `width` and `height` in px, `number` counted from 1, `seconds` spent on it by the engine.

    `images` maps the names that `markdown` refers to onto cropped files in the spool. `token_confidence` is the mean
    probability of the recognised tokens, 0–1, or None where the engine gives none. `warnings` say what of the request had
    no effect. `engine_result` is the page as the engine's own library writes it as JSON, where it has such a form.
    `tokens` counts what a model generated for it, what was read again included; None where the engine does not say.
    """

    number: int
    width: int
    height: int
    text: str = ""
    markdown: str = ""
    blocks: tuple[Block, ...] = ()
    images: Mapping[str, Path] | None = None
    token_confidence: float | None = None
    verdict: Verdict = Verdict.OK
    error: str | None = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    engine_result: Mapping[str, Any] | None = None
    tokens: int | None = None
    preparation: Preparation | None = None
    """What was done to the page before it was read, if anything was asked for."""
    original: str | None = None
    """Its text as it was recognised, where blocks have been corrected."""

    @property
    def is_plain(self) -> bool:
        """Whether its engine read letters, which mean themselves; else a model wrote Markdown into its blocks."""
        return self.tokens is None and self.engine_result is None

    def to_wire(self) -> dict[str, Any]:
        """The page as JSON values; it is that of an engine, which corrects nothing."""
        wire = asdict(self)
        for part in (wire, *wire["blocks"]):
            del part["original"]
        wire["images"] = {name: str(path) for name, path in (self.images or {}).items()}
        if self.preparation is None:
            del wire["preparation"]
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Page":
        """The page back from JSON values. Raises KeyError, TypeError or ValueError when they are not a page's."""
        blocks = tuple(
            Block(
                **{
                    **block,
                    "bbox": tuple(block["bbox"]),
                    "format": BlockFormat(block["format"]),
                    "verdict": block["verdict"] and Verdict(block["verdict"]),
                }
            )
            for block in wire["blocks"]
        )
        images = {name: Path(path) for name, path in wire["images"].items()}
        done = wire.get("preparation")
        return cls(
            **{
                **wire,
                "blocks": blocks,
                "images": images,
                "verdict": Verdict(wire["verdict"]),
                "warnings": tuple(wire["warnings"]),
                "preparation": Preparation.from_wire(done) if done else None,
            }
        )


class FileType(StrEnum):
    """What the caller sent, found by content."""

    IMAGE = "image"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class Document:
    """The recognised pages of one file, in page order. `total_pages` counts the file's pages, chosen or not."""

    file_type: FileType
    total_pages: int
    pages: tuple[Page, ...]
