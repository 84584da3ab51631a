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
        text = np.empty((rows, columns), np.float32)
        down, across = _counts(rows, columns)
        for top, inner_top, bottom in _tiles(rows, down):
            for left, inner_left, right in _tiles(columns, across):
                with self._network.run(np.ascontiguousarray(scaled[top:bottom, left:right])) as part:
                    text[inner_top:bottom, inner_left:right] = part[0, 0, inner_top - top :, inner_left - left :]
        text[_hopeless(scaled, text)] = 0
        quads, _ = self._boxes(text[np.newaxis, np.newaxis], image.shape[:2])
        if not len(quads):
            return np.empty((0, 4, 2), np.float32)
        ordered = quads[np.argsort(quads[:, 0, 1], kind="stable")] - np.array(margin[::-1])
        return downward(np.asarray(ordered.clip(0, np.array(size[::-1]) - 1), np.float32))


def network_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns at which a page is searched.

    RapidOCR shrinks the longer side to 2000 px and enlarges the shorter one to 736 px. Here the shorter side alone
    counts when a page is long, and nothing is shrunk below a half: small print on a large sheet stays legible.
    """
    short, long = sorted((height, width))
    scale = min(1.0, max(0.5, 2000 / long, 1414 / short)) if short >= 736 else max(1.0, min(736 / short, 2000 / long))
    return max(1, round(height * scale / STRIDE)) * STRIDE, max(1, round(width * scale / STRIDE)) * STRIDE


def _hopeless(image: Image, text: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where no text can be, whatever the network says: on flat paper, and far from anything it is sure of.

    In bfloat16 it answers wide white areas with a chequer of 0.3, of which post-processing makes more regions than it
    goes through, so that the lines of a nearly empty page would be lost.
    """
    contrast = cv2.morphologyEx(
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.MORPH_GRADIENT, np.ones((33, 33), np.uint8)
    )
    sure = cv2.dilate((text > SURE).astype(np.uint8), np.ones((15, 15), np.uint8))
    return np.asarray((contrast < FAINTEST) | (sure == 0))


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
