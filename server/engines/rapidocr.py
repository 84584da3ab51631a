"""`pp-ocr`: the PP-OCR models inside RapidOCR's wheel, on OpenVINO. Nothing to fetch, no GPU."""

import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import rapidocr
from openvino import Core
from rapidocr.utils.process_img import get_rotate_crop_image

from server.documents import Page
from server.engines.base import Loading, Options, PageInput
from server.engines.openvino_cpu import return_freed_memory
from server.engines.orientation import Image, Quads, View, lengths, standing
from server.engines.ppocr_detection import TextDetector
from server.engines.ppocr_recognition import TextRecogniser
from server.engines.reading import finish, open_page
from server.layout.lines import Line

_MODELS = Path(rapidocr.__file__).parent / "models"
_MIN_SCORE = 0.5  # RapidOCR's own default: below it, texture has been taken for text
_DOUBTFUL = 0.85  # mean score of a page's lines: upright ones reach 0.97 and more, upside down ones 0.7 and less
_CLEAR = 0.2  # what a page upside down gains at least by turning it; scripts unknown to the model gain up to 0.13
_WORD = 3  # letters to a line, on average: fewer tell nothing about direction
_SAMPLE = 10  # the longest lines, which vote on which way up a page lies

Reading = tuple[str, float]
"""Text of a line and its score, 0–1."""


class RapidOcrEngine:
    """The embedded default: `concurrency` pages at once, their lines shared among all processor cores."""

    batches = False
    withdraws = False

    def __init__(self) -> None:
        self._cores = len(os.sched_getaffinity(0))
        # A second page in flight fills the cores while the first one's regions are worked out in Python; past four,
        # only memory grows.
        self.concurrency = min(4, self._cores)

    def load(self, loading: Loading) -> None:
        """Open the models. Raises RuntimeError when the wheel does not hold them or they are not what was measured."""
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        return_freed_memory()
        cv2.setNumThreads(1)  # lines and pages run side by side already
        core, cores = Core(), self._cores
        detection, recognition = _MODELS / "PP-OCRv6_det_small.onnx", _MODELS / "PP-OCRv6_rec_small.onnx"
        # One page is searched at a time, by all cores: each stream of detection holds 300 to 450 MB.
        self._find = TextDetector(core, detection, streams=1, threads=cores)
        self._read = TextRecogniser(core, recognition, streams=min(8, cores), threads=cores)
        self._threads = ThreadPoolExecutor(min(8, cores), "pp-ocr")

    def recognise(self, pages: Sequence[PageInput], options: Options) -> list[Page]:
        """Read the pages; there are no options. Raises ValueError when a file is not an image."""
        return [self._recognise(page) for page in pages]

    def close(self) -> None:
        """End the threads and drop the models."""
        self._threads.shutdown()
        del self._threads, self._find, self._read

    def _recognise(self, page: PageInput) -> Page:
        started = time.perf_counter()
        view, quads, readings = self._upright(View.of(open_page(page)))
        lines = [
            _line(quad, text, score)
            for quad, (text, score) in zip(quads, readings, strict=True)
            if score >= _MIN_SCORE and text.strip()
        ]
        return finish(page, view, lines, started)

    def _upright(self, view: View) -> tuple[View, Quads, list[Reading]]:
        """The page turned so that it reads best, its lines there, and what they say.

        No classifier of directions: RapidOCR's turns one upright line in twelve upside down. Recognition itself tells.
        """
        quads = self._find(view.image)
        tall = standing(quads)
        if lengths(quads[tall]).sum() > lengths(quads[~tall]).sum():
            as_cut, half_turned = self._both_ways(view.image, quads[tall])
            better = max(as_cut, half_turned, key=_mean_score)
            if _mean_letters(better) >= _WORD:  # fewer: a column of narrow characters, such as 1 or I
                view = view.turned(3 if better is as_cut else 1)
                quads = self._find(view.image)
        readings = self._read_all(view.image, quads)
        flat = quads[~standing(quads)]
        if len(flat) and _mean_score([reading for reading in readings if reading[0]]) < _DOUBTFUL:
            as_cut, half_turned = self._both_ways(view.image, flat)
            if _mean_letters(half_turned) >= _WORD and _mean_score(half_turned) - _mean_score(as_cut) > _CLEAR:
                view = view.turned(2)
                quads = self._find(view.image)
                readings = self._read_all(view.image, quads)
        return view, quads, readings

    def _both_ways(self, image: Image, quads: Quads) -> tuple[list[Reading], list[Reading]]:
        """What the longest lines say as they are cut out, and turned by 180°."""
        crops = [_crop(image, quad) for quad in quads[np.argsort(-lengths(quads))[:_SAMPLE]]]
        readings = list(self._threads.map(self._read, [*crops, *(np.rot90(crop, 2) for crop in crops)]))
        return readings[: len(crops)], readings[len(crops) :]

    def _read_all(self, image: Image, quads: Quads) -> list[Reading]:
        return list(self._threads.map(lambda quad, tall: self._read_one(image, quad, tall), quads, standing(quads)))

    def _read_one(self, image: Image, quad: Quads, tall: bool) -> Reading:
        crop = _crop(image, quad)
        if not tall:
            return self._read(crop)
        # On an upright page: one narrow character, or a label up or down a margin.
        label = [reading for turn in (0, 2) if len((reading := self._read(np.rot90(crop, turn)))[0]) >= _WORD]
        return max([self._read(np.rot90(crop, 3)), *label], key=lambda reading: reading[1])


def _mean_score(readings: Sequence[Reading]) -> float:
    return sum(score for _, score in readings) / len(readings) if readings else 0.0


def _mean_letters(readings: Sequence[Reading]) -> float:
    return sum(len(text) for text, _ in readings) / len(readings)


def _line(quad: Quads, text: str, score: float) -> Line:
    (x0, y0), (x1, y1) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    return Line(text, x0, y0, x1, y1, score)


def _crop(image: Image, quad: Quads) -> Image:
    """One line, straightened; a standing one turned by 90° counter-clockwise."""
    # OpenCV warps no image beyond 32,767 px: a long page is narrowed to the line first.
    x0, y0 = np.maximum(0, quad.min(axis=0).astype(int) - 2)
    x1, y1 = quad.max(axis=0).astype(int) + 3
    return np.asarray(get_rotate_crop_image(image[y0:y1, x0:x1], quad - np.array([x0, y0], np.float32)), np.uint8)
