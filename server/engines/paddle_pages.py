"""One page of PaddleX's result → a Page: its own Markdown, figures and JSON, as they are; its blocks in our words."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from server.documents import Block, BlockFormat, Page, Verdict
from server.engines.base import Options, PageInput
from server.engines.orientation import turned_back
from server.layout.plain import plain
from server.layout.tables_pipe import tables_as_markdown

_LONGEST = 2000  # px of a figure that PaddleX's server sends


def page_of(result: Any, page: PageInput, options: Options, verdict: Verdict, seconds: float) -> Page:
    """The page, from a `PaddleOCRVLResult` (paddlex/inference/pipelines/paddleocr_vl/result.py).

    Markdown and figures are what `save_to_markdown` writes, `engine_result` what `save_to_json` writes.
    """
    if page.of is not None:  # as the library states it for the pages of a file
        result["page_index"], result["page_count"] = page.number - 1, page.of
    markdown, images = _saved(result, page, options)
    if options["serving_figures"]:
        _encode_anew(result, images)
    blocks = _blocks(result, page)
    if verdict is Verdict.OK and not any(block.content for block in blocks):
        verdict = Verdict.BLANK
    if options["table_format"] == "markdown":
        markdown = tables_as_markdown(markdown)
    hidden = set(result["model_settings"]["markdown_ignore_labels"])
    return Page(
        number=page.number,
        width=page.width,
        height=page.height,
        text="\n\n".join(filter(None, (plain(block) for block in blocks if block.type not in hidden))),
        markdown=markdown,
        blocks=blocks,
        images=images,
        verdict=verdict,
        seconds=seconds,
        engine_result=result.json["res"],
    )


def _saved(result: Any, page: PageInput, options: Options) -> tuple[str, Mapping[str, Path]]:
    """The Markdown, and its figures as files beside the page, by the names that the Markdown has for them."""
    with tempfile.TemporaryDirectory(dir=page.path.parent) as name:
        folder = Path(name)
        pretty, numbered = options["prettify_markdown"], options["show_formula_number"]
        result.save_to_markdown(folder / "page.md", pretty=pretty, show_formula_number=numbered)
        images = {}
        for figure in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md"):
            kept = page.path.with_name(f"{page.path.stem}_{figure.name}")
            shutil.move(figure, kept)
            images[figure.relative_to(folder).as_posix()] = kept
        return (folder / "page.md").read_bytes().decode("utf-8"), images


def _encode_anew(result: Any, images: Mapping[str, Path]) -> None:
    """The figures as PaddleX's server sends them (serving/basic_serving/_pipeline_apps/_common/common.py)."""
    for name, figure in result.markdown["markdown_images"].items():
        pixels = cv2.cvtColor(np.array(figure.convert("RGB")), cv2.COLOR_RGB2BGR)
        height, width = pixels.shape[:2]
        if max(width, height) > _LONGEST:
            factor = _LONGEST / max(width, height)
            pixels = cv2.resize(pixels, (int(factor * width), int(factor * height)))
        images[name].write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


def _blocks(result: Any, page: PageInput) -> tuple[Block, ...]:
    """The regions in reading order, their boxes in pixels of the page as given. A figure that was read is two blocks."""
    quarters = _quarters(result)
    blocks = []
    for region in result["parsing_res_list"]:
        x0, y0, x1, y1 = region.bbox
        bbox = turned_back((x0, y0, x1, y1), quarters, page.width, page.height)
        if region.image is not None:
            blocks.append(Block(region.label, bbox, region.image["path"], BlockFormat.IMAGE, 0))
        if region.content or region.image is None:
            blocks.append(Block(region.label, bbox, region.content, _format(region.label, region.content), 0))
    return tuple(replace(block, order=order) for order, block in enumerate(blocks))


def _quarters(result: Any) -> int:
    """By how many times 90° clockwise the pipeline turned the page; it counts degrees the other way, -1 for not asked."""
    if not result["model_settings"]["use_doc_preprocessor"]:
        return 0
    return -max(0, int(result["doc_preprocessor_res"]["angle"])) // 90 % 4


def _format(label: str, content: str) -> BlockFormat:
    if "<table" in content:
        return BlockFormat.TABLE_HTML
    return BlockFormat.LATEX if "formula" in label and label != "formula_number" else BlockFormat.TEXT
