"""Nearly empty pages keep their few lines, whatever the detector makes of so much white."""

import io
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from server import catalog
from server.documents import Page
from server.engines.base import Loading, PageInput
from server.engines.rapidocr import RapidOcrEngine

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def engine() -> Iterator[RapidOcrEngine]:
    engine = RapidOcrEngine()
    engine.load(Loading(catalog.read()["pp-ocr"], {}))
    yield engine
    engine.close()


def _read(engine: RapidOcrEngine, lines: dict[float, str], dpi: int, folder: Path) -> Page:
    """An A4 page with 14 pt lines at these heights, points from the bottom."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.setFont("Helvetica", 14)
    for height, line in lines.items():
        canvas.drawString(72, height, line)
    canvas.save()
    image = pypdfium2.PdfDocument(buffer.getvalue())[0].render(scale=dpi / 72).to_pil().convert("RGB")
    path = folder / "page-00001.ppm"
    image.save(path)
    [page] = engine.recognise([PageInput(1, path, *image.size)], {})
    return page


@pytest.mark.parametrize("dpi", [100, 150, 200, 250, 300])
@pytest.mark.parametrize("height", [770, 420, 60])
def test_two_lines_on_a_white_page_are_both_read(
    engine: RapidOcrEngine, tmp_path: Path, dpi: int, height: float
) -> None:
    page = _read(engine, {height: "Page number 1", height - 20: "Hello world"}, dpi, tmp_path)

    assert page.text.split() == ["Page", "number", "1", "Hello", "world"]


def test_a_paragraph_above_much_white_is_read(engine: RapidOcrEngine, tmp_path: Path) -> None:
    lines = {770 - 17 * row: f"Row {row} of a paragraph with nothing at all below it" for row in range(7)}

    page = _read(engine, lines, 200, tmp_path)

    assert " ".join(lines.values()) == " ".join(page.text.split())
