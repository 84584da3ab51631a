"""What a line of text says: the PP-OCR recogniser, with RapidOCR's own decoding."""

import math
from bisect import bisect_left
from pathlib import Path

import cv2
import numpy as np
from openvino import Core, Model
from rapidocr.ch_ppocr_rec.utils import CTCLabelDecode

from server.engines.openvino_cpu import CpuNetwork
from server.engines.orientation import Image

HEIGHT = 48  # px, fixed by the network
MAX_WIDTH = 5000  # px at that height: wider than a line of 5-point print across A4; wider ones are squeezed
GREY = 127  # what PP-OCR pads with: 0 after normalisation

# Every new width costs the network about 6 MB of prepared kernels: lines are padded to one of these, 5 % on average.
WIDTHS = [round(160 * 1.1**step / 8) * 8 for step in range(37)]


class TextRecogniser:
    """Thread-safe; one line a call: batches are no faster on a processor, and their padding costs."""

    def __init__(self, core: Core, path: Path, *, streams: int, threads: int) -> None:
        model = core.read_model(path)
        self._decoder = CTCLabelDecode(model.get_rt_info()["framework"]["character"].value.splitlines())
        # Without its last operation, the softmax over 18,710 characters: only a line's letters need it, and half of
        # the steps are blanks or repetitions.
        softmax = model.output(0).get_node().input_value(0).get_node()
        if softmax.get_type_name() != "Softmax":
            raise RuntimeError(f"{path.name} ends in {softmax.get_type_name()}, not in a softmax")
        logits = Model([softmax.input_value(0)], model.get_parameters(), "logits")
        self._network = CpuNetwork(core, logits, streams=streams, threads=threads)

    def __call__(self, crop: Image) -> tuple[str, float]:
        """The text of one line and the mean probability of its characters, 0–1; ("", 0) when it holds none."""
        height, width = crop.shape[:2]
        scaled = min(MAX_WIDTH, math.ceil(width * HEIGHT / height))
        canvas = np.full((HEIGHT, WIDTHS[bisect_left(WIDTHS, scaled)], 3), GREY, np.uint8)
        canvas[:, :scaled] = cv2.resize(crop, (scaled, HEIGHT))
        with self._network.run(canvas) as output:
            logits = output[0]
            best = logits.argmax(axis=1)
            letters = best != 0
            letters[1:] &= best[1:] != best[:-1]
            chosen = logits[letters]
        # In place: a dense line's array is 10 MB, and several lines are read at once.
        chosen -= chosen.max(axis=1, keepdims=True)
        np.exp(chosen, out=chosen)
        probabilities = np.zeros(len(best), np.float32)
        probabilities[letters] = 1 / chosen.sum(axis=1)
        lines, _ = self._decoder.decode(best[np.newaxis], probabilities[np.newaxis], remove_duplicate=True)
        text, score = lines[0]
        return text, float(score)
