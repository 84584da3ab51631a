"""Opens a document and writes its pages as images. Runs in the page pool's child, never in the HTTP process."""

import math
import resource
from pathlib import Path
from typing import Protocol

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from server.errors import BadPageRange, DamagedFile, EmptyFile, EncryptedPdf
from server.images import ImagePages, write_ppm
from server.sniff import HEAD_BYTES, PDF, Kind, sniff

_POINTS_PER_INCH = 72
_MAX_KEPT = 64 << 20  # bytes
MAX_SIDE = 65_535
"""Longest side of a rendered PDF page, px: engines and image formats stop about there."""


class Pages(Protocol):
    """An open document: `total` pages, of which `write` makes one at a time."""

    total: int

    def write(self, number: int, target: Path) -> tuple[int, int]:
        """Write page `number`, counted from 1, as binary 8-bit PPM (netpbm "P6"); returns width and height in px."""


def open_document(document: Path, max_pixels: int, dpi: int) -> tuple[Kind, Pages]:
    """Open a file by its content. Raises EmptyFile, UnsupportedType, DamagedFile, EncryptedPdf, TooManyPixels."""
    with document.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise EmptyFile("The document has no bytes.")
    kind = sniff(head)
    if kind is PDF:
        return kind, PdfPages(document, max_pixels, dpi)
    return kind, ImagePages(document, kind.plugin, max_pixels)


def render_page(pages: Pages, number: int, target: Path) -> tuple[int, int]:
    """Write page `number` as PPM to `target`; returns width and height in px.

    Raises BadPageRange, DamagedFile, TooManyPixels.
    """
    if not 1 <= number <= pages.total:
        raise BadPageRange(f"There is no page {number}; the document has {pages.total}.")
    return pages.write(number, target)


def fitting_scale(width: float, height: float, max_pixels: int, dpi: int) -> float:
    """Pixels per point that give a page of `width` × `height` points at most `max_pixels` and `dpi` dots per inch.

    Holds for the sides rounded up: ceil(x) < x + 1, so (w·s + 1)(h·s + 1) ≤ max_pixels is solved for s.
    """
    both = width + height
    fits = 2 * (max_pixels - 1) / (both + math.sqrt(both * both + 4 * width * height * (max_pixels - 1)))
    return min(dpi / _POINTS_PER_INCH, fits, MAX_SIDE / max(width, height))


class PdfPages:
    """The pages of a PDF."""

    def __init__(self, path: Path, max_pixels: int, dpi: int) -> None:
        """Read the cross-reference table and the page count. Raises DamagedFile, EncryptedPdf."""
        self._path = path
        self._max_pixels = max_pixels
        self._dpi = dpi
        self._pdf = _open_pdf(path)
        self.total = len(self._pdf)
        self._resident = _resident()

    def write(self, number: int, target: Path) -> tuple[int, int]:
        """As `Pages.write`: at the pool's resolution, or less where the page would have too many pixels."""
        if _resident() > self._resident + _MAX_KEPT:
            # pdfium keeps each stream that it has read, so that a large scanned book would fill the memory.
            self._pdf.close()
            self._pdf = _open_pdf(self._path)
            self._resident = _resident()
        try:
            page = self._pdf[number - 1]
        except pdfium.PdfiumError as error:
            raise DamagedFile(f"Page {number} of the PDF cannot be loaded.") from error
        try:
            width, height = page.get_size()
            if not (0 < width < math.inf and 0 < height < math.inf):
                raise DamagedFile(f"Page {number} of the PDF has no size.")
            scale = fitting_scale(width, height, self._max_pixels, self._dpi)
            # RGB without padding is what a PPM holds, so that the bitmap goes to disk as it is.
            bitmap = page.render(scale=scale, rev_byteorder=True)
        finally:
            page.close()
        write_ppm(target, bitmap.width, bitmap.height, [bitmap.buffer])
        return bitmap.width, bitmap.height


def _open_pdf(path: Path) -> pdfium.PdfDocument:
    try:
        pdf = pdfium.PdfDocument(path)
        pdf.init_forms()
    except pdfium.PdfiumError as error:
        if error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
            raise EncryptedPdf("The PDF opens only with a password. Send it without protection.") from error
        raise DamagedFile("The PDF cannot be read: it has no pages, or is damaged or cut off.") from error
    return pdf


def _resident() -> int:
    """Memory that this process holds, bytes (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
