"""One module per engine; each imports its libraries inside its own worker process only."""

from importlib import import_module

from server.engines.base import Engine

_CLASSES = {
    "rapidocr": "RapidOcrEngine",
    "tesseract": "TesseractEngine",
    "paddle_vl": "PaddleVlEngine",
    "vlm": "VlmEngine",
}


def create(engine: str) -> Engine:
    """The engine that a catalogue entry names, not loaded yet. Raises KeyError or ImportError."""
    instance: Engine = getattr(import_module(f"server.engines.{engine}"), _CLASSES[engine])()
    return instance
