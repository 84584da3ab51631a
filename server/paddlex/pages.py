"""A recognised page as PaddleX's serving has it: PaddleX's own result where there is one, else one in its likeness."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.documents import Block, BlockFormat, Document, FileType, Page
from server.paddlex.blocks import IGNORED, Sheet, figure_name, pruned, written
from server.paddlex.blocks import Block as Region
from server.paddlex.markdown import LABELS

_FIGURES = {"image", "chart", "seal", "header_image", "footer_image"}
_FORMULAS = {"formula", "display_formula", "inline_formula"}
_ALIKE = {
    "title": "doc_title",
    "sub_title": "paragraph_title",
    "image_caption": "figure_title",
    "table_caption": "figure_title",
    "image_footnote": "vision_footnote",
    "table_footnote": "vision_footnote",
}
"""Labels of other models → those that PaddleX writes down; any other is text."""

Json = dict[str, Any]


def entry_of(page: Page, pictures: Sequence[Path] | None) -> Json:
    """The page for `writing`; `pictures` are those of the page and of its regions."""
    names: dict[str, str] = {}
    if page.engine_result is not None:
        # PaddleX's server reads images one by one, so that they are of no file
        result = pruned({**page.engine_result, "page_count": None})
    else:
        names = {block.content: figure_name(*_place(block)) for block in page.blocks if _is_figure(block)}
        result = _result(page)
    images: Mapping[str, Path] = page.images or {}
    return {
        "result": result,
        "text": _renamed(page.markdown, names),
        "figures": {names.get(name, name): str(path) for name, path in images.items()},
        "pictures": [str(path) for path in pictures] if pictures else None,
        "error": page.error,
    }


def data_info(document: Document) -> Json:
    """The sizes of the pages that were asked for, px; 0 × 0 for one that could not be rendered."""
    sizes = [{"width": page.width, "height": page.height} for page in document.pages]
    if document.file_type is FileType.PDF:
        return {"numPages": len(sizes), "pages": sizes, "type": "pdf"}
    if document.total_pages > 1:
        return {"numPages": len(sizes), "pages": sizes, "type": "tiff"}
    return {**sizes[0], "type": "image"}


def _result(page: Page) -> Json:
    """In the likeness of PaddleX's, with the settings that it would have."""
    settings = {
        "use_doc_preprocessor": False,
        "use_layout_detection": True,
        "use_chart_recognition": False,
        "use_seal_recognition": False,
        "use_ocr_for_image_block": False,
        "format_block_content": False,
        "merge_layout_blocks": True,
        "markdown_ignore_labels": list(IGNORED),
        "return_layout_polygon_points": False,
    }
    regions = [_region(block) for block in page.blocks]
    boxes = [
        {
            "cls_id": -1,
            "label": region.label,
            "score": 1.0 if block.confidence is None else block.confidence,
            "coordinate": region.bbox,
            "order": order,
        }
        for order, (region, block) in enumerate(zip(regions, page.blocks, strict=True), 1)
    ]
    result = {"page_count": None, "width": page.width, "height": page.height, "model_settings": settings}
    sheet = Sheet(regions, {**result, "layout_det_res": {"boxes": boxes}})
    return written(sheet, [region.content for region in regions])


def _region(block: Block) -> Region:
    label, bbox = _place(block)
    content = block.content
    if _is_figure(block):
        content = ""
    elif block.format is BlockFormat.LATEX:
        content = f"$${content}$$"
    return Region(label, list(bbox), content)


def _place(block: Block) -> tuple[str, Sequence[int]]:
    """Its label in PaddleX's words, and its box."""
    label = block.type
    if _is_figure(block):
        label = label if label in _FIGURES else "image"
    elif block.format is BlockFormat.TABLE_HTML:
        label = "table"
    elif block.format is BlockFormat.LATEX:
        label = label if label in _FORMULAS else "display_formula"
    elif label not in LABELS:
        label = _ALIKE.get(label, "text")
    return label, block.bbox


def _is_figure(block: Block) -> bool:
    return block.format is BlockFormat.IMAGE


def _renamed(markdown: str, names: Mapping[str, str]) -> str:
    """With the figures' names as PaddleX has them."""
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name)
    return re.sub(known, lambda found: names[found[0]], markdown) if known else markdown
