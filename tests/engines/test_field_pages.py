"""Fields of pages that real recognisers have read and the layout analysis has laid out."""

import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pytest
from numpy.typing import NDArray
from PIL import Image
from rapidocr import RapidOCR
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from server import catalog
from server.documents import Page
from server.engines.base import Loading, PageInput
from server.engines.tesseract import TesseractEngine
from server.fields import fields
from server.layout.analysis import analyse
from server.layout.lines import Line

pytestmark = pytest.mark.engines

WIDTH, HEIGHT = A4
_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def drawn(draw: Callable[[Canvas], None]) -> NDArray[Any]:
    """The page as an image of 150 dots per inch, H × W × 3, BGR."""
    stream = BytesIO()
    canvas = Canvas(stream, A4)
    draw(canvas)
    canvas.save()
    page = pdfium.PdfDocument(stream.getvalue())[0]
    return np.ascontiguousarray(page.render(scale=150 / 72).to_numpy()[:, :, :3])


def by_rapidocr(draw: Callable[[Canvas], None]) -> Page:
    """The page as pp-ocr reads it."""
    image = drawn(draw)
    read = RapidOCR(params={"Global.log_level": "critical"})(image)
    lines = [
        Line(text, box[:, 0].min(), box[:, 1].min(), box[:, 0].max(), box[:, 1].max(), score)
        for box, text, score in zip(read.boxes, read.txts, read.scores, strict=True)
    ]
    return Page(1, image.shape[1], image.shape[0], blocks=analyse(lines, image).blocks)


def found(page: Page) -> set[tuple[str, str]]:
    """Names and values, without the spaces that recognisers leave out or put in."""
    return {(field.name.replace(" ", ""), field.value.replace(" ", "")) for field in fields(page)}


def _form(canvas: Canvas) -> None:
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawCentredString(WIDTH / 2, HEIGHT - 60, "Registration Form")
    canvas.setFont("Helvetica", 11)
    beside = [
        ("First name", "Margaret"),
        ("Last name", "Thompson"),
        ("Date of birth", "12 March 1984"),
        ("City", "Leeds"),
    ]
    for row, (name, value) in enumerate(beside):
        canvas.drawString(60, HEIGHT - 110 - 24 * row, name)
        canvas.drawString(220, HEIGHT - 110 - 24 * row, value)
    for row, cells in enumerate(
        [("Name", "Anna Berg", "Phone", "555 1234"), ("Start date", "01.03.2024", "Salary", "4,200")]
    ):
        for column, cell in enumerate(cells):
            canvas.rect(60 + 120 * column, HEIGHT - 330 - 24 * row, 120, 24)
            canvas.drawString(66 + 120 * column, HEIGHT - 323 - 24 * row, cell)
    for row, line in enumerate(
        ["Emergency contact: Peter Thompson", "Relationship: Brother", "E-mail: peter@example.com"]
    ):
        canvas.drawString(60, HEIGHT - 450 - 16 * row, line)


def test_a_form_with_names_beside_values_a_grid_and_lines() -> None:
    assert found(by_rapidocr(_form)) == {
        ("Firstname", "Margaret"),
        ("Lastname", "Thompson"),
        ("Dateofbirth", "12March1984"),
        ("City", "Leeds"),
        ("Name", "AnnaBerg"),
        ("Phone", "5551234"),
        ("Startdate", "01.03.2024"),
        ("Salary", "4,200"),
        ("Emergencycontact", "PeterThompson"),
        ("Relationship", "Brother"),
        ("E-mail", "peter@example.com"),
    }


def _invoice(canvas: Canvas) -> None:
    canvas.setFont("Helvetica-Bold", 22)
    canvas.drawString(50, HEIGHT - 70, "INVOICE")
    canvas.setFont("Helvetica", 11)
    for row, (name, value) in enumerate([("Invoice Number:", "INV-2024-001"), ("Invoice Date:", "January 15, 2024")]):
        canvas.drawString(340, HEIGHT - 70 - 18 * row, name)
        canvas.drawString(450, HEIGHT - 70 - 18 * row, value)
    for row, cells in enumerate(
        [("Item", "Quantity", "Amount"), ("Paper", "12", "42.00"), ("Pencils", "100", "99.00")]
    ):
        for column, cell in enumerate(cells):
            canvas.rect(50 + 120 * column, HEIGHT - 260 - 24 * row, 120, 24)
            canvas.drawString(56 + 120 * column, HEIGHT - 253 - 24 * row, cell)
    for row, (name, value) in enumerate([("Subtotal", "$141.00"), ("Tax (20%)", "$28.20"), ("Total Due", "$169.20")]):
        canvas.drawString(300, HEIGHT - 370 - 18 * row, name)
        canvas.drawRightString(530, HEIGHT - 370 - 18 * row, value)
    for row, line in enumerate(
        [
            "Payment is due within thirty days of the invoice date. Please note: late payments",
            "are charged interest at the statutory rate, and goods remain ours until paid.",
        ]
    ):
        canvas.drawString(50, HEIGHT - 520 - 14 * row, line)


def test_an_invoice_and_nothing_of_its_items_and_sentences() -> None:
    assert found(by_rapidocr(_invoice)) == {
        ("InvoiceNumber", "INV-2024-001"),
        ("InvoiceDate", "January15,2024"),
        ("Subtotal", "$141.00"),
        ("Tax(20%)", "$28.20"),
        ("TotalDue", "$169.20"),
    }


def _languages() -> str:
    if shutil.which("tesseract") is None:
        return ""
    return subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout


def _russian(canvas: Canvas) -> None:
    pdfmetrics.registerFont(TTFont("DejaVu", _FONT))
    canvas.setFont("DejaVu", 16)
    canvas.drawString(50, HEIGHT - 60, "Счет на оплату № 17 от 5 февраля 2024 г.")
    canvas.setFont("DejaVu", 10)
    for row, line in enumerate(
        [
            "Поставщик: ООО «Ромашка», ИНН 7707083893 КПП 773601001",
            "Адрес: 117997, г. Москва, ул. Вавилова, д. 19",
            "БИК 044525225",
            "р/с 40702810938000012345",
        ]
    ):
        canvas.drawString(50, HEIGHT - 95 - 16 * row, line)
    for row, (name, value) in enumerate(
        [("Итого:", "5 190,00"), ("В том числе НДС 20%:", "865,00"), ("Всего:", "5 190,00")]
    ):
        canvas.drawRightString(440, HEIGHT - 330 - 16 * row, name)
        canvas.drawRightString(545, HEIGHT - 330 - 16 * row, value)


@pytest.mark.skipif(
    "rus" not in _languages() or not _FONT.exists(),
    reason="needs Debian's tesseract-ocr, tesseract-ocr-rus and fonts-dejavu-core",
)
def test_a_russian_invoice(tmp_path: Path) -> None:
    engine = TesseractEngine()
    engine.load(Loading(catalog.read()["tesseract"], {}))
    image = Image.fromarray(drawn(_russian)[:, :, ::-1])
    image.save(tmp_path / "page-00001.ppm")
    [page] = engine.recognise([PageInput(1, tmp_path / "page-00001.ppm", *image.size)], {"lang": "rus+eng"})

    assert found(page) == {
        ("Счетнаоплату№", "17"),
        ("Поставщик", "ООО«Ромашка»"),
        ("ИНН", "7707083893"),
        ("КПП", "773601001"),
        ("Адрес", "117997,г.Москва,ул.Вавилова,д.19"),
        ("БИК", "044525225"),
        ("р/с", "40702810938000012345"),
        ("Итого", "5190,00"),
        ("ВтомчислеНДС20%", "865,00"),
        ("Всего", "5190,00"),
    }
