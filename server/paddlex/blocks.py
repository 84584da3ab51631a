"""A page's regions as PaddleX's serving writes them ("prunedResult"), read and written again.

As PaddleX 3.7 has it in inference/pipelines/paddleocr_vl: `restructure_pages` of pipeline.py reads them, `_to_json` of
result.py writes them. Runs in the page pool's child: what is read may come from a caller.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from server.paddlex.schemas import GivenBlock, GivenResult

IGNORED = ("number", "footnote", "header", "header_image", "footer", "footer_image", "aside_text")
"""Labels that stay out of the Markdown, unless something else is asked for."""

_WITHOUT_ORDER = {
    *("figure_title", "vision_footnote", "image", "chart", "table", "header", "header_image", "footer"),
    *("footer_image", "footnote", "aside_text"),
}
_DROPPED = {"input_path", "page_index"}
_HEADING_MARKS = re.compile(r"^#+\s")


@dataclass(eq=False)
class Block:
    """One region. `bbox` in px; `image` is the name of its figure; `id` and `group` count over all pages."""

    label: str
    bbox: list[int]
    content: str
    group_id: Any = None
    polygon_points: Any = None
    image: str | None = None
    id: int | None = None
    group: int | None = None
    title_level: int | None = None


@dataclass
class Sheet:
    """A page, or all of them as one: its regions, and what else its result holds."""

    blocks: list[Block]
    result: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """PaddleX's `model_settings`."""
        settings: dict[str, Any] = self.result["model_settings"]
        return settings


def figure_name(label: str, bbox: Iterable[float]) -> str:
    """What PaddleX calls the figure of a region."""
    return f"imgs/img_in_{label}_box_{'_'.join(str(int(value)) for value in bbox)}.jpg"


def sheet_of(result: dict[str, Any], figures: Collection[str]) -> Sheet:
    """The page of an engine; `figures` are the names of those that it cut out."""
    blocks = []
    for each in result["parsing_res_list"]:
        name = figure_name(each["block_label"], each["block_bbox"])
        blocks.append(
            Block(
                each["block_label"],
                [int(value) for value in each["block_bbox"]],
                each["block_content"],
                each.get("group_id"),
                each.get("block_polygon_points"),
                name if name in figures else None,
            )
        )
    return Sheet(blocks, result)


def given_sheet(given: GivenResult) -> Sheet:
    """The page that a caller sends back; figures have the names that PaddleX gives them."""
    result = given.model_dump(exclude={"parsing_res_list"})
    charts = not given.model_settings.get("use_chart_recognition", False)
    return Sheet([_given_block(each, charts) for each in given.parsing_res_list], result)


def _given_block(given: GivenBlock, charts: bool) -> Block:
    image = given.image.path if given.image else None
    if image is None and (given.block_label in {"image", "seal"} or (given.block_label == "chart" and charts)):
        image = figure_name(given.block_label, given.block_bbox)
    return Block(
        given.block_label,
        [int(value) for value in given.block_bbox],
        _HEADING_MARKS.sub("", given.block_content),
        given.group_id,
        given.block_polygon_points,
        image,
    )


def written(sheet: Sheet, contents: Sequence[str]) -> dict[str, Any]:
    """The result with the blocks as they are now; their `contents` may be formatted."""
    unordered = _WITHOUT_ORDER | set(sheet.settings.get("markdown_ignore_labels", ()))
    listed, order = [], 0
    for place, (block, content) in enumerate(zip(sheet.blocks, contents, strict=True)):
        ordered = block.label not in unordered
        order += ordered
        entry = {
            "block_label": block.label,
            "block_content": content,
            "block_bbox": block.bbox,
            "block_id": place,
            "block_order": order if ordered else None,
            "group_id": place if block.group_id is None else block.group_id,
            "global_block_id": block.id,
            "global_group_id": block.group,
            "block_polygon_points": block.polygon_points,
        }
        optional = ("global_block_id", "global_group_id", "block_polygon_points")
        listed.append({key: value for key, value in entry.items() if key not in optional or value is not None})
    kept = ["page_count", "width", "height", "model_settings"]
    kept += ["spotting_res"] * bool(sheet.result.get("spotting_res"))
    kept += ["doc_preprocessor_res"] * bool(sheet.settings.get("use_doc_preprocessor"))
    kept += ["layout_det_res"] * bool(sheet.settings.get("use_layout_detection"))
    result = {key: pruned(sheet.result.get(key)) for key in kept}
    return {**result, "parsing_res_list": pruned(listed)}


def pruned(value: Any) -> Any:
    """Without what tells of files: PaddleX's server takes it out at every depth."""
    if isinstance(value, dict):
        return {key: pruned(one) for key, one in value.items() if key not in _DROPPED}
    return [pruned(one) for one in value] if isinstance(value, list) else value
