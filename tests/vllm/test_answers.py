"""What comes out of a document: by vLLM, by transformers, one page or many, with every option."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from tests.contract.running import Server, assert_problem
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.patience import ocr

MODELS = ("glm-ocr", "deepseek-ocr", "deepseek-ocr2")
SIZE = (500, 700)
PAGES = [
    page("first words", size=SIZE),
    page("second", ("title", "left", "table"), SIZE),
    page("c", ("figure", "formula"), SIZE),
]
SHORT = {"max_new_tokens": "24"}


def read(server: Server, data: bytes, model: str, **options: str) -> dict[str, Any]:
    reply = ocr(server, data, model_name=model, **{**SHORT, **options})
    assert reply.status_code == 200, reply.text
    result: dict[str, Any] = reply.json()
    return result


@pytest.mark.parametrize("model", MODELS)
def test_an_image_and_a_pdf_are_read(everything: Server, model: str) -> None:
    image = read(everything, encoded(PAGES[0]), model)
    assert image["text"].strip()
    assert image["markdown"].strip()
    assert image["blocks"]
    assert image["verdict"] in {"ok", "truncated"}
    assert 0 < image["confidence"] <= 1
    assert image["confidence_basis"] == "token+heuristic"
    document = read(everything, pdf(*PAGES), model)
    assert (document["total_pages"], document["processed_pages"], document["status"]) == (3, 3, "success")
    texts = [each["text"] for each in document["pages"]]
    assert all(text.strip() for text in texts)
    assert len(set(texts)) == 3


@pytest.mark.parametrize("model", MODELS)
def test_many_together_come_out_as_one_by_one(everything: Server, model: str) -> None:
    alone = [read(everything, encoded(each), model)["markdown"] for each in PAGES]
    with ThreadPoolExecutor(9) as callers:
        together = list(callers.map(lambda each: read(everything, encoded(each), model)["markdown"], PAGES * 3))
    assert together == alone * 3


@pytest.mark.parametrize("model", ["glm-ocr"])
@pytest.mark.parametrize("number", range(3))
def test_vllm_and_transformers_agree_on_text_and_confidence(
    everything: Server, in_process: Server, model: str, number: int
) -> None:
    data = encoded(PAGES[number])
    served, here = read(everything, data, model), read(in_process, data, model)
    assert here["markdown"] == served["markdown"]
    assert [block["type"] for block in here["blocks"]] == [block["type"] for block in served["blocks"]]
    for ours, theirs in zip(here["blocks"], served["blocks"], strict=True):
        assert ours["content"] == theirs["content"]
        assert ours["confidence"] == pytest.approx(theirs["confidence"], abs=1e-3)
    assert here["confidence"] == pytest.approx(served["confidence"], abs=1e-3)


def test_transformers_reads_deepseek_ocr2_too(in_process: Server) -> None:
    document = read(in_process, pdf(*PAGES), "deepseek-ocr2")
    assert all(each["text"].strip() for each in document["pages"])
    assert 0 < document["confidence"] <= 1
    state = {row["name"]: row for row in in_process.client.get("/models").json()["models"]}
    assert state["deepseek-ocr"]["state"] == "absent"
    assert "read by vllm only" in state["deepseek-ocr"]["reason"]


def test_the_regions_of_a_page_are_blocks_in_reading_order(everything: Server) -> None:
    result = read(everything, encoded(page("a", size=SIZE)), "glm-ocr")
    types = [block["type"] for block in result["blocks"]]
    assert types[:3] == ["doc_title", "text", "text"]
    assert {"table", "display_formula", "image", "number"} <= set(types)
    assert [block["order"] for block in result["blocks"]] == list(range(len(types)))
    assert result["markdown"].startswith("# ")
    [formula] = (block["content"] for block in result["blocks"] if block["type"] == "display_formula")
    assert f"$$\n{formula}\n$$" in result["markdown"]
    [number] = (block["content"] for block in result["blocks"] if block["type"] == "number")
    assert number
    assert number not in result["markdown"]
    for block in result["blocks"]:
        if block["format"] == "image":
            assert f"![]({block['content']})" in result["markdown"]
        x0, y0, x1, y1 = block["bbox"]
        assert 0 <= x0 < x1 <= SIZE[0]
        assert 0 <= y0 < y1 <= SIZE[1]


def test_every_block_says_how_it_came_out(everything: Server) -> None:
    result = read(everything, encoded(page("a", ("title", "figure"), SIZE)), "glm-ocr", max_new_tokens="3")
    verdicts = {block["type"]: block["verdict"] for block in result["blocks"]}
    assert verdicts == {"doc_title": "truncated", "image": "ok"}
    assert result["verdict"] == "truncated"


@pytest.mark.parametrize("model", MODELS)
def test_a_loop_is_read_again_and_what_stays_one_is_called_so(everything: Server, model: str) -> None:
    """A price below 1 is a reward: whatever was said is said again."""
    data = encoded(page("a", ("title",), SIZE))
    result = read(everything, data, model, repetition_penalty="0.05", max_new_tokens="120")
    assert result["verdict"] in {"truncated", "ok"}, "the last attempt has a price on repetition"


@pytest.mark.parametrize("model", MODELS)
def test_a_blank_page_is_not_shown_to_the_model(everything: Server, model: str) -> None:
    result = read(everything, encoded(Image.new("RGB", SIZE, "white")), model)
    assert (result["verdict"], result["text"], result["blocks"]) == ("blank", "", [])
    assert result["confidence"] == 1


def test_prompts_by_name_and_of_ones_own(everything: Server) -> None:
    data = encoded(PAGES[0])
    found = {
        prompt: read(everything, data, "deepseek-ocr", prompt=prompt)["text"]
        for prompt in ("Extract all text", "document", "ocr", "Free OCR.", "What is the total?")
    }
    assert found["Extract all text"] == found["document"]
    assert found["ocr"] == found["Free OCR."]
    assert len(set(found.values())) == 3


def test_a_prompt_of_ones_own_is_asked_about_the_whole_page(everything: Server) -> None:
    result = read(everything, encoded(PAGES[0]), "glm-ocr", prompt="Total and currency as JSON:")
    [block] = result["blocks"]
    assert block["bbox"] == [0, 0, *SIZE]


def test_without_confidence_none_is_worked_out(everything: Server) -> None:
    result = read(everything, encoded(PAGES[0]), "glm-ocr", return_confidence="false")
    assert result["confidence"] is None
    assert all(block["confidence"] is None for block in result["blocks"] if block["format"] != "image")


def test_what_the_model_cannot_take_is_refused(everything: Server) -> None:
    data = encoded(PAGES[0])
    reply = ocr(everything, data, model_name="deepseek-ocr", prompt="鬱" * 7000, max_new_tokens="24")
    assert "deepseek-ocr cannot read this: " in assert_problem(reply, 422, "bad_option")["detail"]
    reply = ocr(everything, data, model_name="deepseek-ocr", temperature="3")
    assert_problem(reply, 422, "bad_option")


@pytest.mark.parametrize("size", [(3, 3), (5, 900), (900, 5), (40, 40)])
def test_tiny_and_slender_images_are_read_like_others(everything: Server, size: tuple[int, int]) -> None:
    image = Image.effect_noise(size, 200).convert("RGB")
    for model in MODELS:
        assert read(everything, encoded(image), model)["verdict"] in {"ok", "truncated", "blank"}
