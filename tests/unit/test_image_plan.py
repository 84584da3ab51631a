"""What an image of certain models is made of, and that the Dockerfile has a place for all of it."""

import re
from pathlib import Path

import pytest

from scripts.image.plan import PlanError, plan
from server import catalog

ROOT = Path(__file__).parents[2]


def test_the_cpu_image_holds_the_two_small_engines(tmp_path: Path) -> None:
    made = plan("cpu", [], "cpu", [], tmp_path)
    assert made.served == ("pp-ocr", "tesseract")
    assert (made.weights, made.stacks) == ((), ())
    assert "tesseract-ocr-rus" in made.packages


def test_only_what_the_models_need(tmp_path: Path) -> None:
    made = plan("gpu", ["paddleocr-vl-1.6", "UVDoc"], "cpu", [], tmp_path)
    assert made.served == ("paddleocr-vl-1.6", "pp-ocr")
    assert made.weights == ("PP-DocLayoutV3", "PaddleOCR-VL-1.6", "UVDoc")
    assert made.stacks == ("paddle",)
    assert not {"gcc", "tesseract-ocr", "libnuma1"} & set(made.packages)


def test_a_stack_may_be_asked_for(tmp_path: Path) -> None:
    assert plan("gpu", ["paddleocr-vl"], "cpu", ["vllm"], tmp_path).stacks == ("paddle", "vllm")


def test_a_compiler_is_there_for_triton_alone(tmp_path: Path) -> None:
    assert "gcc" in plan("gpu", ["glm-ocr"], "cu130", [], tmp_path).packages
    assert "gcc" not in plan("gpu", ["glm-ocr"], "cpu", [], tmp_path).packages


def test_weights_that_models_share_are_there_once(tmp_path: Path) -> None:
    made = plan("gpu", ["paddleocr-vl-1.5", "paddleocr-vl-1.6", "tesseract"], "cpu", [], tmp_path)
    assert made.weights == ("PP-DocLayoutV3", "PaddleOCR-VL-1.5", "PaddleOCR-VL-1.6")
    assert made.served[-2:] == ("tesseract", "pp-ocr")


def test_a_further_model_brings_its_own_entry(tmp_path: Path) -> None:
    entry = re.search(r"```toml\n(.*?)```", (ROOT / "docs/models.md").read_text("utf-8"), re.DOTALL)
    assert entry
    (tmp_path / "catalog.toml").write_text(entry[1], "utf-8")
    made = plan("gpu", ["qwen3-vl-8b"], "cu130", [], tmp_path)
    assert (made.served[0], made.weights, made.stacks) == ("qwen3-vl-8b", ("Qwen3-VL-8B-Instruct",), ("vllm",))


@pytest.mark.parametrize(
    ("target", "models", "cuda", "more", "said"),
    [
        ("gpu", "", "cpu", "", "TARGET=gpu needs MODELS"),
        ("gpu", "UVDoc", "cpu", "", "TARGET=gpu needs MODELS"),
        ("gpu", "paddle", "cpu", "", "MODELS names 'paddle'; there are: pp-ocr"),
        ("gpu", "glm-ocr", "", "", "TARGET=gpu needs CUDA=cu126|cu129|cu130"),
        ("gpu", "glm-ocr", "cu999", "", "CUDA=cu999 is not a flavour of the image"),
        ("gpu", "glm-ocr", "cpu", "vlm", "STACKS names 'vlm'"),
        ("cpu", "glm-ocr", "", "", "glm-ocr needs TARGET=gpu"),
        ("cpu", "", "", "vllm", "STACKS names 'vllm'; for TARGET=gpu"),
        ("tpu", "glm-ocr", "cpu", "", "TARGET is cpu or gpu, not 'tpu'"),
    ],
)
def test_what_cannot_be_built_is_said(
    tmp_path: Path, target: str, models: str, cuda: str, more: str, said: str
) -> None:
    with pytest.raises(PlanError, match=re.escape(said)):
        plan(target, models.split(), cuda, more.split(), tmp_path)


def test_the_dockerfile_has_a_stage_and_a_layer_for_all_weights() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    for name in catalog.read_weights():
        stage = "weights-" + name.lower().replace("_", "-")
        recipe = re.search(rf"^FROM weights AS {re.escape(stage)}\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
        assert recipe, stage
        assert recipe[1].endswith(f" /out {name}")
        assert text.count(f"COPY --from={stage} /out/ /\n") == 1


def test_nothing_in_the_build_hides_a_failure() -> None:
    for path in (ROOT / "Dockerfile", ROOT / "Makefile", *(ROOT / "scripts").rglob("*.sh")):
        text = path.read_text("utf-8")
        assert "|| true" not in text
        assert "; exit 0" not in text
    for path in (ROOT / "scripts").rglob("*.sh"):
        assert "\nset -eu\n" in path.read_text("utf-8")
