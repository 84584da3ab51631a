"""The page pool with real children, pdfium and Pillow: given this file, these page images, or this refusal."""

import asyncio
import gc
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil
import pytest
from PIL import Image

from server.documents import FileType
from server.errors import (
    BadBase64,
    BadPageRange,
    DamagedFile,
    Draining,
    EmptyFile,
    EncryptedPdf,
    NoInput,
    OcrError,
    ReaderKilled,
    TooManyPixels,
    Unavailable,
    UnsupportedType,
)
from server.pages import Limits, Opened, PagePool, Reader
from tests import makers
from tests.contract.running import ROOT

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]  # some wait for seconds of processor time

LIMITS = Limits(max_pixels=4_000_000)
WHITE, BLACK, RED, GREEN, BLUE = (255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 128, 0), (0, 0, 255)


class Small(Limits):
    """Room for libraries, and hardly for a document."""

    memory = 250 << 20


class Broken(Limits):
    """No limits at all: a child cannot start under them."""

    memory = None  # type: ignore[assignment]


@dataclass
class Bench:
    """An event loop with a pool that runs on it."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    pool: PagePool

    def read(self, data: bytes, spool: Path) -> tuple[Opened, list[Image.Image | OcrError]]:
        """The document, and its pages or what is wrong with them."""

        async def read() -> tuple[Opened, list[Image.Image | OcrError]]:
            async with self.opened(data, spool) as (reader, opened):
                return opened, [await page(reader, number) for number in range(1, opened.total_pages + 1)]

        result: tuple[Opened, list[Image.Image | OcrError]] = self.run(read())
        return result

    @asynccontextmanager
    async def opened(self, data: bytes, spool: Path) -> AsyncIterator[tuple[Reader, Opened]]:
        (spool / "document").write_bytes(data)
        async with self.pool.reader(spool) as reader:
            yield reader, await reader.open(spool / "document", 72)

    def image(self, data: bytes, spool: Path) -> Image.Image:
        """The only page."""
        _, (only,) = self.read(data, spool)
        assert isinstance(only, Image.Image), only
        return only


async def page(reader: Reader, number: int) -> Image.Image | OcrError:
    try:
        rendered = await reader.render(number)
    except OcrError as error:
        return error
    with Image.open(rendered.path) as image:
        image.load()
    assert (image.format, image.mode, image.size) == ("PPM", "RGB", (rendered.width, rendered.height))
    assert rendered.number == number
    return image


@pytest.fixture(scope="module", autouse=True)
def _light_main() -> Iterator[None]:
    """Children import the program that started them. The server's is light; pytest's script is not, and is not needed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(sys.modules["__main__"], "__file__", raising=False)
        yield


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        pool = PagePool(LIMITS)
        runner.run(pool.start())
        yield Bench(runner.run, pool)
        runner.run(pool.close())
    assert children() == []


@asynccontextmanager
async def pool_of(limits: Limits) -> AsyncIterator[PagePool]:
    pool = PagePool(limits)
    await pool.start()
    yield pool
    await pool.close()


def fork_server() -> psutil.Process:
    return psutil.Process(forkserver._forkserver._forkserver_pid)  # type: ignore[attr-defined]


def children() -> list[psutil.Process]:
    """The readers' processes that live, or are dead and not waited for."""
    if forkserver._forkserver._forkserver_pid is None:  # type: ignore[attr-defined]
        return []
    return fork_server().children()


def has_ended(process: psutil.Process) -> bool:
    """Also where nobody has waited for it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(met: Callable[[], Any]) -> None:
    while not met():  # noqa: ASYNC110 what other processes do sets no event
        await asyncio.sleep(0.01)


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    seen = image.getpixel(at)
    assert isinstance(seen, tuple)
    return all(abs(a - b) <= 6 for a, b in zip(seen, colour, strict=True))


def edges(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours of the four corners, from top left, clockwise."""
    right, bottom = image.width - 1, image.height - 1
    return [image.getpixel(at) for at in ((0, 0), (right, 0), (right, bottom), (0, bottom))]  # type: ignore[misc]


# --- which type


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (makers.plain("JPEG"), "image/jpeg"),
        (makers.plain("PNG"), "image/png"),
        (makers.plain("BMP"), "image/bmp"),
        (makers.plain("TIFF"), "image/tiff"),
        (makers.plain("TIFF", big_tiff=True), "image/tiff"),
        (makers.plain("WEBP", lossless=True), "image/webp"),
        (makers.plain("GIF"), "image/gif"),
    ],
)
def test_images_are_told_by_their_content(bench: Bench, tmp_path: Path, data: bytes, media_type: str) -> None:
    opened, (only,) = bench.read(data, tmp_path)
    assert opened == Opened(FileType.IMAGE, media_type, 1)
    assert isinstance(only, Image.Image)
    assert only.size == (40, 20)
    assert near(only, (20, 10), RED)


@pytest.mark.parametrize("junk", [b"", b"\r\n" * 500])
def test_a_pdf_may_have_junk_before_its_header(bench: Bench, tmp_path: Path, junk: bytes) -> None:
    opened, pages = bench.read(junk + makers.pdf(2), tmp_path)
    assert opened == Opened(FileType.PDF, "application/pdf", 2)
    assert [image.size for image in pages if isinstance(image, Image.Image)] == [(596, 842)] * 2


@pytest.mark.parametrize(
    ("data", "seems"),
    [
        (b"PK\3\4" + b"\0" * 26 + b"word/document.xml", "Word"),
        (b"PK\3\4" + b"\0" * 100, "zip"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"\n<html lang=en>", "HTML"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 20, "HEIC"),
        (b"\0\0\0\x18ftypavif" + b"\0" * 20, "AVIF"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 20, "video"),
        (b"{\\rtf1}", "RTF"),
        ("BM это текст, а не картинка".encode(), "plain text"),
        (b"\x01\x02\x03\x04" * 10, "not a type"),
        (makers.encode(Image.new("RGB", (4, 4)), "JPEG2000"), "JPEG 2000"),
        (makers.encode(Image.new("RGB", (4, 4)), "PPM"), "P6"),
        (makers.encode(Image.new("RGB", (4, 4)), "ICO"), "icon"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n", "PostScript"),
    ],
)
def test_other_files_are_named_and_refused(bench: Bench, tmp_path: Path, data: bytes, seems: str) -> None:
    with pytest.raises(UnsupportedType, match=r"JPG, PNG, BMP, TIFF, WEBP, GIF and PDF") as caught:
        bench.read(data, tmp_path)
    assert seems in caught.value.detail or seems == "P6"


def test_an_empty_file(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(EmptyFile):
        bench.read(b"", tmp_path)


# --- frames


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "MPO"])
def test_only_the_first_frame_of_an_animation_is_read(bench: Bench, tmp_path: Path, kind: str) -> None:
    assert near(bench.image(makers.frames(kind, ["red", "blue", "green"]), tmp_path), (20, 10), RED)


def test_each_frame_of_a_tiff_is_a_page_in_any_order(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        data = makers.frames("TIFF", ["red", "blue", "green"])
        async with bench.opened(data, tmp_path) as (reader, opened):
            assert opened.total_pages == 3
            for number, colour in ((3, GREEN), (1, RED), (2, BLUE), (1, RED)):
                image = await page(reader, number)
                assert isinstance(image, Image.Image)
                assert near(image, (20, 10), colour)
            for number in (0, 4, -1):
                with pytest.raises(BadPageRange, match="has 3"):
                    await reader.render(number)

    bench.run(read())


# --- colours


@pytest.mark.parametrize(
    ("data", "left", "right"),
    [
        (makers.alpha_png(), BLUE, WHITE),
        (makers.palette_png(), GREEN, WHITE),
        (makers.plain("PNG", mode="LA", colour=(0, 0)), WHITE, WHITE),
        (makers.plain("PNG", mode="L", colour=100, transparency=100), WHITE, WHITE),
        (makers.plain("PNG", transparency=RED), WHITE, WHITE),
        (makers.plain("GIF", mode="P", colour=3, transparency=3), WHITE, WHITE),
        (makers.plain("WEBP", mode="RGBA", colour=(255, 0, 0, 0), lossless=True), WHITE, WHITE),
        (makers.plain("TIFF", mode="RGBA", colour=(0, 0, 255, 128)), (127, 127, 255), (127, 127, 255)),
        (makers.plain("PNG", mode="1", colour=1), WHITE, WHITE),
        (makers.plain("PNG", mode="I;16", colour=0x8080), (128,) * 3, (128,) * 3),
        (makers.plain("JPEG", mode="L", colour=77), (77,) * 3, (77,) * 3),
        (makers.cmyk_jpeg((0, 255, 255, 0)), RED, RED),
        (makers.cmyk_jpeg((0, 255, 255, 0), adobe=False), RED, RED),
        (makers.plain("TIFF", mode="CMYK", colour=(255, 255, 0, 0)), BLUE, BLUE),
        (makers.plain("TIFF", mode="YCbCr", colour=(76, 85, 255)), (254, 0, 0), (254, 0, 0)),
        (makers.raw_tiff((1, 1), (8, 8, 8), 8, b"\xff\x00\x00"), WHITE, WHITE),
        (makers.raw_tiff((1, 1), (8, 8, 8), 8, bytes((136, 81, 70))), RED, RED),
        (makers.bilevel_tiff(white_is_zero=True), BLACK, WHITE),
        (makers.bilevel_tiff(white_is_zero=False), BLACK, WHITE),
        (makers.plain("TIFF", mode="1", colour=1, compression="group4"), WHITE, WHITE),
        (makers.raw_tiff((2, 1), 8, 0, b"\xff\x00"), BLACK, WHITE),
        (makers.raw_tiff((1, 1), (16, 16, 16), 2, struct.pack("<3H", 65535, 32896, 0)), (255, 128, 0), (255, 128, 0)),
        (
            makers.png((1, 1), 16, 2, makers.packed(b"\0" + struct.pack(">3H", 65535, 32896, 0))),
            (255, 128, 0),
            (255, 128, 0),
        ),
        (makers.png((1, 1), 16, 6, makers.packed(b"\0" + struct.pack(">4H", 65535, 0, 0, 0))), WHITE, WHITE),
        (makers.plain("PNG", size=(1, 1)), RED, RED),
    ],
)
def test_every_colour_model_comes_out_as_rgb_on_white(
    bench: Bench, tmp_path: Path, data: bytes, left: tuple[int, int, int], right: tuple[int, int, int]
) -> None:
    image = bench.image(data, tmp_path)
    assert near(image, (0, 0), left), image.getpixel((0, 0))
    assert near(image, (image.width - 1, image.height - 1), right), image.getpixel((image.width - 1, 0))


@pytest.mark.parametrize(
    ("data", "greys"),
    [
        (makers.grey16_tiff([0, 257, 32896, 65535]), [0, 1, 128, 255]),
        (makers.grey16_tiff([0, 257, 32896, 65535], big_endian=True), [0, 1, 128, 255]),
        (makers.grey16_tiff([0, 32639, 65535], photometric=0), [255, 128, 0]),
        (makers.raw_tiff((2, 1), 12, 1, b"\xff\xf0\x00"), [255, 0]),
        (makers.raw_tiff((3, 1), 16, 1, struct.pack("<3h", -100, 0, 100), sample_format=2), [0, 128, 255]),
        (makers.raw_tiff((3, 1), 32, 1, struct.pack("<3i", 0, 1 << 29, 1 << 30), sample_format=2), [0, 128, 255]),
        (makers.raw_tiff((3, 1), 32, 1, struct.pack("<3f", -1, 0, 1), sample_format=3), [0, 128, 255]),
        (makers.raw_tiff((3, 1), 32, 0, struct.pack("<3f", -1, 0, 1), sample_format=3), [255, 128, 0]),
        (makers.raw_tiff((2, 1), 32, 1, struct.pack("<2f", 7, 7), sample_format=3), [255, 255]),
    ],
)
def test_more_than_8_bits_are_scaled_not_clipped(bench: Bench, tmp_path: Path, data: bytes, greys: list[int]) -> None:
    image = bench.image(data, tmp_path)
    assert [image.getpixel((x, 0)) for x in range(image.width)] == [(grey,) * 3 for grey in greys]


def test_a_picture_of_infinite_values_is_damaged(bench: Bench, tmp_path: Path) -> None:
    data = makers.raw_tiff((2, 1), 32, 1, struct.pack("<2f", 0, float("inf")), sample_format=3)
    _, (error,) = bench.read(data, tmp_path)
    assert isinstance(error, DamagedFile)


@pytest.mark.parametrize("orientation", range(9))
def test_exif_orientation_is_applied(bench: Bench, tmp_path: Path, orientation: int) -> None:
    image = bench.image(makers.rotated_jpeg(orientation), tmp_path)
    # The clockwise corners red, green, blue, black after what CIPA DC-008 says of each value.
    order = {
        2: (1, 0, 3, 2),
        3: (2, 3, 0, 1),
        4: (3, 2, 1, 0),
        5: (0, 3, 2, 1),
        6: (3, 0, 1, 2),
        7: (2, 1, 0, 3),
        8: (1, 2, 3, 0),
    }
    colours = [(RED, GREEN, BLUE, BLACK)[corner] for corner in order.get(orientation, (0, 1, 2, 3))]
    assert image.size == ((20, 40) if orientation > 4 else (40, 20))
    right, bottom = image.width - 1, image.height - 1
    for at, colour in zip(((0, 0), (right, 0), (right, bottom), (0, bottom)), colours, strict=True):
        assert near(image, at, colour), (at, image.getpixel(at))


def test_an_oriented_tiff_is_turned_once(bench: Bench, tmp_path: Path) -> None:
    image = bench.image(makers.encode(makers.corners(), "TIFF", tiffinfo={274: 6}), tmp_path)
    assert edges(image) == [BLACK, RED, GREEN, BLUE]


@pytest.mark.parametrize(
    "data",
    [
        makers.encode(makers.corners(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xffrubbish"),
        makers.plain("WEBP", exif=b"Exif\0\0rubbish"),
        makers.png((40, 20), 8, 0, makers.zeros(41 * 20), makers.chunk(b"eXIf", b"rubbish")),
    ],
)
def test_broken_exif_does_no_harm(bench: Bench, tmp_path: Path, data: bytes) -> None:
    assert bench.image(data, tmp_path).size == (40, 20)


# --- damaged and hostile images


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_truncated_image_is_damaged(bench: Bench, tmp_path: Path, kind: str, keep: float) -> None:
    data = makers.encode(makers.text_image("truncated\nin the middle"), kind)
    try:
        _, pages = bench.read(data[: int(len(data) * keep)], tmp_path)
    except DamagedFile:
        return
    assert [type(each) for each in pages] == [DamagedFile]


def test_a_corrupt_png_is_damaged(bench: Bench, tmp_path: Path) -> None:
    data = bytearray(makers.encode(makers.text_image("corrupt"), "PNG"))
    data[len(data) // 2] ^= 0xFF
    _, (error,) = bench.read(bytes(data), tmp_path)
    assert isinstance(error, DamagedFile)


def test_a_damaged_page_stays_damaged_when_it_is_asked_for_again(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        async with bench.opened(makers.damaged_tiff(["red", "blue"], damaged=2), tmp_path) as (reader, _):
            for _attempt in range(3):
                assert isinstance(await page(reader, 2), DamagedFile)
            assert isinstance(await page(reader, 1), Image.Image)

    bench.run(read())


def test_a_damaged_page_of_a_tiff_costs_only_itself(bench: Bench, tmp_path: Path) -> None:
    _, (first, second, third) = bench.read(makers.damaged_tiff(["red", "blue", "green"], damaged=2), tmp_path)
    assert isinstance(first, Image.Image)
    assert isinstance(second, DamagedFile)
    assert isinstance(third, Image.Image)
    assert near(third, (20, 10), GREEN)


@pytest.mark.parametrize("data", [makers.header_bomb_png(), makers.zip_bomb_png(), makers.plain("BMP", (2001, 2000))])
def test_too_many_pixels_are_seen_before_decoding(bench: Bench, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(TooManyPixels, match=r"× .* = \d+ pixels; the limit is 4000000"):
        bench.read(data, tmp_path)


def test_a_large_page_of_a_tiff_costs_only_itself(bench: Bench, tmp_path: Path) -> None:
    small, large = Image.new("1", (10, 10), 1), Image.new("1", (2001, 2000), 1)
    data = makers.encode(small, "TIFF", save_all=True, append_images=[large, small], compression="group4")
    _, (first, second, third) = bench.read(data, tmp_path)
    assert isinstance(first, Image.Image)
    assert isinstance(second, TooManyPixels)
    assert isinstance(third, Image.Image)


def test_as_many_pixels_as_the_limit_allows(bench: Bench, tmp_path: Path) -> None:
    assert bench.image(makers.zip_bomb_png((2000, 2000)), tmp_path).size == (2000, 2000)


@pytest.mark.parametrize("data", [makers.profile_bomb_png(), makers.text_bomb_png()])
def test_chunks_that_unpack_without_end_are_contained(bench: Bench, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedFile):
        bench.read(data, tmp_path)


# --- PDF


def test_pages_are_drawn_at_the_resolution_and_text_is_there(bench: Bench, tmp_path: Path) -> None:
    _, (first, second) = bench.read(makers.text_pdf("first", ""), tmp_path)
    assert isinstance(first, Image.Image)
    assert isinstance(second, Image.Image)
    assert first.getextrema()[0][0] < 50  # type: ignore[index]
    assert second.getextrema()[0][0] == 255  # type: ignore[index]


def test_colours_of_a_pdf_are_not_swapped(bench: Bench, tmp_path: Path) -> None:
    image = bench.image(makers.scanned_pdf([makers.corners((400, 200))], dpi=72), tmp_path)
    assert image.size == (400, 200)
    for at, colour in zip(((50, 50), (350, 50), (350, 150), (50, 150)), (RED, GREEN, BLUE, BLACK), strict=True):
        assert near(image, at, colour)


@pytest.mark.parametrize(("degrees", "at"), [(0, (1, 1)), (90, (98, 1)), (180, (198, 98)), (270, (1, 198))])
def test_rotation_is_honoured(bench: Bench, tmp_path: Path, degrees: int, at: tuple[int, int]) -> None:
    image = bench.image(makers.rotated_pdf(degrees), tmp_path)
    assert image.size == ((200, 100) if degrees % 180 == 0 else (100, 200))
    assert image.getpixel(at) == RED
    assert edges(image).count(RED) == 1


def test_the_crop_box_is_honoured(bench: Bench, tmp_path: Path) -> None:
    assert bench.image(makers.cropped_pdf((200, 100), (50, 20, 150, 60)), tmp_path).size == (100, 40)


def test_annotations_and_filled_forms_are_drawn(bench: Bench, tmp_path: Path) -> None:
    assert bench.image(makers.annotated_pdf(), tmp_path).getpixel((100, 50)) == RED
    assert bench.image(makers.form_pdf(), tmp_path).getextrema()[0][0] < 100  # type: ignore[index]
    assert bench.image(makers.form_pdf(""), tmp_path).getextrema()[0][0] > 100  # type: ignore[index]


def test_a_pdf_with_a_user_password_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(EncryptedPdf, match="password"):
        bench.read(makers.encrypted_pdf("secret", "owner"), tmp_path)


def test_a_pdf_with_an_owner_password_opens(bench: Bench, tmp_path: Path) -> None:
    assert bench.image(makers.encrypted_pdf("", "owner"), tmp_path).getextrema()[0][0] < 50  # type: ignore[index]


@pytest.mark.parametrize(
    "data", [makers.truncated_pdf(0.2), makers.empty_pdf(), b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\0" * 9999]
)
def test_a_damaged_pdf(bench: Bench, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedFile):
        bench.read(data, tmp_path)


def test_a_damaged_page_of_a_pdf_costs_only_itself(bench: Bench, tmp_path: Path) -> None:
    _, (first, second, third) = bench.read(makers.damaged_page_pdf(), tmp_path)
    assert isinstance(first, Image.Image)
    assert isinstance(second, DamagedFile)
    assert isinstance(third, Image.Image)


def test_a_claimed_million_pages(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        async with bench.opened(makers.million_page_pdf(), tmp_path) as (reader, opened):
            assert opened.total_pages == 1_000_000
            assert isinstance(await page(reader, 1), Image.Image)
            assert isinstance(await page(reader, 1_000_000), DamagedFile)
            assert children()[0].memory_info().rss < 200 << 20

    bench.run(read())


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (("0", "0", "0", "0"), (612, 792)),  # no size: pdfium takes Letter
        (("0", "0", "nan", "x"), (612, 792)),
        (("0", "0", "1e30", "1"), None),
        (("100", "100", "0", "0"), (100, 100)),
        (("0", "0", "100000000", "1"), (65535, 1)),
        (("0", "0", "0.001", "0.001"), (1, 1)),
        (("-1e9", "-1e9", "1e9", "1e9"), None),
    ],
)
def test_absurd_page_sizes(bench: Bench, tmp_path: Path, box: tuple[str, ...], size: tuple[int, int] | None) -> None:
    image = bench.image(makers.sized_pdf(*box), tmp_path)
    assert image.width * image.height <= LIMITS.max_pixels
    assert size in (None, image.size)


def test_a_large_page_is_drawn_smaller_to_fit(bench: Bench, tmp_path: Path) -> None:
    image = bench.image(makers.pdf(1, (10_000, 5000)), tmp_path)
    assert 0.99 * LIMITS.max_pixels < image.width * image.height <= LIMITS.max_pixels
    assert abs(image.width / image.height - 2) < 0.01


# --- requests


def test_a_request_body_is_parsed_in_the_child(bench: Bench, tmp_path: Path) -> None:
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n%b\r\n--XX--\r\n'
        % makers.alpha_png()
    )
    (tmp_path / "body").write_bytes(body)

    async def read() -> None:
        async with bench.pool.reader(tmp_path) as reader:
            call = await reader.call(tmp_path / "body", "multipart/form-data; boundary=XX")
            [sent] = call.documents
            assert (sent.input_type, sent.filename, call.fields) == ("multipart", "a.png", {})
            assert sent.path is not None
            assert (await reader.open(sent.path, 72)).media_type == "image/png"
            assert isinstance(await page(reader, 1), Image.Image)

    bench.run(read())


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"{}", NoInput), (b'{"image_base64": "*"}', BadBase64), (b'{"image_base64": "\\ud800"}', BadBase64)],
)
def test_a_refused_body_arrives_as_its_own_error(
    bench: Bench, tmp_path: Path, body: bytes, error: type[OcrError]
) -> None:
    (tmp_path / "body").write_bytes(body)

    async def read() -> None:
        async with bench.pool.reader(tmp_path) as reader:
            with pytest.raises(error):
                await reader.call(tmp_path / "body", "application/json")

    bench.run(read())


def test_the_largest_fields_fit_through_the_connection(bench: Bench, tmp_path: Path) -> None:
    value = "\\u0001" * 10_900
    (tmp_path / "body").write_text(
        '{"image_url": "u", ' + ", ".join(f'"f{number}": "{value}"' for number in range(15)) + "}"
    )

    async def read() -> None:
        async with bench.pool.reader(tmp_path) as reader:
            call = await reader.call(tmp_path / "body", "application/json")
            assert len(call.fields) == 15

    bench.run(read())


# --- what a child may do


def test_a_child_is_confined(bench: Bench, tmp_path: Path) -> None:
    async def look() -> None:
        async with bench.opened(makers.plain("PNG"), tmp_path):
            (child,) = children()
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{child.pid}/status").read_text().splitlines())
            limits = Path(f"/proc/{child.pid}/limits").read_text()
            assert status["NoNewPrivs"] == "1"
            assert child.rlimit(psutil.RLIMIT_AS) == (LIMITS.memory, LIMITS.memory), limits
            assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
            assert child.rlimit(psutil.RLIMIT_NOFILE) == (64, 64)
            assert child.rlimit(psutil.RLIMIT_FSIZE)[0] < 16 << 20
            assert 0 < child.rlimit(psutil.RLIMIT_CPU)[0] <= LIMITS.cpu_seconds + 2
            files = {str(link.readlink()) for link in Path(f"/proc/{child.pid}/fd").iterdir()}
            assert {name.partition(":")[0] for name in files} == {"/dev/null", "socket", str(tmp_path / "document")}
            assert str(Path(f"/proc/{fork_server().pid}/fd/0").readlink()) == "/dev/null"
            # The address space that it starts with leaves room for the limit to be about the document.
            assert child.memory_info().vms < 300 << 20

    bench.run(look())


def test_secrets_that_were_forgotten_reach_no_child(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import asyncio, os, psutil
            from pathlib import Path
            async def main():
                from server import settings
                from server.pages import Limits, PagePool
                settings.forget_secrets()
                pool = PagePool(Limits(10_000))
                await pool.start()
                async with pool.reader(Path(".")) as reader:
                    try:
                        await reader.open(Path("/dev/null"), 72)
                    except Exception as error:
                        print(type(error).__name__)
                    for process in psutil.Process().children(recursive=True):
                        assert "API_TOKENS" not in process.environ(), process
                        print("clean")
                await pool.close()
            if __name__ == "__main__":
                asyncio.run(main())
            """
        )
    )
    environment = {**os.environ, "API_TOKENS": "secret", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["EmptyFile", "clean", "clean", "clean"], done.stderr  # tracker, fork server, child


# --- crashes, limits, cancellation


@pytest.mark.parametrize(
    "limits", [replace(LIMITS, cpu_seconds=1), replace(LIMITS, wall_seconds=5)], ids=["cpu", "wall"]
)
def test_a_page_without_end_costs_only_itself(tmp_path: Path, limits: Limits) -> None:
    async def read() -> None:
        async with pool_of(limits) as pool:
            (tmp_path / "document").write_bytes(makers.endless_pdf(pages=3, slow=2))
            async with pool.reader(tmp_path) as reader:
                await reader.open(tmp_path / "document", 72)
                assert isinstance(await page(reader, 1), Image.Image)
                assert isinstance(await page(reader, 2), ReaderKilled)
                assert isinstance(await page(reader, 3), Image.Image)
                await until(lambda: len(children()) == 1)

    asyncio.run(read())


def test_memory_beyond_the_limit_costs_only_the_page(tmp_path: Path) -> None:
    async def read() -> None:
        async with pool_of(Small(100_000_000, 72)) as pool:
            image = Image.new("1", (9000, 9000), 1)
            small = Image.new("1", (10, 10), 1)
            data = makers.encode(small, "TIFF", save_all=True, append_images=[image, small], compression="group4")
            (tmp_path / "document").write_bytes(data)
            async with pool.reader(tmp_path) as reader:
                await reader.open(tmp_path / "document", 72)
                (child,) = children()
                error = await page(reader, 2)
                assert isinstance(error, ReaderKilled)
                assert "memory" in error.detail
                await until(lambda: not child.is_running())
                assert isinstance(await page(reader, 3), Image.Image)

    asyncio.run(read())


@pytest.mark.parametrize("data", [makers.plain("PNG", (900, 900)), makers.pdf()])
def test_a_full_disk_is_a_matter_of_the_server(bench: Bench, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "page-00001.ppm").symlink_to("/dev/full")
    _, (error,) = bench.read(data, tmp_path)
    assert isinstance(error, Unavailable)
    assert error.retry_after


def test_kill_9_in_the_middle_of_a_step(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        async with bench.opened(makers.endless_pdf(), tmp_path) as (reader, _):
            step = asyncio.create_task(reader.render(2))
            killed = None
            for _ in range(2):  # the step, and its second attempt
                await until(lambda killed=killed: reader._child not in (None, killed))
                killed = reader._child
                assert killed is not None
                child = psutil.Process(killed.process.pid)
                await until(lambda child=child: child.cpu_times().user > 0.2)
                child.kill()
            with pytest.raises(ReaderKilled):
                await step
            assert isinstance(await page(reader, 1), Image.Image)

    bench.run(read())
    assert children() == []


def test_kill_9_between_steps(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        async with bench.opened(makers.pdf(2), tmp_path) as (reader, _):
            children()[0].kill()
            assert isinstance(await page(reader, 1), Image.Image)  # by another child: no page is lost
            assert isinstance(await page(reader, 2), Image.Image)

    bench.run(read())
    assert children() == []


def test_a_cancelled_step_leaves_nothing_and_confuses_nothing(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        async with bench.opened(makers.endless_pdf(), tmp_path) as (reader, _):
            (child,) = children()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reader.render(2)
            image = await page(reader, 3)
            assert isinstance(image, Image.Image)
            await until(lambda: not child.is_running())
        assert children() == []

    bench.run(read())


@pytest.mark.parametrize("pause", [0, 0.001, 0.003, 0.005, 0.006, 0.007, 0.008, 0.009, 0.01, 0.012, 0.015, 0.02])
def test_cancelling_while_a_child_starts_leaves_nothing(bench: Bench, tmp_path: Path, pause: float) -> None:
    (tmp_path / "document").write_bytes(makers.plain("PNG"))

    async def read() -> None:
        async with bench.pool.reader(tmp_path) as reader:
            await reader.open(tmp_path / "document", 72)

    async def cancel() -> None:
        task = asyncio.create_task(read())
        await asyncio.sleep(pause)
        task.cancel()
        await asyncio.wait([task])
        assert children() == []

    bench.run(cancel())


def test_the_fork_server_dies_and_the_next_document_is_read(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        dead = fork_server()
        dead.kill()
        async with bench.opened(makers.plain("PNG"), tmp_path) as (reader, _):
            assert isinstance(await page(reader, 1), Image.Image)
            assert fork_server() != dead
            dead = fork_server()
            (child,) = children()
            dead.kill()
            await until(lambda: has_ended(child))
            assert isinstance(await page(reader, 1), Image.Image)

    bench.run(read())


def test_the_fork_server_dies_while_a_child_is_asked_for(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "document").write_bytes(makers.plain("PNG"))

    async def read() -> None:
        await bench.pool.start()
        server = fork_server()
        server.suspend()
        async with bench.pool.reader(tmp_path) as reader:
            step = asyncio.create_task(reader.open(tmp_path / "document", 72))
            await asyncio.sleep(0.1)
            assert not step.done()
            server.kill()
            assert (await step).total_pages == 1

    bench.run(read())


def test_a_child_that_cannot_start_is_a_matter_of_the_server(tmp_path: Path) -> None:
    async def read() -> None:
        async with pool_of(Broken(10_000, 72)) as pool:
            async with pool.reader(tmp_path) as reader:
                with pytest.raises(Unavailable):
                    await reader.open(tmp_path / "document", 72)

    asyncio.run(read())


def test_after_close_nothing_is_opened(tmp_path: Path) -> None:
    async def read() -> None:
        async with pool_of(LIMITS) as pool:
            pass
        async with pool.reader(tmp_path) as reader:
            with pytest.raises(Draining):
                await reader.open(tmp_path / "document", 72)
        await pool.close()
        assert children() == []

    asyncio.run(read())


def test_close_ends_a_reader_in_mid_step(tmp_path: Path) -> None:
    async def read() -> None:
        (tmp_path / "document").write_bytes(makers.endless_pdf())
        async with pool_of(LIMITS) as pool:
            async with pool.reader(tmp_path) as reader:
                await reader.open(tmp_path / "document", 72)
                step = asyncio.create_task(reader.render(2))
                await asyncio.sleep(0.1)
                await pool.close()
                with pytest.raises(Draining):
                    await step

    asyncio.run(read())


def test_thirty_readers_at_once_leave_nothing(bench: Bench, tmp_path: Path) -> None:
    async def one(number: int) -> None:
        spool = Path(mkdtemp(dir=tmp_path))
        async with bench.opened(makers.endless_pdf() if number % 3 else makers.pdf(2), spool) as (reader, _):
            assert isinstance(await page(reader, 1), Image.Image)
            if number % 3 == 1:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await reader.render(2)
            if number % 3 == 2:
                step = asyncio.create_task(reader.render(2))
                killed = None
                for _ in range(2):  # the step, and its second attempt
                    await until(lambda killed=killed: reader._child not in (None, killed))
                    await asyncio.sleep(0.1)
                    killed = reader._child
                    assert killed is not None
                    killed.process.kill()
                with pytest.raises(ReaderKilled):
                    await step
                assert isinstance(await page(reader, 3), Image.Image)
        names = {path.name for path in spool.iterdir()}
        assert names <= {"document", "page-00001.ppm", "page-00003.ppm"}

    async def together(readers: int) -> None:
        await asyncio.gather(*(one(number) for number in range(1, readers + 1)))

    bench.run(together(3))  # what is opened once stays open
    gc.collect()  # and what earlier tests have left does not
    files = psutil.Process().num_fds()
    bench.run(together(30))
    assert children() == []
    gc.collect()
    assert psutil.Process().num_fds() <= files


def test_two_thousand_pages_are_read_in_bounded_memory(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        async with bench.opened(makers.pdf(2000, (200, 100)), tmp_path) as (reader, opened):
            assert opened.total_pages == 2000
            await reader.render(1)
            (child,) = children()
            before = child.memory_info().rss
            for number in range(2, 2001):
                (await reader.render(number)).path.unlink()
            assert child.memory_info().rss - before < 30 << 20

    bench.run(read())


def test_the_streams_of_a_large_pdf_are_not_kept(bench: Bench, tmp_path: Path) -> None:
    async def read() -> None:
        async with bench.opened(makers.heavy_pdf(megabytes=200, pages=50), tmp_path) as (reader, _):
            (child,) = children()
            before = child.memory_info().rss
            for number in range(1, 51):
                await reader.render(number)
                assert child.memory_info().rss - before < 150 << 20  # it has 200 MB

    bench.run(read())


def test_kill_9_of_the_server_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "document").write_bytes(makers.endless_pdf())
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import asyncio, psutil, sys
            from pathlib import Path
            async def main():
                from server.pages import Limits, PagePool
                pool = PagePool(Limits(1_000_000))
                await pool.start()
                async with pool.reader(Path(sys.argv[1])) as reader:
                    await reader.open(Path(sys.argv[1]) / "document", 72)
                    step = asyncio.create_task(reader.render(2))
                    await asyncio.sleep(0.2)
                    print(*(process.pid for process in psutil.Process().children(recursive=True)), flush=True)
                    await step
            if __name__ == "__main__":
                asyncio.run(main())
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, script, tmp_path], env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        family = [psutil.Process(int(pid)) for pid in server.stdout.readline().split()]
        assert len(family) == 3
        server.send_signal(signal.SIGKILL)
    while not all(map(has_ended, family)):
        time.sleep(0.01)  # pytest's own time limit ends this test when one of them stays
