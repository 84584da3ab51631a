"""Which way up a page lies, and the way back to its own pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from server.documents import BBox

Image = NDArray[np.uint8]
"""H×W×3, BGR."""
Quads = NDArray[np.float32]
"""N×4×2: top left, top right, bottom right and bottom left corner of each line of text, px."""

_TURNS = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class View:
    """A page as it is read: `image` is the page as given, turned clockwise by `quarters` × 90°."""

    image: Image
    quarters: int = 0

    @classmethod
    def of(cls, image: Image) -> "View":
        """The page as given."""
        return cls(image)

    def turned(self, quarters: int) -> "View":
        """This view turned clockwise by `quarters` × 90°."""
        quarters %= 4
        if not quarters:
            return self
        image = cv2.rotate(self.image, _TURNS[quarters])
        return View(np.asarray(image, np.uint8), (self.quarters + quarters) % 4)

    def given(self, bbox: BBox, width: int, height: int) -> BBox:
        """A region of this view in pixels of the page as given, which is `width` × `height` px."""
        return turned_back(bbox, self.quarters, width, height)


def turned_back(bbox: BBox, quarters: int, width: int, height: int) -> BBox:
    """A region of a page that was turned clockwise by `quarters` × 90°, on the page as given, `width` × `height` px."""
    x0, y0, x1, y1 = bbox
    match quarters:
        case 1:
            x0, y0, x1, y1 = y0, height - x1, y1, height - x0
        case 2:
            x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
        case 3:
            x0, y0, x1, y1 = width - y1, x0, width - y0, x1
    return max(0, x0), max(0, y0), min(width, x1), min(height, y1)


def lengths(quads: Quads) -> NDArray[np.float32]:
    """The longer side of each line, px."""
    return np.asarray(_sides(quads).max(axis=1))


def standing(quads: Quads) -> NDArray[np.bool_]:
    """Which lines run up or down the page, or are one narrow character."""
    along, down = _sides(quads).astype(int).T
    axis = _axes(quads)
    tall = np.maximum(along, down) >= 1.5 * np.maximum(1, np.minimum(along, down))
    return np.asarray(tall & (np.abs(axis[:, 1]) > np.abs(axis[:, 0])))


def downward(quads: Quads) -> Quads:
    """The same lines, those that run along their first side up the page turned round to run down.

    RapidOCR sorts corners by their x: a line that leans by more than its own thickness may begin at either end.
    """
    upward = standing(quads) & (quads[:, 1, 1] < quads[:, 0, 1]) & (_sides(quads).argmax(axis=1) == 0)
    return np.where(upward[:, np.newaxis, np.newaxis], np.roll(quads, 2, axis=1), quads)


def _axes(quads: Quads) -> NDArray[np.float32]:
    """The direction of the longer side of each line, N×2, px."""
    first = _sides(quads).argmax(axis=1) == 0
    return np.where(first[:, np.newaxis], quads[:, 1] - quads[:, 0], quads[:, 3] - quads[:, 0])


def _sides(quads: Quads) -> NDArray[np.float32]:
    """Lengths of the first and the second side of each line, N×2, px: of opposite sides the longer."""
    sides = np.linalg.norm(quads - np.roll(quads, -1, axis=1), axis=2)
    return np.asarray(np.maximum(sides[:, :2], sides[:, 2:]), np.float32)
