"""Reads 64 crops one after another and then all at once; prints both times: `at_once.py HOME`, in .venv-vllm."""

import json
import sys
import time
from pathlib import Path

from PIL import Image

from server import catalog
from server.engines.base import Loading
from server.engines.recogniser import Crop, Sampling
from server.engines.vllm import VllmRecogniser

if __name__ == "__main__":
    home = Path(sys.argv[1])
    entry = catalog.read()["glm-ocr"]
    recogniser = VllmRecogniser()
    recogniser.load(Loading(entry, {}), home / "hub/GLM-OCR")
    crops = [
        Crop(Image.effect_noise((280, 56), 20 + number).convert("RGB"), "Text Recognition:") for number in range(64)
    ]
    sampling = Sampling(max_new_tokens=32)
    texts, seconds = [], []
    for batches in ([[crop] for crop in crops], [crops]):
        started = time.perf_counter()
        texts.append([reading.text for batch in batches for reading in recogniser.read(batch, sampling, lambda: True)])
        seconds.append(time.perf_counter() - started)
    recogniser.close()
    print(json.dumps({"alone": texts[0], "together": texts[1], "seconds": seconds}))
