"""Whether weights carry a layer that drafts tokens ahead (multi-token prediction). Standard library only."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path


def has_draft_layer(folder: Path) -> bool:
    """Whether config.json announces the layer and the tensors of it are there: vLLM does not start without either."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    text = config.get("text_config", config)
    if not text.get("num_nextn_predict_layers"):
        return False
    layer = f".layers.{text['num_hidden_layers']}."
    return any(layer in name for name in _tensors(folder))


def _tensors(folder: Path) -> Iterator[str]:
    """The names in all safetensors files: a JSON object after its length in 8 bytes (safetensors, "Format")."""
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            [length] = struct.unpack("<Q", file.read(8))
            yield from json.loads(file.read(length))
