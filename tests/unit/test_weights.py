"""Which of a repository's files are weights that a model needs."""

from server import catalog
from server.weights import Weights

WEIGHTS = catalog.read_weights()
SHARDED = Weights("w", "hub/w", "MIT", 1, ("config.json", "model*.safetensors"), ("model.safetensors.index.json",))


def test_only_what_is_listed_is_taken() -> None:
    available = ["README.md", "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    available += [
        "pytorch_model.bin",
        "model.safetensors.index.json",
        "modeling_x.py",
        "assets/a.png",
        ".gitattributes",
    ]
    assert SHARDED.choose(available) == [
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ]


def test_a_pattern_stays_in_its_folder() -> None:
    assert SHARDED.choose(["model/other.safetensors", "nested/config.json"]) == []


def test_the_nested_layout_model_is_not_stored_twice() -> None:
    nested = ["PP-DocLayoutV2/inference.yml", "PP-DocLayoutV2/inference.pdiparams", "PP-DocLayoutV2/config.json"]
    assert WEIGHTS["PaddleOCR-VL"].choose([*nested, "inference.yml"]) == ["inference.yml"]


def test_what_is_needed_and_not_there_is_named() -> None:
    assert SHARDED.lacking(["config.json"]) == ["model*.safetensors"]
    assert SHARDED.lacking(["config.json", "model.safetensors"]) == []
