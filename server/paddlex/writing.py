"""Replies in PaddleX's shape, written to disk one page after another. Runs in the page pool's child.

`write_document` takes a job that the HTTP process has put together, JSON: `log_id`, `warnings`, `data_info`, `figures`
(whether they are returned), `together` (the options of `_Together`, or null) and `pages`, each with `result`, `text`,
`figures` (names → files), `pictures` (the page's file and that of its regions, or null) and `error`.
`write_restructured` takes a caller's own request.
"""

import base64
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import ValidationError

from server.errors import BadOption
from server.intake import measure, read_object
from server.paddlex.blocks import given_sheet, sheet_of, written
from server.paddlex.markdown import block_contents, markdown
from server.paddlex.restructuring import concatenated, restructure
from server.paddlex.schemas import RestructurePagesRequest, first_mistake

_JPEG = b"\xff\xd8"
_QUALITY = 95
_WAYS = "Send application/json with `pages`."


@dataclass(frozen=True, slots=True)
class _Together:
    """How pages are restructured; `formatted`: blocks carry their content as Markdown."""

    merge_tables: bool
    relevel_titles: bool
    pretty: bool
    numbered: bool
    formatted: bool


def write_document(job: Path, target: Path) -> None:
    """The reply of `/layout-parsing`. Raises OSError for a file that would be too large."""
    asked = json.loads(job.read_bytes())
    pages = asked["pages"]
    if asked["together"]:
        _restructured(pages, _Together(**asked["together"]))
    entries = (_entry(page, with_figures=asked["figures"]) for page in pages)
    _write(target, asked["log_id"], asked["warnings"], entries, {"dataInfo": asked["data_info"]})


def _restructured(pages: list[dict[str, Any]], how: _Together) -> None:
    sheets = [sheet_of(page["result"], page["figures"]) for page in pages]
    restructure(sheets, merge_tables=how.merge_tables, relevel_titles=how.relevel_titles)
    for page, sheet in zip(pages, sheets, strict=True):
        sheet.settings["format_block_content"] = how.formatted
        page["result"] = written(sheet, block_contents(sheet))
        page["text"] = markdown(sheet, pretty=how.pretty, numbered=how.numbered)


def _entry(page: Mapping[str, Any], *, with_figures: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"text": page["text"]}
    if with_figures:
        content["images"] = {name: _figure(Path(path)) for name, path in page["figures"].items()}
    entry: dict[str, Any] = {"prunedResult": page["result"], "markdown": content}
    if page["pictures"]:
        plain, marked = (_base64(Path(path).read_bytes()) for path in page["pictures"])
        entry |= {"outputImages": {"layout_det_res": marked}, "inputImage": plain}
    return entry | ({"error": page["error"]} if page["error"] else {})


def _figure(path: Path) -> str:
    content = path.read_bytes()
    if not content.startswith(_JPEG):  # our own engines cut out PNG
        with Image.open(path, formats=["PNG"]) as image, io.BytesIO() as buffer:
            image.convert("RGB").save(buffer, "JPEG", quality=_QUALITY)
            content = buffer.getvalue()
    return _base64(content)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def write_restructured(body: Path, content_type: str, target: Path, log_id: str) -> None:
    """The reply of `/restructure-pages` to a request's body. Raises BadRequest, UnsupportedType, BadOption."""
    fields = read_object(body, content_type, _WAYS)
    for name, value in fields.items():
        measure(name, value)
    try:
        asked = RestructurePagesRequest.model_validate(fields)
    except ValidationError as error:
        raise BadOption(first_mistake(error, RestructurePagesRequest)) from None
    asked.check_formats()
    sheets = [given_sheet(page.pruned_result) for page in asked.pages]
    restructure(sheets, merge_tables=asked.merge_tables, relevel_titles=asked.relevel_titles)
    figures = [page.markdown_images for page in asked.pages]
    if asked.concatenate_pages and sheets:
        sheets = [concatenated(sheets)]
        figures = [{name: data for each in figures if each for name, data in each.items()}]
    entries = []
    for sheet, images in zip(sheets, figures, strict=True):
        text = markdown(sheet, pretty=asked.prettify_markdown, numbered=asked.show_formula_number)
        shown = {"images": images} if asked.return_markdown_images and images is not None else {}
        entries.append({"prunedResult": written(sheet, block_contents(sheet)), "markdown": {"text": text, **shown}})
    _write(target, asked.log_id or log_id, [], entries, {})


def _write(
    target: Path, log_id: str, warnings: list[str], entries: Iterable[Mapping[str, Any]], more: Mapping[str, Any]
) -> None:
    with target.open("wb") as out:
        out.write(b'{"logId":' + _json(log_id) + b',"errorCode":0,"errorMsg":"Success"')
        if warnings:
            out.write(b',"warnings":' + _json(warnings))
        out.write(b',"result":{"layoutParsingResults":[')
        for place, entry in enumerate(entries):
            out.write(b"," * bool(place) + _json(entry))
        out.write(b"]" + b"".join(b"," + _json(key) + b":" + _json(value) for key, value in more.items()) + b"}}")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
