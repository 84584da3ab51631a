"""Any image that Pillow reads → upright 8-bit RGB on white. Runs in the page pool's child."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import (
    BmpImagePlugin,  # noqa: F401 the plugins register themselves; nothing else may be opened
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    ImageChops,
    ImageCms,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,
    WebPImagePlugin,  # noqa: F401
)

from server.errors import DamagedFile, OcrError, TooManyPixels

Image.MAX_IMAGE_PIXELS = None  # `_check_pixels` holds the limit, with an answer that says what it is

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STRIP_BYTES = 1 << 20
_TIFF_BITS_PER_SAMPLE = 258
_TIFF_PHOTOMETRIC = 262
_TIFF_WHITE_IS_ZERO = 0


class ImagePages:
    """The pages of an image file: the frames of a TIFF, the first frame of anything else."""

    def __init__(self, path: Path, plugin: str, max_pixels: int) -> None:
        """Read the header only. Raises DamagedFile, TooManyPixels."""
        self._path = path
        self._plugin = plugin
        self._max_pixels = max_pixels
        self._image: Image.Image | None = None
        with _damaged("The image cannot be read"):
            image = self._opened()
            _check_pixels(image, max_pixels)
            self.total = getattr(image, "n_frames", 1) if plugin == "TIFF" else 1

    def write(self, number: int, target: Path) -> tuple[int, int]:
        """Write page `number`, counted from 1, as PPM; returns width and height in px.

        Raises DamagedFile, TooManyPixels.
        """
        with _damaged(f"Page {number} of the image cannot be decoded"):
            image = self._opened()
            self._image = None  # half-decoded it would pass for whole the next time
            if self.total > 1:
                image.seek(number - 1)
            _check_pixels(image, self._max_pixels)
            page = _to_rgb(image)
            self._image = image
        write_ppm(target, *page.size, _strips(page))
        return page.size

    def _opened(self) -> Image.Image:
        """The image, its frames found before still known: finding them takes longer the more there are."""
        if self._image is None:
            self._image = Image.open(self._path, formats=[self._plugin])
        return self._image


@contextmanager
def _damaged(what: str) -> Iterator[None]:
    """Whatever a decoder raises, down to struct.error and SyntaxError, as DamagedFile; memory and our own errors pass."""
    try:
        yield
    except (OcrError, MemoryError):
        raise
    except Exception as error:
        raise DamagedFile(f"{what}: {_reason(error)}") from error


def write_ppm(target: Path, width: int, height: int, strips: Iterable[bytes]) -> None:
    """Write RGB bytes, row by row without padding, as binary 8-bit PPM (netpbm "P6"). Raises OSError, on a full disk too."""
    with target.open("wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (width, height))
        for strip in strips:
            file.write(strip)


def _strips(page: Image.Image) -> Iterator[bytes]:
    """The pixels, some rows at a time: Pillow's own writer hides why it failed."""
    rows = max(1, _STRIP_BYTES // (3 * page.width))
    for top in range(0, page.height, rows):
        yield page.crop((0, top, page.width, min(top + rows, page.height))).tobytes()


def _reason(error: Exception) -> str:
    """Pillow's message, unless it tells of paths or objects inside."""
    text = str(error)
    return "it is not valid" if not text or "/" in text or "<" in text else text[:200]


def _check_pixels(image: Image.Image, limit: int) -> None:
    width, height = image.size
    if width * height > limit:
        raise TooManyPixels(
            f"The image has {width} × {height} = {width * height} pixels; the limit is {limit}. "
            "Send it at a lower resolution."
        )


def _to_rgb(image: Image.Image) -> Image.Image:
    image.load()
    rgb = _flatten(image)
    turn = _UPRIGHT.get(_orientation(image))
    return rgb.transpose(turn) if turn is not None else rgb


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1–8 (CIPA DC-008, tag 274). Pillow has turned a TIFF already, and says 1 then."""
    try:
        value: Any = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 a picture is still a picture when its EXIF block is broken
        return 1
    return value if isinstance(value, int) else 1


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = _scaled(image, 0, 2 ** _bits(image) - 1)
    elif image.mode in ("I", "F"):
        image = _scaled(image, *_finite_extrema(image))
    elif image.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None
        return converted
    elif image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        # Adobe's files hold inverted inks, and Pillow takes every CMYK JPEG for one of those.
        image = ImageChops.invert(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        page = Image.new("RGB", image.size, "white")
        page.paste(rgba, mask=rgba.getchannel("A"))
        return page
    return image.convert("RGB")


def _scaled(image: Image.Image, low: float, high: float) -> Image.Image:
    """One channel of more than 8 bits as "L": `low` becomes 0, `high` 255, or the reverse where white is zero."""
    if _tag(image, _TIFF_PHOTOMETRIC) == _TIFF_WHITE_IS_ZERO:
        low, high = high, low
    if low == high:
        return Image.new("L", image.size, "white")
    scale = 255 / (high - low)
    grey = image.convert("I") if image.mode.startswith("I;16") else image
    return grey.convert("F").point(lambda value: value * scale + (0.5 - low * scale)).convert("L")


def _bits(image: Image.Image) -> int:
    bits = _tag(image, _TIFF_BITS_PER_SAMPLE)
    return int(bits[0]) if bits else 16  # 12-bit scans come in 16-bit containers


def _tag(image: Image.Image, number: int) -> Any:
    return image.tag_v2.get(number) if isinstance(image, TiffImagePlugin.TiffImageFile) else None


def _finite_extrema(image: Image.Image) -> tuple[float, float]:
    low, high = image.getextrema()
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DamagedFile("The image holds values that are not numbers.")
    return low, high
