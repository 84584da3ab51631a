"""The regions of a page and their reading order, by PP-DocLayoutV3 in transformers' own class."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import torch
from PIL import Image
from transformers import AutoImageProcessor, PPDocLayoutV3ForObjectDetection

from server.documents import BBox
from server.engines import gpu_fit
from server.engines.base import Loading
from server.engines.found import Found, worth_reading

_THRESHOLD = 0.3  # least score of a region, as in PaddleX's pipeline and in GLM-OCR's own


class LayoutDetector:
    """The loaded model. Any number of threads may call it; pages pass one at a time."""

    def __init__(self, loading: Loading, folder: Path) -> None:
        device = gpu_fit.device(loading.knobs.allow_cpu, gpu_fit.installed_torch())
        self._device = torch.device(device.replace("gpu", "cuda"))
        self._processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        self._model = PPDocLayoutV3ForObjectDetection.from_pretrained(folder, local_files_only=True)
        self._model.to(self._device).eval()
        self._lock = Lock()

    def find(self, image: Image.Image) -> list[Found]:
        """The regions that hold everything on the page once, in reading order."""
        with self._lock, torch.inference_mode():
            inputs = self._processor(images=image, return_tensors="pt").to(self._device)
            outputs = self._model(**inputs)
            sizes = torch.tensor([[image.height, image.width]])
            [result] = self._processor.post_process_object_detection(outputs, _THRESHOLD, sizes)
        labels = [self._model.config.id2label[int(label)] for label in result["labels"]]
        boxes = [_within(box.tolist(), image) for box in result["boxes"]]
        scores = result["scores"].tolist()
        found = zip(labels, boxes, scores, strict=True)
        boxed = [Found(label, box, score) for label, box, score in found if box is not None]
        return worth_reading(boxed, image.width, image.height)


def _within(box: Sequence[float], image: Image.Image) -> BBox | None:
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = min(image.width, round(box[2])), min(image.height, round(box[3]))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
