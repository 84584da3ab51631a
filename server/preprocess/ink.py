"""What on a page looks like characters, whatever their script."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
"""H×W, 0 is black."""
Mask = NDArray[np.uint8]
"""H×W of 0 and 1."""
Boxes = NDArray[np.float64]
"""N×4: x0, y0, x1, y1, px."""

_MOST_PIXELS = 4_000_000  # an A4 page at 200 dpi; a larger one is looked at as small as that
DARK_PAGE = 110
"""A page whose usual pixel is darker than this has light print on it."""
_BLOCK = 51  # px: paper is what is lightest on average within so many
_CONTRAST = 20
_LEAST, _MOST = 5, 1 / 8  # side of a character: px, and part of the page's
_SLENDER = 12
_SMALL, _LARGE = 0.4, 4.0  # of the usual side
_FEW = 5
_MOST_DOTS = 0.5  # of the number of characters: those beyond it, the smallest, are noise


@dataclass(frozen=True, slots=True)
class Ink:
    """The characters of a page.

    `mask` and `boxes` hold whole characters, `dots` what is much smaller: of i and ё, full stops, and noise. All are in
    pixels of the mask, `scale` of which make one of the page. `size` is the usual side of a character.
    """

    mask: Mask
    boxes: Boxes
    dots: Boxes
    size: float
    scale: float


def find_ink(gray: Gray) -> Ink | None:
    """What looks like characters; None where that is next to nothing."""
    small, scale = shrunk(gray)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        darker(small, _CONTRAST), None, None, None, 8, cv2.CV_32S
    )
    x, y, width, height, area = stats[1:].T
    longer, shorter = np.maximum(width, height), np.minimum(width, height)
    shaped = (longer >= _LEAST) & (longer <= max(20.0, min(small.shape) * _MOST)) & (shorter * _SLENDER >= longer)
    if shaped.sum() < _FEW:
        return None
    size = _weighted_median(longer[shaped], area[shaped])
    whole = shaped & (longer >= _SMALL * size) & (longer <= _LARGE * size) & (shorter >= 2)
    chosen = np.zeros(count, np.uint8)
    chosen[1:][whole] = 1
    boxes = np.stack([x, y, x + width, y + height], axis=1).astype(np.float64)
    dots = np.flatnonzero((longer < _SMALL * size) & (shorter >= 2))
    dots = dots[np.argsort(-area[dots])[: int(_MOST_DOTS * whole.sum())]]
    return Ink(chosen[labels], boxes[whole], boxes[dots], size, scale)


def shrunk(gray: Gray) -> tuple[Gray, float]:
    """The page at a size that is quick to look at, and its scale."""
    scale = min(1.0, (_MOST_PIXELS / gray.size) ** 0.5)
    if scale == 1:
        return gray, 1.0
    size = max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def darker(gray: Gray, by: int) -> Mask:
    """What is darker than its surroundings; on a dark page, what is lighter."""
    if np.median(gray) < DARK_PAGE:
        gray = np.asarray(255 - gray, np.uint8)
    mask = cv2.adaptiveThreshold(gray, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, _BLOCK, by)
    return np.asarray(mask, np.uint8)


def _weighted_median(values: NDArray[np.int32], weights: NDArray[np.int32]) -> float:
    order = np.argsort(values)
    passed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(passed, passed[-1] / 2)])
