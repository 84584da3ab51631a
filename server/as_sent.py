"""A page as it was read → the same page with everything where it is on the page that was sent. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from server.documents import Page
from server.preparation import Affine, Preparation, turn

_BOXES = {"block_bbox", "coordinate"}
_POINTS = {"block_polygon_points", "polygon_points"}
_MANY_BOXES, _MANY_POINTS = {"rec_boxes"}, {"rec_polys", "dt_polys"}
"""Where PaddleX's JSON has coordinates (paddlex/inference/pipelines/paddleocr_vl/result.py)."""


def as_sent(page: Page) -> Page:
    """The page in pixels of the page that was sent; its figures are the engine's, and keep their names."""
    done = page.preparation
    if done is None:
        return page
    return replace(
        page,
        width=done.width,
        height=done.height,
        blocks=tuple(replace(block, bbox=done.box(block.bbox)) for block in page.blocks),
        engine_result=page.engine_result and _result(page.engine_result, done, page.width, page.height),
    )


def _result(result: Mapping[str, Any], done: Preparation, width: int, height: int) -> dict[str, Any]:
    """PaddleX may have turned the page once more, counter-clockwise by `angle`: it tells of what came out of that."""
    angle = result.get("doc_preprocessor_res", {}).get("angle", 0)
    turned = turn(-max(0, int(angle)) // 90, width, height).inverse()
    mapped: dict[str, Any] = _mapped(result, done, turned)
    return {**mapped, "width": done.width, "height": done.height}


def _mapped(value: Any, done: Preparation, turned: Affine) -> Any:
    if isinstance(value, list):
        return [_mapped(each, done, turned) for each in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for name, each in value.items():
        if name in _BOXES:
            found[name] = list(done.box(each, turned))
        elif name in _POINTS:
            found[name] = _points(each, done, turned)
        elif name in _MANY_BOXES:
            found[name] = [list(done.box(one, turned)) for one in each]
        elif name in _MANY_POINTS:
            found[name] = [_points(one, done, turned) for one in each]
        else:
            found[name] = _mapped(each, done, turned)
    return found


def _points(points: Iterable[Iterable[float]], done: Preparation, turned: Affine) -> list[list[float]]:
    way = turned.then(done.back)
    return [[round(each, 1) for each in way.point(*point)] for point in points]
