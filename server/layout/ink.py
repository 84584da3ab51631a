"""The page image made small: its ink, its skew. OpenCV and numpy live in this module, `rules.py` and `figures.py`."""

from dataclasses import dataclass
from math import atan, cos, degrees, radians, sin, tan

import cv2
import numpy as np
from numpy.typing import NDArray

from server.layout.geometry import Rect

Gray = NDArray[np.uint8]

_LONG_SIDE = 1170  # px: A4 at 100 dpi, where a hairline is still a line and a page costs a millisecond per filter
_MAX_SKEW = 3.0  # degrees
_MIN_SKEW = 0.15  # degrees: less than 4 px over the width of an A4 page at 200 dpi


@dataclass(frozen=True, slots=True)
class Straightening:
    """The rotation about the page's middle that makes text level; `angle` in degrees, positive = lines fall right."""

    angle: float
    width: int
    height: int

    def rect(self, rect: Rect) -> Rect:
        """The straightened box of a text line of which only the upright box around it is known.

        A line of w × h, turned by a, has an upright box of W = w cos a + h sin a and H = w sin a + h cos a: solved for
        w and h. Where the box was no such line (a word with a tight box), H keeps a share.
        """
        if not self.angle:
            return rect
        a = radians(abs(self.angle))
        outer_w, outer_h = rect[2] - rect[0], rect[3] - rect[1]
        scale = cos(2 * a)
        w = (outer_w * cos(a) - outer_h * sin(a)) / scale
        h = (outer_h * cos(a) - outer_w * sin(a)) / scale
        w, h = max(w, 0.5 * outer_w), max(h, 0.35 * outer_h)
        cx, cy = self.point((rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2, -self.angle)
        return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2

    def point(self, x: float, y: float, angle: float) -> tuple[float, float]:
        """A point turned by `angle` degrees, clockwise as seen, about the middle of the page."""
        mx, my = self.width / 2, self.height / 2
        c, s = cos(radians(angle)), sin(radians(angle))
        return mx + (x - mx) * c - (y - my) * s, my + (x - mx) * s + (y - my) * c

    def back(self, rect: Rect) -> Rect:
        """The upright box, on the page as it was given, around a rectangle of the straightened page."""
        corners = [self.point(x, y, self.angle) for x in (rect[0], rect[2]) for y in (rect[1], rect[3])]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class SmallPage:
    """The straightened page, reduced: `gray` and `ink` (255 where darker than around); px × `scale` = page px."""

    gray: Gray
    ink: Gray
    scale: int
    straightening: Straightening


def small_page(page: Gray) -> SmallPage:
    """The page (H × W, gray) reduced, straightened and binarised."""
    height, width = page.shape
    factor = max(1, round(max(height, width) / _LONG_SIDE))
    gray = reduced(page, factor)
    size = (gray.shape[1], gray.shape[0])
    ink = _ink(gray)
    angle = _skew(ink)
    if angle:
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), angle, 1.0)
        gray = cv2.warpAffine(gray, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        ink = _ink(gray)
    return SmallPage(gray, ink, factor, Straightening(angle, width, height))


def reduced(gray: Gray, factor: int) -> Gray:
    """The image at 1/factor of its size, without the last rows and columns that fill no pixel of it.

    Whole factors only: averaging over whole pixels is several times faster.
    """
    height, width = (side // factor * factor for side in gray.shape)
    if factor == 1 or not height or not width:
        return gray
    size = (width // factor, height // factor)
    small: Gray = cv2.resize(gray[:height, :width], size, interpolation=cv2.INTER_AREA)
    return small


def _ink(gray: Gray) -> Gray:
    """255 where a pixel is clearly darker than its neighbourhood: paper may be grey or unevenly lit."""
    ink: Gray = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, blockSize=31, C=14)
    return ink


def _skew(ink: Gray) -> float:
    """Degrees by which text lines fall to the right, 0 when about level or not to be told.

    The projection profile is sharpest along the lines (Postl 1986; Bloomberg, Kopec, Dasari 1995: its differences
    squared).
    """
    ys, xs = np.nonzero(ink)
    if len(ys) < 500:
        return 0.0
    step = max(1, len(ys) // 30_000)
    xs, ys = xs[::step].astype(np.float32), ys[::step].astype(np.float32)

    def sharpness(angle: float) -> float:
        profile = np.bincount((ys - xs * tan(radians(angle)) + ink.shape[1]).astype(np.int32))
        return float(np.square(np.diff(profile)).sum())

    level = sharpness(0.0)
    best = max(np.arange(-_MAX_SKEW, _MAX_SKEW + 0.1, 0.5), key=sharpness)
    best = max(np.arange(best - 0.4, best + 0.41, 0.1), key=sharpness)
    if abs(best) < _MIN_SKEW or sharpness(best) < 1.15 * level:
        return 0.0
    return float(degrees(atan(tan(radians(best)))))
