"""A Document in every form in which it can be had: Markdown, text, HTML, tables and fields as CSV, everything as a zip.

Figures are files beside the page while the request lives; the HTML holds them as data URIs, the zip under their names in
the Markdown. The spreadsheet has a module of its own.
"""

import base64
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape

from server import correction_notes
from server.documents import Block, BlockFormat, Document, Page
from server.layout.tables_html import rows_of
from server.spreadsheet import FIELD_COLUMNS, field_rows, tables, workbook

_PAGE_BREAK = "\n\n---\n\n"
_HEADINGS = {"doc_title": "h1", "title": "h1", "paragraph_title": "h2", "sub_title": "h2"}
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.2em .5em}img{max-width:100%}section+section{border-top:1px solid #999}"
)


def combined_text(document: Document, header: str, separator: str) -> str:
    """The text of all pages, each under its header (`{page}` is its number), with the separator between them."""
    parts = [f"{header.replace('{page}', str(page.number))}\n{_text(page)}" for page in document.pages]
    return f"\n\n{separator}\n\n".join(parts)


def markdown(document: Document) -> str:
    """The pages' Markdown, a thematic break between them; a page that could not be read leaves a comment."""
    parts = [page.markdown if page.error is None else _missing(page) for page in document.pages]
    return _PAGE_BREAK.join(part for part in parts if part)


def markdown_file(document: Document) -> str:
    """The Markdown, and a comment at its end that says what was corrected, if anything was."""
    note = correction_notes.note(document)
    return f"{markdown(document)}\n\n<!-- {note} -->\n" if note else markdown(document)


def text_file(document: Document) -> str:
    """The plain text, and a last line in brackets that says what was corrected, if anything was."""
    note = correction_notes.note(document)
    return f"{plain_text(document)}\n\n[{note}]\n" if note else plain_text(document)


def _missing(page: Page) -> str:
    reason = re.sub("-(?=-)", "- ", page.error or "")  # `--` may end the comment
    return f"<!-- page {page.number} could not be read: {reason} -->"


def _text(page: Page) -> str:
    return page.text if page.error is None else f"[page {page.number} could not be read: {page.error}]"


def plain_text(document: Document) -> str:
    """The pages' text, a form feed between them as in every text export of paged documents."""
    return "\n\f".join(map(_text, document.pages))


def html(document: Document, title: str) -> str:
    """One self-contained HTML page; it loads nothing from elsewhere."""
    note = correction_notes.note(document)
    sections = "\n".join([*([f'<p role="note">{escape(note)}</p>'] if note else []), *map(_section, document.pages)])
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{sections}\n</body></html>\n"
    )


def csv_tables(document: Document) -> str:
    """Every table's rows (RFC 4180), an empty line between tables; empty when there is none."""
    return "\r\n".join(_csv(rows_of(table.content)) for _, _, table in tables(document))


def csv_fields(document: Document) -> str:
    """The fields (RFC 4180) under a head of `FIELD_COLUMNS`; empty when there is none."""
    rows = [["" if cell is None else str(cell) for cell in row] for row in field_rows(document)]
    return _csv([FIELD_COLUMNS, *rows]) if rows else ""


def archive(document: Document, title: str, reply_json: str) -> bytes:
    """A zip of everything: document.md, .json, .txt, .html, the figures that the Markdown names.

    Where there are tables, a CSV for each; where there are fields, fields.csv; tables.xlsx for both, and for corrections.
    Runs in a thread.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        document = _with_own_figures(document)
        target.writestr("document.md", markdown_file(document))
        target.writestr("document.json", reply_json)
        target.writestr("document.txt", text_file(document))
        target.writestr("document.html", html(document, title))
        found = False
        for page_number, number, table in tables(document):
            target.writestr(f"tables/page_{page_number}_table_{number}.csv", _csv(rows_of(table.content)))
            found = True
        if named := csv_fields(document):
            target.writestr("fields.csv", named)
        if found or named or correction_notes.note(document):
            target.writestr("tables.xlsx", workbook(document))
        for page in document.pages:
            for name, path in (page.images or {}).items():
                target.write(path, name)
    return buffer.getvalue()


def _with_own_figures(document: Document) -> Document:
    """The document with no two figures of one name: engines that name them by their place repeat it on every page."""
    taken: set[str] = set()
    pages = []
    for page in document.pages:
        names = {name: _free(name, page.number, taken) for name in page.images or {}}
        taken.update(names.values())
        renamed = page.markdown
        for name, new in names.items():
            renamed = renamed.replace(name, new)
        images = {names[name]: path for name, path in (page.images or {}).items()}
        pages.append(replace(page, markdown=renamed, images=images, blocks=_renamed(page.blocks, names)))
    return replace(document, pages=tuple(pages))


def _free(name: str, page_number: int, taken: set[str]) -> str:
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}page_{page_number}_{base}" if name in taken else name


def _renamed(blocks: tuple[Block, ...], names: Mapping[str, str]) -> tuple[Block, ...]:
    return tuple(
        replace(block, content=names.get(block.content, block.content)) if block.format is BlockFormat.IMAGE else block
        for block in blocks
    )


def _csv(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([[_inert(cell) for cell in row] for row in rows])
    return out.getvalue()


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection); numbers such as -5 stay numbers."""
    risky = cell[:1] in {"=", "@", "\t", "\r"} or (cell[:1] in {"+", "-"} and not _is_number(cell))
    return "'" + cell if risky else cell


def _is_number(cell: str) -> bool:
    return all(character.isdigit() or character in " .,+-%()\u00a0\u202f" for character in cell)


def _section(page: Page) -> str:
    blocks = "\n".join(_block_html(page, block) for block in page.blocks)
    if page.error is not None:
        blocks = f'<p role="alert">{escape(_text(page))}</p>'
    return f'<section data-page="{page.number}">\n{blocks}\n</section>'


def _block_html(page: Page, block: Block) -> str:
    match block.format:
        case BlockFormat.TABLE_HTML:
            rows = rows_of(block.content)
            return (
                "<table>"
                + "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in row)}</tr>" for row in rows)
                + "</table>"
            )
        case BlockFormat.IMAGE:
            path = (page.images or {}).get(block.content)
            data = base64.b64encode(path.read_bytes()).decode() if path else ""
            kind = "jpeg" if block.content.endswith(".jpg") else "png"
            return f'<figure><img alt="{escape(block.content)}" src="data:image/{kind};base64,{data}"></figure>'
        case BlockFormat.LATEX:
            return f"<pre>{escape(block.content)}</pre>"
    tag = _HEADINGS.get(block.type, "p")
    lines = escape(block.content).replace("\n", "<br>")
    return f"<{tag}>{lines}</{tag}>"
