"""Whether weights carry a layer for drafts."""

import json
import struct
from pathlib import Path

import pytest

from server.engines.drafts import has_draft_layer


@pytest.mark.parametrize(
    ("announced", "layers", "there"), [(1, (15, 16), True), (1, (14, 15), False), (0, (15, 16), False)]
)
def test_the_layer_must_be_announced_and_there(
    tmp_path: Path, announced: int, layers: tuple[int, ...], there: bool
) -> None:
    text = {"num_hidden_layers": 16, "num_nextn_predict_layers": announced}
    (tmp_path / "config.json").write_text(json.dumps({"text_config": text}))
    for number, layer in enumerate(layers):
        header = json.dumps({f"model.language_model.layers.{layer}.enorm.weight": {}}).encode()
        (tmp_path / f"model-{number}.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 8)
    assert has_draft_layer(tmp_path) is there
