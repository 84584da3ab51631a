"""The same page in other wrappings is read as the same text; options that cannot be are refused."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.contract.running import Server, assert_problem, wait_for
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.patience import PATIENT, loaded, ocr

PLAIN = page("the same text", ("title", "left", "table", "figure"))


def read(server: Server, data: bytes, **options: Any) -> dict[str, Any]:
    body = {
        "image_base64": base64.b64encode(data).decode(),
        "model_name": "paddleocr-vl",
        "max_new_tokens": 8,
        **options,
    }
    reply = server.client.post("/ocr", json=body)
    assert reply.status_code == 200, reply.text
    result: dict[str, Any] = reply.json()
    return result


@pytest.fixture(scope="module")
def plain(server: Server) -> dict[str, Any]:
    return read(server, encoded(PLAIN))


def _clear_paper() -> Image.Image:
    """Black ink on nothing at all."""
    ink = PLAIN.convert("L").point(lambda grey: 255 - grey)
    clear = Image.new("RGBA", PLAIN.size, (0, 0, 0, 0))
    clear.putalpha(ink)
    return clear


def _sixteen_bit() -> Image.Image:
    return Image.fromarray(np.asarray(PLAIN.convert("L")).astype(np.uint16) * 257)


def _rotated_photo() -> bytes:
    """The pixels lie on their side; EXIF says so (orientation 6: turn by 90° clockwise)."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(PLAIN.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)


@pytest.mark.parametrize(
    "data",
    [
        encoded(PLAIN.convert("RGBA")),
        encoded(_clear_paper()),
        encoded(_sixteen_bit(), "TIFF"),
        _rotated_photo(),
        encoded(PLAIN.convert("L"), "BMP"),
    ],
    ids=["alpha", "clear paper", "16-bit TIFF", "rotated photo", "grey BMP"],
)
def test_an_image_in_another_form(server: Server, plain: dict[str, Any], data: bytes) -> None:
    found = read(server, data)
    assert found["markdown"] == plain["markdown"]
    assert found["text"] == plain["text"] != ""
    assert found["blocks"] == plain["blocks"]


def test_a_pdf_in_base64(server: Server) -> None:
    document = pdf(PLAIN)
    as_file = ocr(server, document, model_name="paddleocr-vl", max_new_tokens="8").json()
    in_base64 = read(server, document)
    assert in_base64["file_type"] == "pdf"
    assert in_base64["markdown"] == as_file["markdown"] != ""


def test_a_page_is_told_in_blocks_text_and_verdict(plain: dict[str, Any]) -> None:
    assert [block["type"] for block in plain["blocks"]] == ["doc_title", "text", "table", "image"]
    assert [block["order"] for block in plain["blocks"]] == [0, 1, 2, 3]
    assert plain["blocks"][0]["bbox"] == [51, 27, 589, 81]
    assert plain["blocks"][3]["format"] == "image"
    assert plain["blocks"][3]["content"] in plain["markdown"]
    assert plain["confidence_basis"] == "heuristic"
    assert plain["verdict"] == "truncated"  # eight tokens are few
    assert plain["engine_result"]["parsing_res_list"][0]["block_label"] == "doc_title"


def test_what_was_cut_off_is_still_there_in_all_coordinates(server: Server) -> None:
    """Blocks and PaddleX's own JSON tell of the page as it was sent; figures have the names that the Markdown has."""
    wide = Image.new("RGB", (PLAIN.width + 300, PLAIN.height + 200), "white")
    wide.paste(PLAIN, (300, 200))
    found = read(server, encoded(wide), preprocess=["crop"], formats=["zip"], return_content=True)
    [cropped] = found["preprocessing"]
    x0, y0, x1, y1 = cropped["bbox"]
    assert cropped["applied"]
    assert x0 > 200
    assert (found["width"], found["height"]) == wide.size
    result = found["engine_result"]
    assert (result["width"], result["height"]) == wide.size
    assert [block["bbox"] for block in found["blocks"]] == [each["block_bbox"] for each in result["parsing_res_list"]]
    for box in (block["bbox"] for block in found["blocks"]):
        assert x0 <= box[0] < box[2] <= x1
        assert y0 <= box[1] < box[3] <= y1
    [figure] = [block["content"] for block in found["blocks"] if block["format"] == "image"]
    assert figure in found["markdown"]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found["outputs"]["zip"]))) as archive:
        assert any(name.endswith(figure.rpartition("/")[2]) for name in archive.namelist())


def test_a_blank_page_is_said_to_be_so(server: Server) -> None:
    blank = read(server, encoded(page("", ())))
    assert (blank["verdict"], blank["text"], blank["markdown"]) == ("blank", "", "")


def test_a_loop_is_said_to_be_one(start: Callable[..., Server], home: Path) -> None:
    """Without attention every token follows from the one before it: a model that can only go round in circles."""
    (home / "models.lock.json").unlink()
    file = home / "official_models/PaddleOCR-VL/model.safetensors"
    with file.open("r+b") as weights:
        length = int.from_bytes(weights.read(8), "little")
        for name, entry in json.loads(weights.read(length)).items():
            if name.endswith(("self_attn.o_proj.weight", "mlp.down_proj.weight")):
                begin, end = entry["data_offsets"]
                weights.seek(8 + length + begin)
                weights.write(bytes(end - begin))
    server = loaded(start(PADDLEX_HOME=str(home), PRELOAD="paddleocr-vl", **PATIENT))
    looping = read(server, encoded(page("a", ("left",))), max_new_tokens=400)
    assert looping["verdict"] == "repetition"
    assert looping["status"] == "success"


def test_what_is_cut_to_nothing_is_not_blank(server: Server) -> None:
    options = {"use_layout_detection": False, "prompt_label": "spotting", "max_new_tokens": 8}
    found = read(server, encoded(PLAIN), **options)
    assert (found["text"], found["verdict"]) == ("", "truncated")


def test_too_few_pixels_for_a_region_are_the_callers_mistake(server: Server) -> None:
    body = {"image_base64": base64.b64encode(encoded(PLAIN)).decode(), "model_name": "paddleocr-vl", "max_pixels": 784}
    problem = assert_problem(server.client.post("/ocr", json=body), 422, "bad_option")
    assert problem["detail"] == "max_pixels: 784 are too few for a region of the page."


def test_without_the_weights_of_an_option_the_model_is_there_and_the_option_refused(
    start: Callable[..., Server], home: Path
) -> None:
    (home / "official_models/UVDoc/inference.pdiparams").unlink()
    server = loaded(start(PADDLEX_HOME=str(home), PRELOAD="paddleocr-vl", **PATIENT))
    body = {
        "image_base64": base64.b64encode(encoded(PLAIN)).decode(),
        "model_name": "paddleocr-vl",
        "max_new_tokens": 4,
    }
    assert server.client.post("/ocr", json=body | {"use_doc_orientation_classify": True}).status_code == 200
    refused = server.client.post("/ocr", json=body | {"use_doc_unwarping": True})
    assert "UVDoc" in assert_problem(refused, 422, "bad_option")["detail"]
    wait_for(
        lambda: any("UVDoc/inference.pdiparams is missing" in line["event"] for line in server.log()),
        "the log says why",
    )


def test_tables_as_markdown(server: Server) -> None:
    options = {"use_layout_detection": False, "prompt_label": "table", "max_new_tokens": 60}
    pages = [encoded(page(f"cells {number}", ("table",))) for number in range(6)]
    both = [[read(server, data, table_format=form, **options) for form in ("html", "markdown")] for data in pages]
    found = [(html, markdown) for html, markdown in both if "<table" in html["markdown"]]
    assert found
    for html, markdown in found:
        assert "<table" not in markdown["markdown"]
        assert "| --- |" in markdown["markdown"]
        assert html["blocks"] == markdown["blocks"]
        assert html["blocks"][0]["format"] == "table-html"


def test_a_page_on_its_side_is_turned_when_asked(server: Server) -> None:
    """Boxes stay in pixels of the page as it was sent."""
    marked = page("upright", ("left", "right"))
    marked.paste("black", (0, 0, 45, 45))
    upright = read(server, encoded(marked), use_doc_orientation_classify=True)
    assert upright["engine_result"]["doc_preprocessor_res"]["angle"] == 0
    for quarters, turn in (
        (1, Image.Transpose.ROTATE_90),
        (2, Image.Transpose.ROTATE_180),
        (3, Image.Transpose.ROTATE_270),
    ):
        sent = marked.transpose(turn)
        found = read(server, encoded(sent), use_doc_orientation_classify=True)
        assert found["engine_result"]["doc_preprocessor_res"]["angle"] != 0
        assert (found["width"], found["height"]) == sent.size
        assert [block["type"] for block in found["blocks"]] == ["text", "text"]
        x0, y0, x1, y1 = upright["blocks"][0]["bbox"]
        width, height = marked.size
        wanted = {1: (y0, width - x1, y1, width - x0), 2: (width - x1, height - y1, width - x0, height - y0)}
        wanted[3] = (height - y1, x0, height - y0, x1)
        assert found["blocks"][0]["bbox"] == pytest.approx(wanted[quarters], abs=2)


def test_a_curved_page_is_flattened_when_asked(server: Server) -> None:
    """The tiny model mirrors: what stood on the left is found on the right."""
    found = read(server, encoded(page("x", ("left",))), use_doc_unwarping=True)
    assert [block["bbox"][0] > 320 for block in found["blocks"]] == [True]
    assert found["warnings"] == ["boxes are in pixels of the flattened page"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": 3}, "temperature: 3 will not do"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0 will not do"),
        ({"prompt_label": "poem"}, "one of ocr, formula, table, chart, seal, spotting"),
        ({"min_pixels": 2000, "max_pixels": 1000}, "min_pixels: 2000 is more than max_pixels, which is 1000."),
        ({"layout_treshold": 0.5}, "paddleocr-vl has no such option"),
        ({"layout_threshold": {"0": 7}}, "an object from class numbers to such values"),
    ],
    ids=str,
)
def test_options_that_cannot_be(server: Server, options: dict[str, Any], said: str) -> None:
    body = {"image_base64": base64.b64encode(encoded(PLAIN)).decode(), "model_name": "paddleocr-vl", **options}
    assert said in assert_problem(server.client.post("/ocr", json=body), 422, "bad_option")["detail"]


def test_the_options_are_listed(server: Server) -> None:
    rows = {row["name"]: row for row in server.client.get("/models").json()["models"]}
    option = rows["paddleocr-vl-1.6"]["options"]["max_new_tokens"]
    assert (option["type"], option["default"], option["least"], option["most"]) == ("integer", None, 1, 32768)
