"""The engine `pp-ocr` on pages drawn here: text, direction, boxes, odd sizes, two pages at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from server import catalog
from server.documents import BBox, Page, Verdict
from server.engines.base import Loading, PageInput
from server.engines.rapidocr import RapidOcrEngine

pytestmark = pytest.mark.engines

LETTER = [
    "Minutes of the annual meeting",
    "The board met on 14 November and agreed on the budget.",
    "Receipts of 48,113.07 were approved without a vote.",
    "No member asked for the floor on the second point.",
    "The treasurer reported that the harbour dues had doubled.",
    "A committee of five will look into the missing invoices.",
    "The chair thanked all guests and closed at half past nine.",
]
TURNS = {
    90: Image.Transpose.ROTATE_270,  # Pillow counts counter-clockwise
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@pytest.fixture(scope="module")
def engine() -> Iterator[RapidOcrEngine]:
    engine = RapidOcrEngine()
    engine.load(Loading(catalog.read()["pp-ocr"], {}))
    yield engine
    engine.close()


def drawn(lines: list[str], size: tuple[int, int] = (1000, 700), font: float = 30) -> Image.Image:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((60, 60 + 2.2 * font * row), line, "black", ImageFont.load_default(font))
    return image


def page_of(image: Image.Image, folder: Path, number: int = 1) -> PageInput:
    path = folder / f"page-{number}.ppm"
    image.save(path)
    return PageInput(number, path, *image.size)


def read(engine: RapidOcrEngine, image: Image.Image, folder: Path) -> Page:
    return engine.recognise([page_of(image, folder)], {})[0]


def likeness(text: str, lines: list[str]) -> float:
    """0–1; spaces do not count."""
    return SequenceMatcher(None, "".join(text.split()), "".join("".join(lines).split()), autojunk=False).ratio()


def ink_box(image: Image.Image, colour: tuple[int, int, int]) -> BBox:
    ys, xs = np.nonzero((np.asarray(image) == colour).all(axis=2))
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def overlap(a: BBox, b: BBox) -> float:
    """Intersection over union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(0, width) * max(0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return common / (areas - common)


def test_a_page_is_read_in_order_and_scored(engine: RapidOcrEngine, tmp_path: Path) -> None:
    page = read(engine, drawn(LETTER), tmp_path)
    assert likeness(page.text, LETTER) > 0.99
    assert (page.number, page.width, page.height, page.verdict) == (1, 1000, 700, Verdict.OK)
    assert page.token_confidence is not None
    assert 0.95 < page.token_confidence <= 1
    assert page.seconds > 0


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("skew", [0, 5])
def test_a_turned_page_reads_as_the_upright_one(
    engine: RapidOcrEngine, tmp_path: Path, degrees: int, skew: int
) -> None:
    image = drawn(LETTER).rotate(skew, Image.Resampling.BICUBIC, fillcolor="white").transpose(TURNS[degrees])
    page = read(engine, image, tmp_path)
    assert likeness(page.text, LETTER) > 0.99
    assert (page.width, page.height) == image.size


@pytest.mark.parametrize("degrees", [0, *TURNS])
def test_boxes_are_in_pixels_of_the_page_as_given(engine: RapidOcrEngine, tmp_path: Path, degrees: int) -> None:
    image = drawn([], (1000, 800))
    draw = ImageDraw.Draw(image)
    draw.text((420, 180), "Only line of this page", (200, 0, 0), ImageFont.load_default(36))
    if degrees:
        image = image.transpose(TURNS[degrees])
    page = read(engine, image, tmp_path)
    assert page.text == "Only line of this page"
    x0, y0, x1, y1 = ink_box(image, (200, 0, 0))
    # The detector leaves air around letters, about a third of their height on every side.
    assert overlap(page.blocks[0].bbox, (x0 - 10, y0 - 10, x1 + 10, y1 + 10)) > 0.7


@pytest.mark.parametrize("angle", [-5, -2, 2, 5])
def test_a_skewed_scan_reads_like_a_straight_page(engine: RapidOcrEngine, tmp_path: Path, angle: int) -> None:
    image = drawn(LETTER).rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    assert likeness(read(engine, image, tmp_path).text, LETTER) > 0.99


@pytest.mark.parametrize(
    "lines",
    [
        ["Բոլոր մարդիկ ծնվում են ազատ ու հավասար", "իրենց արժանապատվությամբ ու իրավունքներով"],
        ["1", "1", "1"],
        ["NOON", "SOS"],
        ["6009 6889 0660", "8018 1081 6196"],
    ],
    ids=["unknown script", "narrow digits", "symmetric words", "symmetric digits"],
)
def test_an_upright_page_is_never_turned(engine: RapidOcrEngine, tmp_path: Path, lines: list[str]) -> None:
    font = ImageFont.truetype("DejaVuSerif.ttf", 80 if len(lines[0]) == 1 else 32)
    image = Image.new("RGB", (900, 500), "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((50, 40 + 120 * row), line, (0, 0, 200), font)
    page = read(engine, image, tmp_path)
    top, bottom = (ink_box(image, (0, 0, 200))[1], ink_box(image, (0, 0, 200))[3])
    assert page.blocks
    assert page.blocks[0].bbox[1] < top + 30
    assert page.blocks[-1].bbox[3] > bottom - 30
    if lines[0].isascii():
        assert page.text.split() == " ".join(lines).split()


def test_labels_up_and_down_a_margin_are_read(engine: RapidOcrEngine, tmp_path: Path) -> None:
    image = drawn(LETTER, (1200, 700))
    for text, x, degrees in (("Registered as number 4711", 5, 270), ("Printed on recycled paper", 1120, 90)):
        label = drawn([text], (560, 130)).crop((40, 40, 560, 120)).transpose(TURNS[degrees])
        image.paste(label, (x, 60))
    page = read(engine, image, tmp_path)
    assert "Registered as number 4711" in page.text
    assert "Printed on recycled paper" in page.text
    assert likeness(page.text, LETTER) > 0.8


@pytest.mark.parametrize("colour", ["white", "black"])
@pytest.mark.parametrize("size", [(1, 1), (20, 20), (3, 900), (900, 3), (1240, 1754)])
def test_a_page_without_text_is_blank(
    engine: RapidOcrEngine, tmp_path: Path, size: tuple[int, int], colour: str
) -> None:
    page = read(engine, Image.new("RGB", size, colour), tmp_path)
    assert page.verdict is Verdict.BLANK
    assert page.text == ""
    assert page.token_confidence is None


@pytest.mark.parametrize("size", [(500, 60), (1200, 44), (220, 40)])
def test_a_strip_of_one_line_is_read(engine: RapidOcrEngine, tmp_path: Path, size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((10, 5), "Invoice 4711", "black", ImageFont.load_default(26))
    assert read(engine, image, tmp_path).text == "Invoice 4711"


def test_a_long_page_loses_no_line(engine: RapidOcrEngine, tmp_path: Path) -> None:
    lines = [f"{row} pieces of item {row * 7919 % 1000}" for row in range(100, 220)]
    page = read(engine, drawn(lines, (500, 6000), 22), tmp_path)
    words = page.text.split()
    assert [row for row in range(100, 220) if str(row) not in words] == []
    assert likeness(page.text, lines) > 0.99


def test_small_print_on_a_huge_sheet_is_read(engine: RapidOcrEngine, tmp_path: Path) -> None:
    image = Image.new("RGB", (8000, 8000), "white")
    draw = ImageDraw.Draw(image)
    places = [(100, 100), (3700, 3950), (7300, 7800)]  # the middle one lies where tiles meet
    for x, y in places:
        draw.text((x, y), f"Parcel {x} of {y}", "black", ImageFont.load_default(56))
    text = read(engine, image, tmp_path).text
    assert [f"Parcel {x} of {y}" in text for x, y in places] == [True] * 3


def test_a_picture_becomes_a_file_that_the_markdown_names(engine: RapidOcrEngine, tmp_path: Path) -> None:
    image = drawn(LETTER, (1000, 1400)).transpose(TURNS[90])
    clouds = np.random.default_rng(1).integers(0, 255, (9, 6, 3), dtype=np.uint8)
    image.paste(Image.fromarray(clouds).resize((400, 600), Image.Resampling.BICUBIC), (60, 200))
    page = read(engine, image, tmp_path)
    assert page.images
    ((name, path),) = page.images.items()
    assert name in page.markdown
    assert path.parent == tmp_path
    assert path.name == Path(name).name
    with Image.open(path) as crop:
        assert crop.format == "PNG"
        assert crop.width / crop.height == pytest.approx(1.5, rel=0.1)  # upright, unlike the page
    (block,) = (block for block in page.blocks if block.content == name)
    assert overlap(block.bbox, (60, 200, 460, 800)) > 0.85


def test_pages_read_at_once_read_as_one_by_one(engine: RapidOcrEngine, tmp_path: Path) -> None:
    images = [drawn(LETTER[shift:] + LETTER[:shift], (1000 + 40 * shift, 700)) for shift in range(4)]
    pages = [page_of(image, tmp_path, number) for number, image in enumerate(images, 1)]
    alone = [engine.recognise([page], {})[0] for page in pages]
    with ThreadPoolExecutor(max(2, engine.concurrency)) as threads:
        together = [page for found in threads.map(lambda page: engine.recognise([page], {}), pages) for page in found]
    assert [(page.number, page.text, page.blocks) for page in together] == [
        (page.number, page.text, page.blocks) for page in alone
    ]
    assert len({page.text for page in alone}) == len(images)


def test_several_pages_in_one_call_come_back_in_order(engine: RapidOcrEngine, tmp_path: Path) -> None:
    pages = [page_of(drawn([text], (500, 200)), tmp_path, 4 + i) for i, text in enumerate(("first", "second"))]
    assert [(page.number, page.text) for page in engine.recognise(pages, {})] == [(4, "first"), (5, "second")]


def test_a_file_that_is_no_image_is_an_error(engine: RapidOcrEngine, tmp_path: Path) -> None:
    path = tmp_path / "page-1.ppm"
    path.write_bytes(b"P6\n10 10\n255\nshort")
    with pytest.raises(ValueError, match=r"page 1: page-1\.ppm is not an image"):
        engine.recognise([PageInput(1, path, 10, 10)], {})


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    engine = RapidOcrEngine()
    engine.load(Loading(catalog.read()["pp-ocr"], {}))
    read(engine, drawn(LETTER[:1], (600, 200)), tmp_path)
    read(engine, drawn([], (600, 200)), tmp_path)
    engine.close()
    assert capfd.readouterr() == ("", "")
