"""Gives a tiny GLM-OCR the layer that drafts tokens ahead: `add_draft_layer.py FOLDER`, in .venv-vllm.

The layer is named as in the published weights; it is a copy of the last one, and its drafts are mostly wrong.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    config = json.loads((folder / "config.json").read_text())
    text = config["text_config"]
    text["num_nextn_predict_layers"] = 1
    size, number = text["hidden_size"], text["num_hidden_layers"]
    weights = load_file(folder / "model.safetensors")
    last, new = (f"model.language_model.layers.{each}." for each in (number - 1, number))
    weights |= {name.replace(last, new): tensor.clone() for name, tensor in weights.items() if name.startswith(last)}
    weights |= {f"{new}{norm}.weight": torch.ones(size) for norm in ("enorm", "hnorm", "shared_head.norm")}
    weights[f"{new}eh_proj.weight"] = torch.randn(size, 2 * size, generator=torch.Generator().manual_seed(1)) * 0.1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))
