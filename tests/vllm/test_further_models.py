"""A model that no catalogue of ours knows, added by an entry; and models that make room for each other."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.running import Server
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.patience import ocr

ENTRY = """
[models.further]
engine = "vlm"
title = "A further model"
licence = "Apache-2.0"
languages = ["en"]
weights = ["Custom"]
memory_mb = 1000
gpu_memory_mb = 8000
token_confidence = true

[models.further.prompts]
document = "Transcribe this page as Markdown."

[models.further.vlm.serve]
max_model_len = 4096

[weights.Custom]
folder = "hub/Custom"
licence = "Apache-2.0"
size_mb = 1
files = ["*.json", "*.safetensors", "chat_template.jinja"]
huggingface = "somebody/Custom"
"""
PAGE = encoded(page("a", size=(500, 700)))


@pytest.fixture
def home(weights: Path, tmp_path: Path) -> Path:
    """A PADDLEX_HOME of the test's own."""
    return Path(shutil.copytree(weights, tmp_path / "home"))


def test_a_model_of_ones_own_is_an_entry_and_not_code(serve: Callable[..., Server], home: Path) -> None:
    (home / "catalog.toml").write_text(ENTRY)
    texts = {}
    for recogniser in ("vllm", "transformers"):
        server = serve(PADDLEX_HOME=str(home), RECOGNISER=recogniser, PRELOAD="further", DEFAULT_MODEL="further")
        reply = ocr(server, PAGE, max_new_tokens="24")
        assert reply.status_code == 200, reply.text
        result = reply.json()
        assert (result["model"], result["confidence_basis"]) == ("further", "token+heuristic")
        texts[recogniser] = result["text"]
        document = ocr(server, pdf(page("b"), page("c")), max_new_tokens="8").json()
        assert [each["verdict"] for each in document["pages"]] == ["truncated"] * 2
        [row] = [row for row in server.client.get("/models").json()["models"] if row["name"] == "further"]
        assert (row["engine"], row["recogniser"]) == ("vlm", recogniser)
    assert texts["vllm"].strip()
    assert texts["vllm"] == texts["transformers"]


def test_where_only_one_has_room_the_other_makes_way_and_comes_back(serve: Callable[..., Server]) -> None:
    server = serve(RECOGNISER="transformers", PRELOAD="glm-ocr", MAX_LOADED_MODELS="1")
    for model in ("deepseek-ocr2", "glm-ocr", "deepseek-ocr2"):
        reply = ocr(server, PAGE, model_name=model, max_new_tokens="4")
        assert reply.status_code == 200, reply.text
        assert server.client.get("/models").json()["loaded_models"] == [model]
