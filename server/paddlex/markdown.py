"""A page's blocks → Markdown, as PaddleX writes it for PaddleOCR-VL, whatever model the blocks are from.

The forms are those of PaddleX 3.7's inference/common/result/converter (markdown_converter.py, markdown_format_funcs.py)
and of `_to_markdown` in inference/pipelines/paddleocr_vl/result.py. Standard library only.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest

from server.paddlex.blocks import Block, Sheet

_HAN = "一二三四五六七八九十百千万亿零壹贰叁肆伍陆柒捌玖拾"
_DECIMAL = r"[1-9][0-9]*"
_NUMBERED = re.compile(
    rf"^\s*({_DECIMAL}(?:\.{_DECIMAL})*[.、]?|[(（](?:{_DECIMAL}|[{_HAN}]+)[)）]|[{_HAN}]+[、.]?"
    r"|(?:I|II|III|IV|V|VI|VII|VIII|IX|X)(?:\.|\s))(\s*)(.*)$"
)
_TABLE_STYLES = {
    "<table>": "<table border=1 style='margin: auto; word-wrap: break-word;'>",
    "<th>": "<th style='text-align: center; word-wrap: break-word;'>",
    "<td>": "<td style='text-align: center; word-wrap: break-word;'>",
}
_FORMULAS = {"formula", "display_formula"}
_NUMBER = "formula_number"
_FIRST_LINES = {"abstract": (" ", ("摘要", "abstract"), "\n"), "reference": ("\n", ("参考文献", "references"), "")}
"""Label → what its words or lines are split by, which of them are a heading, and what comes after that."""


def markdown(sheet: Sheet, *, pretty: bool, numbered: bool) -> str:
    """All of the page. `pretty` centres and scales by HTML; `numbered` puts formulas' numbers into the formulas."""
    parts = []
    for block, following in zip_longest(sheet.blocks, sheet.blocks[1:]):
        if numbered and block.label in _FORMULAS and following and following.label == _NUMBER:
            formula = block.content.replace("$$", "")
            block = replace(block, content=f"$${formula} \\tag*{{{following.content}}}$$")  # noqa: PLW2901
        part = _formatted(sheet, block, pretty)
        if part is not None:
            parts.append(part)
    return "\n\n".join(parts[next((i for i, part in enumerate(parts) if part), len(parts)) :])


def block_contents(sheet: Sheet) -> list[str]:
    """What the blocks of the page's result hold: Markdown where that was asked for."""
    if not sheet.settings.get("format_block_content", False):
        return [block.content for block in sheet.blocks]
    formatted = (_formatted(sheet, block, pretty=True) for block in sheet.blocks)
    return [block.content if form is None else form for block, form in zip(sheet.blocks, formatted, strict=True)]


def _formatted(sheet: Sheet, block: Block, pretty: bool) -> str | None:
    """A block's Markdown; None for one that stays out."""
    if block.label in sheet.settings.get("markdown_ignore_labels", ()):
        return None
    write = _BY_LABEL.get(block.label)
    return write and write(sheet, block, pretty)


def _as_it_is(_: Sheet, block: Block, pretty: bool) -> str:
    return block.content


def _running(_: Sheet, block: Block, pretty: bool) -> str:
    return block.content.replace("\n\n", "\n").replace("\n", "\n\n")


def _caption(_: Sheet, block: Block, pretty: bool) -> str:
    return _centred(_one_line(block.content)) if pretty else block.content


def _heading(_: Sheet, block: Block, pretty: bool) -> str:
    if block.title_level is None:
        return _title(_, block, pretty)
    return _one_line(f"#{'#' * block.title_level} {block.content}")


def _document_title(_: Sheet, block: Block, pretty: bool) -> str:
    return _one_line(f"# {block.content}")


def _title(_: Sheet, block: Block, pretty: bool) -> str:
    """A heading whose level nobody has worked out: one more `#` for each dot in it."""
    title = block.content
    if found := _NUMBERED.match(title):
        title = f"{found[1].strip()} {found[3].lstrip()}"
    title = title.rstrip(".")
    return _one_line(f"#{'#' * (title.count('.') + 1)} {title}")


def _contents_list(_: Sheet, block: Block, pretty: bool) -> str:
    return block.content.replace("-\n", "  \n").replace("\n", "  \n")


def _algorithm(_: Sheet, block: Block, pretty: bool) -> str:
    return block.content.strip("\n")


def _headed(_: Sheet, block: Block, pretty: bool) -> str:
    separator, headings, after = _FIRST_LINES[block.label]
    lines = block.content.split(separator)
    first = next((place for place, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].lower() in headings:
        lines[first] = f"## {lines[first]}{after}"
    return separator.join(lines)


def _table(_: Sheet, block: Block, pretty: bool) -> str:
    content = block.content
    if not pretty:
        for wrapper in ("<html>", "</html>", "<body>", "</body>"):
            content = content.replace(wrapper, "")
        return f"\n\n{content}"
    for plain, styled in _TABLE_STYLES.items():
        content = content.replace(plain, styled)
    return f"\n{content}"


def _figure(sheet: Sheet, block: Block, pretty: bool) -> str:
    return _picture(sheet, block, pretty, bool(sheet.settings.get("use_ocr_for_image_block", False)))


def _seal(sheet: Sheet, block: Block, pretty: bool) -> str:
    if not sheet.settings.get("use_layout_detection", False):
        return _centred(_one_line(block.content)) if pretty else block.content
    return _picture(sheet, block, pretty, bool(sheet.settings.get("use_seal_recognition", False)))


def _chart(sheet: Sheet, block: Block, pretty: bool) -> str:
    if not sheet.settings.get("use_chart_recognition", False):
        return _figure(sheet, block, pretty)
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in block.content.split("\n")]
    lines = ["<table border=1 style='margin: auto; width: max-content;'>"]
    lines += [f"  <thead><tr>{_row('th', head)}</tr></thead>", "  <tbody>"]
    lines += [f"    <tr>{_row('td', row)}</tr>" for row in rows]
    return "\n".join([*lines, "  </tbody>", "</table>"])


def _row(tag: str, cells: list[str]) -> str:
    return "".join(f"<{tag} style='text-align: center;'>{cell}</{tag}>" for cell in cells)


def _picture(sheet: Sheet, block: Block, pretty: bool, with_text: bool) -> str:
    below = f"\n\n{block.content}\n\n" if with_text else ""
    if block.image is None:
        return _centred("") if pretty else ""
    name = _one_line(block.image)
    if not pretty:
        return f"![]({name}){below}"
    width = sheet.result["width"] or 1
    share = int((block.bbox[2] - block.bbox[0]) / width * 100)
    shown = f'<img src="{name}" alt="Image" width="{share}%" />'
    return _centred(shown + below if with_text else _one_line(shown))


def _centred(content: str) -> str:
    return f'<div style="text-align: center;">{content}</div>\n'


def _one_line(text: str) -> str:
    return text.replace("-\n", "").replace("\n", " ")


_FORMS: dict[Callable[[Sheet, Block, bool], str], tuple[str, ...]] = {
    _as_it_is: (
        *("spotting", "number", "footnote", "header", "footer", "aside_text"),
        *("formula", "display_formula", "inline_formula"),
    ),
    _running: ("vision_footnote", "text", "ocr", "vertical_text", "reference_content"),
    _caption: ("table_title", "figure_title", "chart_title"),
    _title: ("abstract_title", "reference_title", "content_title"),
    _heading: ("paragraph_title",),
    _document_title: ("doc_title",),
    _contents_list: ("content",),
    _algorithm: ("algorithm",),
    _headed: ("abstract", "reference"),
    _table: ("table",),
    _figure: ("image", "header_image", "footer_image"),
    _chart: ("chart",),
    _seal: ("seal",),
}
_BY_LABEL = {label: write for write, labels in _FORMS.items() for label in labels}

LABELS = frozenset({*_BY_LABEL, _NUMBER})
"""What PaddleX calls the kinds of regions."""
