"""Where text is on a page: the PP-OCR detector, with RapidOCR's own post-processing."""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from openvino import Core
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from server.engines.openvino_cpu import CpuNetwork
from server.engines.orientation import Image, Quads, downward

STRIDE = 64  # the network halves its input five times; twice that keeps the number of input sizes small
TILE_AREA = 1_600_000  # px; half an A4 page: 270 MB of activations in bfloat16, 450 MB in 32-bit floats
MIN_SIDE = 320  # px; a strip of one line needs air around it to be found
SURE = 0.5  # probability that each region holds somewhere: its mean has to be as high
FAINTEST = 10  # gray levels between the palest ink and its paper
OVERLAP = 192  # px; the cut runs through its middle, so that letters on it are whole in both tiles


class TextDetector:
    """Thread-safe. Large pages are read in tiles and their text maps joined, so that no line is cut."""

    def __init__(self, core: Core, path: Path, *, streams: int, threads: int) -> None:
        self._network = CpuNetwork(core, core.read_model(path), streams=streams, threads=threads)
        # RapidOCR's own figures for this model (its config.yaml), but for the cap on regions: 1000 there, which loses
        # the end of a long page.
        self._boxes = DBPostProcess(
            thresh=0.3, box_thresh=0.5, max_candidates=20_000, unclip_ratio=1.6, use_dilation=True
        )

    def __call__(self, image: Image) -> Quads:
        """The lines of text on a page, top to bottom; px of `image`."""
        height, width = image.shape[:2]
        margin = max(0, (MIN_SIDE - height) // 2), max(0, (MIN_SIDE - width) // 2)
        if any(margin):
            border = margin[0], margin[0], margin[1], margin[1]
            padded = cv2.copyMakeBorder(image, *border, cv2.BORDER_REPLICATE)
            return self._quads(np.asarray(padded, np.uint8), (height, width), margin)
        return self._quads(image, (height, width), (0, 0))

    def _quads(self, image: Image, size: tuple[int, int], margin: tuple[int, int]) -> Quads:
        rows, columns = network_size(image.shape[0], image.shape[1])
        scaled = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR)
        text = np.zeros((rows, columns), np.float32)
        for part in _inked(scaled):
            text[part] = self._text(scaled[part])
        text[_unsure(text)] = 0
        quads, _ = self._boxes(text[np.newaxis, np.newaxis], image.shape[:2])
        if not len(quads):
            return np.empty((0, 4, 2), np.float32)
        ordered = quads[np.argsort(quads[:, 0, 1], kind="stable")] - np.array(margin[::-1])
        return downward(np.asarray(ordered.clip(0, np.array(size[::-1]) - 1), np.float32))

    def _text(self, image: Image) -> NDArray[np.float32]:
        """The probability of text at each pixel; sides are whole strides."""
        rows, columns = image.shape[:2]
        text = np.empty((rows, columns), np.float32)
        down, across = _counts(rows, columns)
        for top, inner_top, bottom in _tiles(rows, down):
            for left, inner_left, right in _tiles(columns, across):
                with self._network.run(np.ascontiguousarray(image[top:bottom, left:right])) as part:
                    text[inner_top:bottom, inner_left:right] = part[0, 0, inner_top - top :, inner_left - left :]
        return text


def network_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns at which a page is searched.

    RapidOCR shrinks the longer side to 2000 px and enlarges the shorter one to 736 px. Here the shorter side alone
    counts when a page is long, and nothing is shrunk below a half: small print on a large sheet stays legible.
    """
    short, long = sorted((height, width))
    scale = min(1.0, max(0.5, 2000 / long, 1414 / short)) if short >= 736 else max(1.0, min(736 / short, 2000 / long))
    return max(1, round(height * scale / STRIDE)) * STRIDE, max(1, round(width * scale / STRIDE)) * STRIDE


def _inked(image: Image) -> Iterator[tuple[slice, slice]]:
    """The parts of a page to be searched: bands of rows with ink, each from its first to its last column with ink.

    Not only to save time: beside much white, the network overlooks small print, and in bfloat16 it answers the white
    itself with a chequer of 0.3.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    contrast = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((33, 33), np.uint8))  # within 16 px of each pixel
    ink: NDArray[np.bool_] = np.greater_equal(contrast, FAINTEST)
    for rows in _runs(np.any(ink, axis=1)):
        columns = np.flatnonzero(np.any(ink[rows], axis=0))
        yield rows, _widened(int(columns[0]), int(columns[-1]) + 1, ink.shape[1])


def _runs(ink: NDArray[np.bool_]) -> Iterator[slice]:
    """Runs of inked rows; those that touch once widened to whole strides are one."""
    edges = np.flatnonzero(np.diff(ink, prepend=False, append=False)).reshape(-1, 2).tolist()
    wide = [_widened(start, end, len(ink)) for start, end in edges]
    while wide:
        run = wide.pop(0)
        while wide and wide[0].start <= run.stop:
            run = slice(run.start, max(run.stop, wide.pop(0).stop))
        yield run


def _widened(start: int, end: int, length: int) -> slice:
    return slice(start // STRIDE * STRIDE, min(length, math.ceil(end / STRIDE) * STRIDE))


def _unsure(text: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What is far from anything that the network is sure of: such regions are dropped, but there may be very many."""
    return np.asarray(cv2.dilate((text > SURE).astype(np.uint8), np.ones((15, 15), np.uint8)) == 0)


def _counts(rows: int, columns: int) -> tuple[int, int]:
    """How many tiles a page is cut into, down and across."""
    counts = [1, 1]
    while (sides := [_tile(rows, counts[0]), _tile(columns, counts[1])]) and sides[0] * sides[1] > TILE_AREA:
        counts[sides.index(max(sides))] += 1
    return counts[0], counts[1]


def _tile(length: int, count: int) -> int:
    return math.ceil((length + (count - 1) * OVERLAP) / count / STRIDE) * STRIDE


def _tiles(length: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Start, start of the part that counts, and end of each tile along a side of `length` px."""
    size = _tile(length, count)
    for index in range(count):
        start = (length - size) * index // max(1, count - 1)
        yield start, start + (OVERLAP // 2 if index else 0), start + size
