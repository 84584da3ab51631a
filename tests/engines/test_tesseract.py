"""The system's Tesseract on pages made here: Cyrillic, turned pages, tables, and what it says when it cannot."""

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from server import catalog
from server.documents import Page, Verdict
from server.engines.base import Loading, PageInput
from server.engines.tesseract import TesseractEngine
from server.errors import BadOption

_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def _languages() -> str:
    if shutil.which("tesseract") is None:
        return ""
    return subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout


pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(
        "rus" not in _languages() or not _FONT.exists(),
        reason="needs Debian's tesseract-ocr, tesseract-ocr-rus and fonts-dejavu-core",
    ),
]

LINES = (
    "Поставщик обязуется передать товар,",
    "а Покупатель обязуется принять его",
    "и оплатить в течение десяти дней.",
)


@pytest.fixture(scope="module")
def engine() -> TesseractEngine:
    engine = TesseractEngine()
    engine.load(Loading(catalog.read()["tesseract"], {}))
    return engine


def _contract() -> Image.Image:
    image = Image.new("RGB", (1240, 900), "white")
    draw = ImageDraw.Draw(image)
    draw.text((100, 80), "Договор поставки № 17", "black", ImageFont.truetype(_FONT, 56))
    for index, line in enumerate(LINES):
        draw.text((100, 200 + index * 50), line, "black", ImageFont.truetype(_FONT, 32))
    return image


def _read(engine: TesseractEngine, image: Image.Image, folder: Path, lang: str = "rus+eng") -> Page:
    path = folder / "page-00001.ppm"
    image.save(path)
    [page] = engine.recognise([PageInput(1, path, *image.size)], {"lang": lang})
    assert [left.name for left in folder.iterdir()] == [path.name]
    return page


def test_russian_text_becomes_a_title_and_a_paragraph(engine: TesseractEngine, tmp_path: Path) -> None:
    page = _read(engine, _contract(), tmp_path)

    assert page.markdown.startswith("# Договор поставки № 17\n\nПоставщик обязуется")
    assert " ".join(LINES) in page.text
    assert page.token_confidence is not None
    assert page.token_confidence > 0.85


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_reads_the_same_and_keeps_its_own_pixels(
    engine: TesseractEngine, tmp_path: Path, quarters: int
) -> None:
    upright = _read(engine, _contract(), tmp_path)
    turned_image = _contract().rotate(90 * quarters, expand=True)

    turned = _read(engine, turned_image, tmp_path)

    assert turned.text == upright.text
    assert (turned.width, turned.height) == turned_image.size
    for block in turned.blocks:
        left, top, right, bottom = block.bbox
        assert turned_image.crop((left, top, right, bottom)).convert("L").getextrema()[0] < 100  # ink in the box
        assert 0 <= left < right <= turned.width
        assert 0 <= top < bottom <= turned.height


def test_columns_of_numbers_become_a_table(engine: TesseractEngine, tmp_path: Path) -> None:
    image = Image.new("RGB", (1240, 700), "white")
    draw = ImageDraw.Draw(image)
    for row, cells in enumerate(
        [("Товар", "Цена", "Число"), ("Стол", "1200", "3"), ("Стул", "450", "12"), ("Шкаф", "9800", "1")]
    ):
        for column, cell in enumerate(cells):
            draw.text((100 + column * 380, 100 + row * 70), cell, "black", ImageFont.truetype(_FONT, 34))

    page = _read(engine, image, tmp_path)

    assert "| Стул | 450 | 12 |" in page.markdown


def test_a_white_page_is_blank(engine: TesseractEngine, tmp_path: Path) -> None:
    page = _read(engine, Image.new("RGB", (800, 600), "white"), tmp_path)

    assert (page.verdict, page.text, page.token_confidence) == (Verdict.BLANK, "", None)


def test_a_language_that_is_not_installed_is_named(engine: TesseractEngine, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"xyz is not installed; there are .*rus"):
        _read(engine, Image.new("RGB", (100, 100), "white"), tmp_path, lang="rus+xyz")
