"""The steps that make a page ready, on pages made here: what is wrong with them is known."""

import random
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from server.images import write_ppm
from server.preparation import Preparation, Step, rotation, shift
from server.preprocess.prepare import prepare

Gray = NDArray[np.uint8]

_SANS = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
_LATIN = "The inspector, while signing it, is visiting six ships. His bill is 12,50 in all; tin, iron and timber: fine."
_CYRILLIC = "Её край ещё не найден: синий чай, твой йод. Объём ёмкости, 3,5 м, и большой запас; комиссия ждёт."
MOST = 20_000_000


def text_page(text: str = _LATIN, dpi: int = 150, lines: int = 22, points: float = 11) -> Gray:
    """A page of lines in black on white."""
    font = ImageFont.truetype(_SANS, round(points * dpi / 72))
    image = Image.new("L", (round(7.5 * dpi), round(9 * dpi)), 255)
    words, draw = text.split(), ImageDraw.Draw(image)
    for line in range(lines):
        said = " ".join(words[(line + each) % len(words)] for each in range(9))
        draw.text((dpi * 0.7, dpi * 0.6 + line * points * 1.5 * dpi / 72), said, 0, font)
    return np.asarray(image).copy()


def skewed(page: Gray, degrees: float) -> Gray:
    """The page, turned clockwise on paper large enough."""
    return np.asarray(Image.fromarray(page).rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255))


def noisy(page: Gray, share: float) -> Gray:
    """Salt and pepper."""
    dice = np.random.default_rng(1).random(page.shape)
    page = page.copy()
    page[dice < share / 2], page[dice > 1 - share / 2] = 0, 255
    return page


def smooth(width: int, height: int) -> Gray:
    """A picture without edges, as a photograph out of focus."""
    spots = np.random.default_rng(2).integers(0, 255, (8, 6)).astype(np.uint8)
    return np.asarray(cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def prepared(
    page: Gray, folder: Path, *steps: Step, most: int = MOST
) -> tuple[Gray, Preparation, list[dict[str, Any]]]:
    """The page, made ready; the way back; what was done."""
    path = folder / "page.ppm"
    write_ppm(path, page.shape[1], page.shape[0], [np.repeat(page[:, :, np.newaxis], 3, axis=2).tobytes()])
    width, height, done = prepare(path, steps, most)
    with Image.open(path) as image:
        assert image.size == (width, height)
        found = np.asarray(image.convert("L"))
    assert (done.width, done.height) == (page.shape[1], page.shape[0])
    return found, done, [dict(step) for step in done.steps]


def ink_of(page: Gray) -> tuple[int, int, int, int]:
    """The box around everything that is dark."""
    rows, columns = np.nonzero(page < 128)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        (_LATIN, -14.0),
        (_LATIN, -0.3),
        (_LATIN, 2.55),
        (_LATIN, 15.0),
        (_CYRILLIC, -7.3),
        (_CYRILLIC, 0.4),
        (_CYRILLIC, 9.9),
    ],
)
def test_a_skewed_page_is_straightened(text: str, degrees: float, tmp_path: Path) -> None:
    page = text_page(text, 100)
    found, done, [said] = prepared(skewed(page, degrees), tmp_path, Step.DESKEW)
    assert said["applied"]
    assert said["angle_degrees"] == pytest.approx(-degrees, abs=0.15)
    x0, y0, x1, y1 = ink_of(page)
    left, top, right, bottom = ink_of(found)
    assert (right - left, bottom - top) == pytest.approx((x1 - x0, y1 - y0), abs=5)
    # a corner of the ink, on the page as sent
    way = rotation(degrees, 1, (page.shape[1] / 2, page.shape[0] / 2), (done.width / 2, done.height / 2))
    assert done.back.point(left, top) == pytest.approx(way.point(x0, y0), abs=4)


def test_lines_that_run_down_the_page_are_straightened_as_well(tmp_path: Path) -> None:
    page = np.ascontiguousarray(np.rot90(skewed(text_page(), 4)))
    _, _, [said] = prepared(page, tmp_path, Step.DESKEW)
    assert said["angle_degrees"] == pytest.approx(-4, abs=0.15)


def test_corners_that_are_new_have_the_papers_colour(tmp_path: Path) -> None:
    yellowish = np.minimum(text_page(), 231)
    turned = np.where(skewed(yellowish, 5) > 231, 231, skewed(yellowish, 5)).astype(np.uint8)
    found, _, _ = prepared(turned, tmp_path, Step.DESKEW)
    assert [int(found[row, column]) for row in (0, -1) for column in (0, -1)] == [231] * 4


def test_a_page_that_would_grow_too_large_is_made_smaller(tmp_path: Path) -> None:
    page = skewed(text_page(), 10)
    found, done, [said] = prepared(page, tmp_path, Step.DESKEW, most=page.size)
    assert said["applied"]
    assert found.size <= page.size
    corners = [done.back.inverse().point(x, y) for x in (0, done.width) for y in (0, done.height)]
    assert all(-1 <= x <= found.shape[1] + 1 and -1 <= y <= found.shape[0] + 1 for x, y in corners)


def test_a_page_that_would_grow_much_too_large_is_left_as_it_is(tmp_path: Path) -> None:
    page = skewed(text_page(dpi=100), 8)
    found, _, [said] = prepared(page, tmp_path, Step.DESKEW, most=page.size // 2)
    assert (said["applied"], found.shape) == (False, page.shape)
    assert "too large" in said["note"]


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize(("text", "degrees"), [(_LATIN, -6.0), (_CYRILLIC, 0.0)], ids=["latin", "cyrillic"])
def test_a_page_is_brought_upright(text: str, quarters: int, degrees: float, tmp_path: Path) -> None:
    page = skewed(text_page(text), degrees) if degrees else text_page(text)
    found, done, [said] = prepared(np.ascontiguousarray(np.rot90(page, quarters)), tmp_path, Step.ORIENTATION)
    assert said == {"step": "orientation", "applied": quarters > 0, "angle_degrees": quarters * 90}
    assert np.array_equal(found, page)
    assert done.box((0, 0, *reversed(page.shape))) == (0, 0, done.width, done.height)


@pytest.mark.parametrize("quarters", range(4))
def test_what_does_not_tell_which_side_is_up_is_not_turned(quarters: int, tmp_path: Path) -> None:
    page = np.rot90(text_page("7104 2258 19463 80852 3317 60549 12 978 445 81236"), quarters)
    found, _, [said] = prepared(np.ascontiguousarray(page), tmp_path, Step.ORIENTATION)
    assert (said["applied"], said["angle_degrees"]) == (False, 0)
    assert said["note"].startswith("not sure: ")
    assert np.array_equal(found, page)


def test_specks_go_and_dots_stay(tmp_path: Path) -> None:
    page = text_page(_CYRILLIC, 200)
    dirty = noisy(page, 0.03)
    found, _, [said] = prepared(dirty, tmp_path, Step.DENOISE)
    assert said["applied"]
    assert said["specks"] > 10_000
    assert np.count_nonzero((found < 128) & (page > 128)) < np.count_nonzero((dirty < 128) & (page > 128)) / 5
    _, _, before, _ = cv2.connectedComponentsWithStats(np.asarray(page < 128, np.uint8))
    count, labels = cv2.connectedComponents(np.asarray(page < 128, np.uint8))
    for number in np.flatnonzero(before[:, cv2.CC_STAT_AREA] <= 30):
        if number and number < count:
            assert np.count_nonzero(found[labels == number] < 128) >= before[number, cv2.CC_STAT_AREA] / 2


@pytest.mark.parametrize("dpi", [75, 100, 200])
def test_a_clean_page_is_not_touched(dpi: int, tmp_path: Path) -> None:
    page = text_page(dpi=dpi, points=9)
    found, _, said = prepared(page, tmp_path, Step.DENOISE, Step.ORIENTATION, Step.DESKEW, Step.CONTRAST)
    assert [step["applied"] for step in said] == [False] * 4
    assert np.array_equal(found, page)


@pytest.mark.parametrize("degrees", [0, 3])
def test_black_borders_are_cut_off_and_no_ink(degrees: int, tmp_path: Path) -> None:
    page = text_page()
    scan = np.pad(page, 90, constant_values=12)
    if degrees:
        scan = np.asarray(Image.fromarray(scan).rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=12))
    found, done, [said] = prepared(scan, tmp_path, Step.CROP)
    assert said["applied"]
    x0, y0, x1, y1 = said["bbox"]
    assert (x1 - x0, y1 - y0) == (found.shape[1], found.shape[0])
    assert np.array_equal(found, scan[y0:y1, x0:x1])
    assert done.box((0, 0, found.shape[1], found.shape[0])) == (x0, y0, x1, y1)
    assert np.count_nonzero(found < 60) < 0.1 * found.size
    left, top, right, bottom = ink_of(page)
    middle = (scan.shape[1] / 2, scan.shape[0] / 2)
    way = shift(90, 90).then(rotation(degrees, 1, middle, middle))
    for corner in ((left, top), (right, top), (left, bottom), (right, bottom)):
        x, y = way.point(*corner)
        assert x0 <= x <= x1
        assert y0 <= y <= y1


def _with_dot(page: Gray) -> Gray:
    page[-9:-6, 30:33] = 40
    return page


def _with_band(page: Gray) -> Gray:
    page[:80] = 255 - np.roll(page, -50, axis=0)[:80] // 255 * 235
    return page


def _with_faint_rule(page: Gray) -> Gray:
    page[4:6] = 215
    return page


@pytest.mark.parametrize(
    ("add", "least"),
    [(_with_dot, (30, None, None, -6)), (_with_band, (None, 40, None, None)), (_with_faint_rule, (0, 4, -1, None))],
    ids=["a dot", "white print on a dark band", "a faint rule"],
)
def test_ink_at_the_edge_is_kept(add: Any, least: tuple[int | None, ...], tmp_path: Path) -> None:
    page = add(text_page())
    _, _, [said] = prepared(page, tmp_path, Step.CROP)
    x0, y0, x1, y1 = said["bbox"]
    height, width = page.shape
    left, top, right, bottom = least
    assert x0 <= (width if left is None else left)
    assert y0 <= (height if top is None else top)
    assert x1 >= (0 if right is None else width + right)
    assert y1 >= (0 if bottom is None else height + bottom)


def test_a_long_strip_in_the_shade_gets_white_paper(tmp_path: Path) -> None:
    strip = np.tile(text_page(dpi=75, lines=1)[40:72, 40:440], (1, 90))
    found, _, [said] = prepared(strip // 2, tmp_path, Step.CONTRAST)
    assert said["applied"]
    assert np.percentile(found[strip == 255], 5) > 225


def test_a_page_in_the_shade_gets_white_paper_and_black_ink(tmp_path: Path) -> None:
    page = text_page()
    shade = np.linspace(0.35, 0.95, page.shape[1])
    found, _, [said] = prepared((page * shade).astype(np.uint8), tmp_path, Step.CONTRAST)
    assert said["applied"]
    assert np.percentile(found[page == 255], 5) > 225
    assert np.median(found[page == 0]) < 60


def test_faint_print_gets_black(tmp_path: Path) -> None:
    page = text_page()
    found, _, [said] = prepared((190 + page / 255 * 50).astype(np.uint8), tmp_path, Step.CONTRAST)
    assert said["applied"]
    assert np.median(found[page == 255]) > 240
    assert np.median(found[page == 0]) < 60


_DICE = random.Random(1)
_NOISE = np.frombuffer(_DICE.randbytes(600 * 500), np.uint8).reshape(600, 500)


@pytest.mark.parametrize(
    "page",
    [
        np.full((900, 700), 255, np.uint8),
        np.full((900, 700), 238, np.uint8),
        np.zeros((900, 700), np.uint8),
        smooth(900, 1200),
        *(np.full(shape, grey, np.uint8) for shape in ((1, 1), (1, 4000), (4000, 2), (7, 3)) for grey in (0, 255)),
    ],
    ids=[
        "white",
        "grey",
        "black",
        "a smooth picture",
        *(f"{w} x {h} {c}" for w, h in ((1, 1), (4000, 1), (2, 4000), (3, 7)) for c in ("black", "white")),
    ],
)
def test_where_there_is_nothing_to_do_nothing_is_done(page: Gray, tmp_path: Path) -> None:
    found, _, said = prepared(page, tmp_path, *Step)
    assert [step["step"] for step in said] == [step.value for step in Step]
    assert [step["applied"] for step in said] == [False] * len(Step)
    assert np.array_equal(found, page)


@pytest.mark.parametrize(
    "page", [_NOISE, np.tile(text_page(dpi=75, lines=1)[40:72, 40:440], (1, 90))], ids=["noise", "a strip"]
)
def test_whatever_comes_is_not_turned_for_nothing(page: Gray, tmp_path: Path) -> None:
    """The strip is longer than most of OpenCV takes."""
    _, _, said = prepared(page, tmp_path, *Step)
    assert [step["angle_degrees"] for step in said if "angle_degrees" in step] == [0, 0]


def test_all_that_a_scan_can_have(tmp_path: Path) -> None:
    """Specks, a black border, shade, askew and on its side; and every way leads back."""
    page = text_page(dpi=200)
    scan = skewed(page, 3)
    scan = np.pad((scan * np.linspace(0.5, 1, scan.shape[1])).astype(np.uint8), 80, constant_values=10)
    found, done, said = prepared(np.ascontiguousarray(np.rot90(noisy(scan, 0.01))), tmp_path, *Step)
    assert [step["applied"] for step in said] == [True] * 5
    assert [step["angle_degrees"] for step in said if "angle_degrees" in step] == pytest.approx([90, -3], abs=0.15)
    inner = np.asarray(cv2.medianBlur(found, 5), np.uint8)[30:-30, 30:-30]  # a trace of the border may be left
    left, top, right, bottom = (30 + place for place in ink_of(inner))
    x0, y0, x1, y1 = ink_of(page)
    assert (right - left, bottom - top) == pytest.approx((x1 - x0, y1 - y0), abs=8)
    middle = (scan.shape[1] / 2, scan.shape[0] / 2)
    on_scan = rotation(3, 1, (page.shape[1] / 2, page.shape[0] / 2), middle).point(x0, y0)
    sent = (on_scan[1], scan.shape[1] - on_scan[0])  # turned counter-clockwise by 90°
    assert done.back.point(left, top) == pytest.approx(sent, abs=8)
