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
        x0, y0, x1, y1 = bbox
        match self.quarters:
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
    """Which lines are so tall that `get_rotate_crop_image` turns them by 90° counter-clockwise."""
    width, height = _sides(quads).T
    return np.asarray(height.astype(int) >= 1.5 * np.maximum(1, width.astype(int)))


def _sides(quads: Quads) -> NDArray[np.float32]:
    """Width and height of each line, px, the longer ones of opposite sides."""
    sides = np.linalg.norm(quads - np.roll(quads, -1, axis=1), axis=2)
    return np.asarray(np.maximum(sides[:, :2], sides[:, 2:]), np.float32)
