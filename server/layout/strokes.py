"""How heavy the type of each line is: what tells a bold heading from the text below it."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from server.layout.geometry import Rect

_LONGEST = 500  # px of a line that are looked at


def stroke_width(gray: NDArray[Any], rect: Rect) -> float:
    """The mean horizontal stroke width of the type inside a box on the page, in px; 0 where there is none.

    The number of ink pixels over the number of ink runs of the rows of pixels. Type may be darker or lighter than its
    ground.
    """
    height, width = gray.shape
    x0, y0 = max(0, int(rect[0])), max(0, int(rect[1]))
    x1, y1 = min(width, int(rect[2]) + 1, x0 + _LONGEST), min(height, int(rect[3]) + 1)
    if x1 - x0 < 3 or y1 - y0 < 3:
        return 0.0
    _, mask = cv2.threshold(gray[y0:y1, x0:x1], 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    ink = int(np.count_nonzero(mask))
    if 2 * ink > mask.size:
        mask, ink = 1 - mask, mask.size - ink
    starts = int(np.count_nonzero(mask[:, 1:] > mask[:, :-1]))
    return ink / starts if starts else 0.0
