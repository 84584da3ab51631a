"""A document's tables and fields as an Excel workbook (Office Open XML, ECMA-376).

The same document gives the same bytes. Sheets are streamed through temporary files one after another, so that memory
holds one table at a time beside the compressed result. openpyxl takes a while to load: it is imported when it is needed,
in the thread that renders.
"""

import io
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from server import correction_notes
from server.cell_numbers import CellNumber, number_of
from server.documents import Block, BlockFormat, Document
from server.fields import fields
from server.layout.tables_html import Cell, grid_of

if TYPE_CHECKING:
    from openpyxl import Workbook

MAX_TEXT = 32_767
"""Characters of one cell, and below it rows of one sheet: Excel's limits."""
MAX_ROWS = 1_048_576
CUT = " … [cut]"
"""How a text ends that was longer than a cell may be."""

FIELD_COLUMNS = ("name", "value", "page", "bbox", "confidence")
_NOTHING = "No tables and no fields were found in this document."
# XML 1.0 has no such characters, not even as references (2.2, Char)
_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip's directory can say


def tables(document: Document) -> Iterator[tuple[int, int, Block]]:
    """Every table with its page's number and its own, which is counted through the document from 1."""
    found = (
        (page.number, block)
        for page in document.pages
        for block in page.blocks
        if block.format is BlockFormat.TABLE_HTML
    )
    for number, (page_number, block) in enumerate(found, start=1):
        yield page_number, number, block


def field_rows(document: Document) -> list[tuple[str, str, int, str, float | None]]:
    """The fields of all pages in the order of `FIELD_COLUMNS`; a box is "x0 y0 x1 y1"."""
    found = (field for page in document.pages for field in fields(page))
    return [(each.name, each.value, each.page, " ".join(map(str, each.bbox)), each.confidence) for each in found]


def workbook(document: Document) -> bytes:
    """An .xlsx file: a sheet "p{page} t{number}" for each table, before them "fields", behind them "corrections", if any.

    Cells that span are merged, numbers are numbers where nothing is lost by it, everything else is text and never a
    formula. Characters that XML cannot hold are left out. Writes to TMPDIR; runs in a thread. Raises OSError.
    """
    with _by_itself():
        from openpyxl import Workbook  # noqa: PLC0415 it takes long to load, and most requests need none

    book = Workbook(write_only=True)
    try:
        _fill(book, document)
        return _saved(book)
    finally:
        for sheet in book.worksheets:  # openpyxl removes its files when all went well, else at the process's end only
            if writer := getattr(sheet, "_writer", None):
                Path(writer.out).unlink(missing_ok=True)


@contextmanager
def _by_itself() -> Iterator[None]:
    """openpyxl would load these for what it is never given here, and the HTTP process does without them."""
    hidden = [name for name in ("numpy", "PIL") if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # what `import` takes for "there is none"
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def _fill(book: "Workbook", document: Document) -> None:
    if named := field_rows(document):
        _write(book, "fields", [FIELD_COLUMNS, *named], ())
    for page_number, number, block in tables(document):
        grid = grid_of(block.content)
        rows = ([number_of(cell) or cell for cell in row] for row in grid.rows)
        _write(book, f"p{page_number} t{number}", rows, grid.merged)
    if corrected := correction_notes.rows(document):
        _write(book, "corrections", [correction_notes.COLUMNS, *corrected], ())
    if not book.worksheets:
        _write(book, "empty", [(_NOTHING,)], ())


def _write(book: "Workbook", title: str, rows: Iterable[Sequence[object]], merged: Sequence[Cell]) -> None:
    from openpyxl.utils import get_column_letter as letter  # noqa: PLC0415

    sheet: Any = book.create_sheet(title)
    for row in islice(rows, MAX_ROWS):
        sheet.append([_cell(sheet, value) for value in row])
    # A plain list: openpyxl's own collection looks through all of its members for each new one.
    sheet.merged_cells = [
        f"{letter(cell.column + 1)}{cell.row + 1}:{letter(cell.column + cell.colspan)}{cell.row + cell.rowspan}"
        for cell in merged
    ]
    sheet.close()


def _cell(sheet: Any, value: object) -> object:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    if isinstance(value, CellNumber):
        number = WriteOnlyCell(sheet, value.value)
        number.number_format = value.format
        return number
    if not isinstance(value, str):
        return value
    if not (text := _text(value)):
        return None
    cell: Any = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # openpyxl takes "=1" for a formula and "#N/A" for an error
    if text.startswith(("=", "+", "-", "@")):
        cell.quotePrefix = True  # it stays text when somebody edits it
    return cell


def _text(text: str) -> str:
    text = _NO_XML.sub("", text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(CUT)] + CUT


def _saved(book: "Workbook") -> bytes:
    from openpyxl.writer.excel import ExcelWriter  # noqa: PLC0415

    # `Workbook.save` would write the time.
    book.properties.created = book.properties.modified = datetime(*_EPOCH)
    book.properties.creator = None
    buffer = io.BytesIO()
    with _Timeless(buffer, "w", ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).write_data()
    return buffer.getvalue()


class _Timeless(ZipFile):
    """A zip whose entries do not say when they were made."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        with self.open(_entry(zinfo_or_arcname), "w") as target:
            target.write(data.encode() if isinstance(data, str) else data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with Path(filename).open("rb") as source, self.open(_entry(arcname), "w") as target:
            shutil.copyfileobj(source, target)


def _entry(name: str) -> ZipInfo:
    info = ZipInfo(name.lstrip("/"), _EPOCH)
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info
