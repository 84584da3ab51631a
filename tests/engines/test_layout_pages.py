"""Pages drawn as PDF, read by the real recogniser, laid out: the whole way that a page takes without the HTTP part."""

from io import BytesIO
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pytest
from numpy.typing import NDArray
from rapidocr import RapidOCR
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from server.layout.analysis import Analysis, analyse
from server.layout.lines import Line

pytestmark = pytest.mark.engines

WIDTH, HEIGHT = A4
WORDS = ["measured", "values", "agree", "with", "earlier", "observations", "within", "stated", "uncertainty"]


@pytest.fixture(scope="module")
def recogniser() -> RapidOCR:
    return RapidOCR(params={"Global.log_level": "critical"})


def rendered(canvas: Canvas, stream: BytesIO) -> NDArray[Any]:
    canvas.save()
    page = pdfium.PdfDocument(stream.getvalue())[0]
    return np.ascontiguousarray(page.render(scale=150 / 72).to_numpy()[:, :, :3])


def read(recogniser: RapidOCR, image: NDArray[Any]) -> Analysis:
    found = recogniser(image)
    return analyse(
        [
            Line(text, box[:, 0].min(), box[:, 1].min(), box[:, 0].max(), box[:, 1].max(), score)
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        ],
        image,
    )


def test_a_paper_with_two_columns(recogniser: RapidOCR) -> None:
    stream = BytesIO()
    canvas = Canvas(stream, A4)
    canvas.setFont("Times-Bold", 20)
    canvas.drawCentredString(WIDTH / 2, HEIGHT - 80, "On Slow Effects in Ordinary Samples")
    for column, x in enumerate((60, 310)):
        canvas.setFont("Times-Bold", 13)
        canvas.drawString(x, HEIGHT - 130, f"{column + 1} {'Methods' if column else 'Introduction'}")
        canvas.setFont("Times-Roman", 11)
        for row in range(14):
            text = " ".join(WORDS[(row + i) % len(WORDS)] for i in range(5))
            canvas.drawString(x, HEIGHT - 150 - 14 * row, text)
    found = read(recogniser, rendered(canvas, stream))
    assert [block.type for block in found.blocks[:3]] == ["doc_title", "paragraph_title", "text"]
    assert found.markdown.startswith("# On Slow Effects in Ordinary Samples\n\n## 1 Introduction\n\n")
    first, second = found.markdown.split("Methods\n\n")
    assert first.endswith(("\n\n## 2 ", "\n\n## 2"))  # the recogniser leaves spaces out
    assert min(first.count("earlier"), second.count("earlier")) >= 6


def test_an_invoice_with_a_ruled_table_and_a_bulleted_list(recogniser: RapidOCR) -> None:
    stream = BytesIO()
    canvas = Canvas(stream, A4)
    canvas.setFont("Helvetica", 11)
    rows = [["Item", "Quantity", "Amount"], ["Paper", "12", "34.50"], ["Pencils", "100", "99.00"], ["Ink", "3", "7.25"]]
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            canvas.rect(70 + 140 * c, HEIGHT - 150 - 24 * r, 140, 24)
            canvas.drawString(78 + 140 * c, HEIGHT - 143 - 24 * r, cell)
    for i, text in enumerate(["Payable within thirty days", "No discount is given", "Goods remain ours"]):
        canvas.circle(75, HEIGHT - 296 - 20 * i, 2, fill=1)
        canvas.drawString(88, HEIGHT - 300 - 20 * i, text)
    found = read(recogniser, rendered(canvas, stream))
    assert [block.type for block in found.blocks] == ["table", "list"]
    assert "Pencils\t100\t99.00" in found.text
    assert "\n- No discount is given\n" in found.markdown
