"""What was done to a page before an engine saw it, and the way back to the page as it was sent. Pure.

Standard library only: engine workers import this module, too.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels."""


class Step(StrEnum):
    """What can be done to a page, in the order in which it is done."""

    DENOISE = "denoise"
    ORIENTATION = "orientation"
    CROP = "crop"
    DESKEW = "deskew"
    CONTRAST = "contrast"


@dataclass(frozen=True, slots=True)
class Affine:
    """x′ = a·x + b·y + c and y′ = d·x + e·y + f. Points are corners of pixels: the first pixel is from 0 to 1."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    def then(self, after: "Affine") -> "Affine":
        """This one, and `after` applied to what comes out of it."""
        (c, f) = after.point(self.c, self.f)
        return Affine(
            *(after.a * self.a + after.b * self.d, after.a * self.b + after.b * self.e, c),
            *(after.d * self.a + after.e * self.d, after.d * self.b + after.e * self.e, f),
        )

    def inverse(self) -> "Affine":
        """The way back. Raises ZeroDivisionError where there is none."""
        scale = self.a * self.e - self.b * self.d
        a, b, d, e = self.e / scale, -self.b / scale, -self.d / scale, self.a / scale
        return Affine(a, b, -(a * self.c + b * self.f), d, e, -(d * self.c + e * self.f))

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a point comes to lie."""
        return self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f


def shift(x: float, y: float) -> Affine:
    """What moves everything by x and y px."""
    return Affine(c=x, f=y)


def turn(quarters: int, width: int, height: int) -> Affine:
    """What turns a page of `width` × `height` px clockwise by `quarters` × 90°."""
    match quarters % 4:
        case 1:
            return Affine(0, -1, height, 1, 0, 0)
        case 2:
            return Affine(-1, 0, width, 0, -1, height)
        case 3:
            return Affine(0, 1, 0, -1, 0, width)
    return Affine()


def rotation(degrees: float, scale: float, centre: tuple[float, float], onto: tuple[float, float]) -> Affine:
    """What turns a page clockwise about its centre, makes it `scale` times as large, and moves the centre to `onto`."""
    cos, sin = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    turned = Affine(cos, -sin, 0, sin, cos, 0)
    return shift(-centre[0], -centre[1]).then(turned).then(shift(*onto))


@dataclass(frozen=True, slots=True)
class Preparation:
    """`width` and `height` are those of the page as it was sent, px; `back` leads there from the page as it was read.

    `steps` say, for the caller, what was asked for and what came of it.
    """

    width: int
    height: int
    back: Affine
    steps: tuple[Mapping[str, Any], ...]

    def box(self, box: Iterable[float], turned: Affine = Affine()) -> Box:
        """The box around a box of the page as read, on the page as sent, within it; first by `turned`."""
        x0, y0, x1, y1 = box
        way = turned.then(self.back)
        xs, ys = zip(*(way.point(x, y) for x in (x0, x1) for y in (y0, y1)), strict=True)
        left, right = (min(max(round(x), 0), self.width) for x in (min(xs), max(xs)))
        top, bottom = (min(max(round(y), 0), self.height) for y in (min(ys), max(ys)))
        return left, top, right, bottom

    def to_wire(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Preparation":
        """Back from JSON values. Raises KeyError or TypeError when they are not those of a preparation."""
        return cls(wire["width"], wire["height"], Affine(**wire["back"]), tuple(wire["steps"]))
