"""A page image, made ready step by step; what was done, and the way back."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from server.images import write_ppm
from server.preparation import Affine, Preparation, Step, rotation, shift, turn
from server.preprocess.contrast import even_out
from server.preprocess.crop import find_content
from server.preprocess.denoise import take_specks_off
from server.preprocess.ink import Gray, find_ink
from server.preprocess.lines import find_lines
from server.preprocess.upright import way_up

Image = NDArray[np.uint8]
"""H×W×3, RGB."""

_STRAIGHT = 0.15  # degrees: less is no skew
_MOST_DEGREES = 15.0
_CHARACTERS = 10
_LEAST_SCALE = 0.7  # of a page that is made smaller to have room for its corners
_LONGEST = 32_766  # px: OpenCV warps nothing longer
_STRIP = 256  # rows

Said = Mapping[str, Any]


def prepare(path: Path, steps: Collection[Step], max_pixels: int) -> tuple[int, int, Preparation]:
    """Do the steps, in their own order, to the page that lies there as PPM, and write it there again.

    Returns its new width and height in px, at most `max_pixels` in all. Raises MemoryError, OSError.
    """
    try:
        page = _Page(path, max_pixels)
        said = [{"step": step.value, **page.do(step)} for step in Step if step in steps]
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise
    if any(each["applied"] for each in said):
        page.write(path)
    height, width = page.image.shape[:2]
    return width, height, Preparation(*page.sent, page.forth.inverse(), tuple(said))


class _Page:
    """The page so far; `forth` leads here from the page as it was sent, `sent` is the width and height of that."""

    def __init__(self, path: Path, max_pixels: int) -> None:
        cv2.setNumThreads(1)
        self.image = _read(path)
        self.sent = self.image.shape[1], self.image.shape[0]
        self.forth = Affine()
        self._max_pixels = max_pixels

    def do(self, step: Step) -> Said:
        """One step; what came of it."""
        gray = np.asarray(cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY), np.uint8)
        match step:
            case Step.DENOISE:
                specks = take_specks_off(self.image, gray)
                return {"applied": specks > 0, "specks": specks}
            case Step.ORIENTATION:
                return self._bring_upright(gray)
            case Step.CROP:
                return self._crop(gray)
            case Step.DESKEW:
                return self._straighten(gray)
            case Step.CONTRAST:
                return {"applied": even_out(self.image, gray)}

    def write(self, path: Path) -> None:
        """Write it as `render.render_page` does."""
        height, width = self.image.shape[:2]
        write_ppm(path, width, height, (self.image[top : top + _STRIP].tobytes() for top in range(0, height, _STRIP)))

    def _bring_upright(self, gray: Gray) -> Said:
        ink = find_ink(gray)
        way = way_up(ink, find_lines(ink) if ink else None)
        if way.quarters:
            self.forth = self.forth.then(turn(way.quarters, self.image.shape[1], self.image.shape[0]))
            self.image = np.ascontiguousarray(np.rot90(self.image, -way.quarters))
        doubt = {"note": f"not sure: {way.doubt}"} if way.doubt else {}
        return {"applied": way.quarters > 0, "angle_degrees": way.quarters * 90, **doubt}

    def _crop(self, gray: Gray) -> Said:
        height, width = gray.shape
        kept = find_content(gray)
        left, top, right, bottom = kept or (0, 0, width, height)
        box = Preparation(*self.sent, self.forth.inverse(), ()).box((left, top, right, bottom))
        if kept:
            self.forth = self.forth.then(shift(-left, -top))
            self.image = np.ascontiguousarray(self.image[top:bottom, left:right])
        return {"applied": kept is not None, "bbox": list(box)}

    def _straighten(self, gray: Gray) -> Said:
        ink = find_ink(gray)
        lines = find_lines(ink) if ink and len(ink.boxes) >= _CHARACTERS else None
        if lines is None or not lines.are_clear or abs(lines.degrees) > _MOST_DEGREES:
            return {"applied": False, "angle_degrees": 0.0, "note": "not sure: no lines of text were found"}
        degrees = -round(lines.degrees, 2)
        if abs(degrees) < _STRAIGHT:
            return {"applied": False, "angle_degrees": 0.0}
        if not self._rotate(degrees, gray):
            return {"applied": False, "angle_degrees": 0.0, "note": f"too large to be turned by {degrees} degrees"}
        return {"applied": True, "angle_degrees": degrees}

    def _rotate(self, degrees: float, gray: Gray) -> bool:
        """Turn it clockwise, on paper large enough for its corners; False where that would be too large."""
        height, width = gray.shape
        cos, sin = abs(np.cos(np.radians(degrees))), abs(np.sin(np.radians(degrees)))
        wide, tall = width * cos + height * sin, width * sin + height * cos
        scale = min(1.0, (self._max_pixels / ((wide + 1) * (tall + 1))) ** 0.5)
        size = int(np.ceil(wide * scale)), int(np.ceil(tall * scale))
        if scale < _LEAST_SCALE or max(width, height, *size) > _LONGEST:
            return False
        forth = rotation(degrees, scale, (width / 2, height / 2), (size[0] / 2, size[1] / 2))
        # to OpenCV, a pixel's centre is where its number says
        indices = shift(0.5, 0.5).then(forth).then(shift(-0.5, -0.5))
        matrix = np.array([[indices.a, indices.b, indices.c], [indices.d, indices.e, indices.f]])
        self.image = np.asarray(
            cv2.warpAffine(self.image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=_paper(self.image, gray)),
            np.uint8,
        )
        self.forth = self.forth.then(forth)
        return True


def _read(path: Path) -> Image:
    """A PPM as `images.write_ppm` writes it."""
    with path.open("rb") as file:
        _, size, _ = file.readline(), file.readline(), file.readline()
        width, height = map(int, size.split())
        return np.fromfile(file, np.uint8, 3 * width * height).reshape(height, width, 3)


def _paper(page: Image, gray: Gray) -> tuple[float, float, float]:
    """The colour of the paper: the usual one among the lighter half of the page."""
    reduced = page[:: max(1, gray.shape[0] // 500), :: max(1, gray.shape[1] // 500)].reshape(-1, 3)
    light = reduced[reduced.sum(axis=1) >= np.median(reduced.sum(axis=1))]
    red, green, blue = np.median(light, axis=0)
    return float(red), float(green), float(blue)
