"""Reads 64 crops one after another and all at once; prints texts and times: `at_once.py HOME`, in .venv-vllm."""

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
    ways = {"alone": [[crop] for crop in crops], "together": [crops]}
    texts, seconds = {}, {way: float("inf") for way in ways}
    for _ in range(3):  # the best of three: this is about vLLM, not about what else the machine does
        for way, batches in ways.items():
            started = time.perf_counter()
            texts[way] = [each.text for batch in batches for each in recogniser.read(batch, sampling, lambda: True)]
            seconds[way] = min(seconds[way], time.perf_counter() - started)
    recogniser.close()
    print(json.dumps({"texts": texts, "seconds": seconds}))
