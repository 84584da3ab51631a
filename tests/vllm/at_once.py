"""Reads 64 crops one after another and all at once: `at_once.py HOME`, in .venv-vllm.

Prints texts, vLLM's steps, which do not depend on what else the machine does, and seconds, which do.
"""

import json
import sys
import time
from pathlib import Path

from PIL import Image

from server import catalog
from server.engines.base import Loading
from server.engines.recogniser import Crop, Sampling
from server.engines.vllm import VllmRecogniser
from tests.vllm.groups import metric_of

_STEPS = "vllm:iteration_tokens_total_count"

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
    texts, steps, seconds = {}, {}, {}
    for way, batches in ways.items():
        before, started = metric_of(Path.home() / "vllm.sock", _STEPS), time.perf_counter()
        texts[way] = [each.text for batch in batches for each in recogniser.read(batch, sampling, lambda: True)]
        seconds[way] = time.perf_counter() - started
        steps[way] = metric_of(Path.home() / "vllm.sock", _STEPS) - before
    recogniser.close()
    print(json.dumps({"texts": texts, "steps": steps, "seconds": seconds}))
