"""Documents for the contract tests: small ones that are read quickly."""

import io
import random

from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from tests import makers

WORDS = "Invoice 2024"


def png(text: str = WORDS) -> bytes:
    """The text on a square: the detector enlarges by the shorter side, so that a strip would take longer."""
    words = makers.text_image(text)
    square = Image.new("RGB", (max(words.size), max(words.size)), "white")
    square.paste(words, (0, 0))
    return makers.encode(square, "PNG")


def pdf(pages: int, word: str = "Sheet", size: tuple[int, int] = (240, 240)) -> bytes:
    """Small pages that say "Sheet 1", "Sheet 2" and so on."""

    def draw(canvas: Canvas, number: int) -> None:
        canvas.setFont("Helvetica", 28)
        canvas.drawString(30, size[1] / 2, f"{word} {number}")

    return makers.pdf(pages, size, draw)


def noise(width: int, height: int) -> Image.Image:
    """A picture that no compression makes small."""
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def repeated(document: bytes, pages: int) -> bytes:
    """A PDF of so many pages: those of another, over and over."""
    reader, writer = PdfReader(io.BytesIO(document)), PdfWriter()
    for number in range(pages):
        writer.add_page(reader.pages[number % len(reader.pages)])
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def joined(*documents: bytes) -> bytes:
    """The pages of several PDFs as one."""
    writer = PdfWriter()
    for document in documents:
        writer.append(io.BytesIO(document))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
