"""Recognised lines → a Page: the part that line recognisers (pp-ocr, tesseract) share."""

import errno
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from server.documents import Page, Verdict
from server.engines.base import PageInput
from server.engines.orientation import Image, View
from server.layout.analysis import analyse
from server.layout.lines import Line

_HUGE = 2.5  # times the usual line height


def open_page(page: PageInput) -> Image:
    """The page image, height × width × 3, 8-bit BGR. Raises ValueError when the file is none."""
    image = cv2.imread(str(page.path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"page {page.number}: {page.path.name} is not an image")
    return np.asarray(image, np.uint8)


def write_image(path: Path, image: Image) -> None:
    """The image as a file of the kind that its name says. Raises OSError when the spool is full."""
    if not cv2.imwrite(str(path), image):
        raise OSError(errno.ENOSPC, "the image could not be written", str(path))


def finish(page: PageInput, view: View, lines: Sequence[Line], started: float) -> Page:
    """The page made of the lines read in `view`: analysed, its figures cropped, its boxes in pixels of the page as given.

    `started` is when work on it began, by `time.perf_counter`.
    """
    lines = _without_drawings(lines)
    analysis = analyse(lines, view.image, f"images/page_{page.number}_")
    images = {}
    for name, (x0, y0, x1, y1) in analysis.figures.items():
        images[name] = page.path.with_name(Path(name).name)
        write_image(images[name], np.asarray(view.image[y0:y1, x0:x1]))
    letters = sum(len(line.text) for line in lines)
    return Page(
        number=page.number,
        width=page.width,
        height=page.height,
        text=analysis.text,
        markdown=analysis.markdown,
        blocks=tuple(replace(block, bbox=view.given(block.bbox, page.width, page.height)) for block in analysis.blocks),
        images=images,
        token_confidence=sum(line.score * len(line.text) for line in lines) / letters if letters else None,
        verdict=Verdict.OK if lines else Verdict.BLANK,
        seconds=time.perf_counter() - started,
    )


def _without_drawings(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that are a chart's bar or a frame, taken for one huge sign: "■"."""
    usual = median(line.height for line in lines) if lines else 0.0
    return [line for line in lines if line.height < _HUGE * usual or any(map(str.isalnum, line.text))]
