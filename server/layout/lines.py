"""A recognised line of text: what recognisers hand to the layout analysis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One run of text on one baseline; `x0, y0, x1, y1` px on the upright page, `score` 0–1."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    score: float

    @property
    def height(self) -> float:
        """px"""
        return self.y1 - self.y0

    @property
    def width(self) -> float:
        """px"""
        return self.x1 - self.x0
