"""Pages for the benchmark, made here, so that their true text is known: dense text, columns, a table, a letter."""

import io
import random
from dataclasses import dataclass

import pypdfium2
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

_TEXT = (
    "the harbour master notes every vessel that enters before noon and reports its cargo to the office where clerks "
    "compare weights with papers signed abroad while inspectors measure holds count barrels open crates and write "
    "certificates for grain timber copper wool paper glass engines salt coal cotton leather spices machines tools"
)
_WORDS = _TEXT.split()
_MARGIN = 60  # points
_DPI = 200


@dataclass(frozen=True, slots=True)
class BenchPage:
    """A page as a PNG at 200 dpi, and the words on it in reading order."""

    kind: str
    png: bytes
    words: tuple[str, ...]


class _Sheet:
    """One A4 page that remembers what is written on it."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._canvas = Canvas(self._buffer, pagesize=A4)
        self._words: list[str] = []

    def write(self, x: float, y: float, text: str, font: str, size: float) -> None:
        """A line with its base at x, y points from the lower left corner."""
        self._canvas.setFont(font, size)
        self._canvas.drawString(x, y, text)
        self._words += text.split()

    def paragraph(self, x: float, y: float, width: float, text: str, size: float) -> float:
        """Text broken into lines `width` points wide; returns where the next line would be."""
        for line in simpleSplit(text, "Times-Roman", size, width):
            self.write(x, y, line, "Times-Roman", size)
            y -= size * 1.3
        return y

    def done(self, kind: str) -> BenchPage:
        """The page, rendered."""
        self._canvas.save()
        document = pypdfium2.PdfDocument(self._buffer.getvalue())
        image = document[0].render(scale=_DPI / 72).to_pil().convert("RGB")
        png = io.BytesIO()
        image.save(png, "PNG")
        return BenchPage(kind, png.getvalue(), tuple(self._words))


def make_pages() -> list[BenchPage]:
    """Two pages of each kind; the same ones each time."""
    dice = random.Random(1)
    return [page for _ in range(2) for page in (_dense(dice), _columns(dice), _table(dice), _letter(dice))]


def _sentences(dice: random.Random, count: int) -> str:
    return " ".join(" ".join(dice.choices(_WORDS, k=dice.randint(7, 14))).capitalize() + "." for _ in range(count))


def _dense(dice: random.Random) -> BenchPage:
    sheet = _Sheet()
    sheet.write(_MARGIN, 770, "Report of the harbour office", "Helvetica-Bold", 20)
    sheet.paragraph(_MARGIN, 735, A4[0] - 2 * _MARGIN, _sentences(dice, 52), 10.5)
    return sheet.done("dense")


def _columns(dice: random.Random) -> BenchPage:
    sheet = _Sheet()
    sheet.write(_MARGIN, 770, "Notes in two columns", "Helvetica-Bold", 20)
    width = (A4[0] - 2 * _MARGIN - 24) / 2
    for index in range(2):
        sheet.paragraph(_MARGIN + index * (width + 24), 730, width, _sentences(dice, 22), 10)
    return sheet.done("columns")


def _table(dice: random.Random) -> BenchPage:
    sheet = _Sheet()
    sheet.write(_MARGIN, 770, "Cargo of the week", "Helvetica-Bold", 20)
    for row in range(28):
        cells = [dice.choice(_WORDS).capitalize(), *(str(dice.randint(10, 99999)) for _ in range(4))]
        for column, cell in enumerate(cells):
            sheet.write(_MARGIN + column * 95, 725 - row * 22, cell, "Helvetica", 11)
    return sheet.done("table")


def _letter(dice: random.Random) -> BenchPage:
    sheet = _Sheet()
    for index, line in enumerate(("Harbour Office", "12 Quay Street", "Port Emery")):
        sheet.write(_MARGIN, 770 - index * 15, line, "Helvetica", 11)
    y = 660.0
    for _ in range(3):
        y = sheet.paragraph(_MARGIN, y, A4[0] - 2 * _MARGIN, _sentences(dice, 4), 12) - 14
    sheet.write(_MARGIN, y - 20, "Yours faithfully", "Times-Roman", 12)
    return sheet.done("letter")
