"""`POST /ocr`: documents in, their text out, in every form of request and reply."""

import base64
import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from typing import Any

import httpx2
import openpyxl
import pytest
from PIL import Image
from pypdf import PdfWriter

from tests import makers
from tests.contract import samples
from tests.contract.running import Server, assert_problem, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

COMMON = {
    *("model", "prompt", "file_type", "input_type", "text", "markdown", "fields", "confidence", "confidence_basis"),
    *("status", "timing", "elapsed_sec", "request_id", "timestamp"),
}
IMAGE = COMMON | {"blocks", "block_markup", "width", "height", "verdict"}
PDF = COMMON | {"total_pages", "processed_pages", "pages", "combined_text", "confidence_per_page"}
PAGE = {
    *("page_number", "width", "height", "text", "markdown", "blocks", "confidence", "confidence_basis", "verdict"),
    *("error", "timing_seconds", "block_markup"),
}


def _post(client: httpx2.Client, data: bytes, accept: str = "*/*", name: str = "x", **fields: str) -> httpx2.Response:
    return client.post("/ocr", files={"file": (name, data)}, data=fields, headers={"Accept": accept})


def _json(client: httpx2.Client, data: bytes, prefix: str = "", **fields: Any) -> dict[str, Any]:
    text = prefix + base64.b64encode(data).decode()
    reply = client.post("/ocr", json={"image_base64": text, **fields})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_the_reply_for_an_image(client: httpx2.Client) -> None:
    reply = _post(client, samples.png(), name="a.png")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    body = reply.json()
    assert set(body) == IMAGE
    assert (body["model"], body["prompt"], body["status"]) == ("pp-ocr", "Extract all text", "success")
    assert (body["file_type"], body["input_type"], body["verdict"]) == ("image", "multipart", "ok")
    assert body["text"] == samples.WORDS
    assert body["request_id"] == reply.headers["x-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", body["timestamp"])
    assert 0.5 < body["confidence"] <= 1
    assert body["confidence_basis"] == "token+heuristic"
    assert set(body["timing"]) == {"inference_seconds", "total_seconds"}
    assert 0 < body["timing"]["inference_seconds"] <= body["timing"]["total_seconds"] == body["elapsed_sec"]
    [block] = body["blocks"]
    assert set(block) == {"type", "bbox", "content", "format", "order", "confidence", "verdict", "original"}
    x0, y0, x1, y1 = block["bbox"]
    assert 0 <= x0 < x1 <= body["width"]
    assert 0 <= y0 < y1 <= body["height"]


def test_the_reply_for_a_pdf(client: httpx2.Client) -> None:
    body = _post(client, samples.pdf(3)).json()
    assert set(body) == PDF
    assert (body["file_type"], body["status"]) == ("pdf", "success")
    assert (body["total_pages"], body["processed_pages"]) == (3, 3)
    assert [set(page) for page in body["pages"]] == [PAGE] * 3
    assert [(page["page_number"], page["text"]) for page in body["pages"]] == [(n, f"Sheet {n}") for n in (1, 2, 3)]
    assert [(page["verdict"], page["error"]) for page in body["pages"]] == [("ok", None)] * 3
    assert body["combined_text"] == (
        "[Страница 1]\nSheet 1\n\n--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---\n\n[Страница 2]\nSheet 2"
        "\n\n--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---\n\n[Страница 3]\nSheet 3"
    )
    assert body["confidence_per_page"] == [page["confidence"] for page in body["pages"]]
    assert body["confidence"] == min(body["confidence_per_page"])
    assert set(body["timing"]) == {"total_seconds", "pages"}
    assert [each["page_number"] for each in body["timing"]["pages"]] == [1, 2, 3]
    assert all(f"Sheet {n}" in body["markdown"] for n in (1, 2, 3))
    assert "Страница" not in body["markdown"]


def test_ways_to_send_a_document(client: httpx2.Client) -> None:
    image, document = samples.png(), samples.pdf(1)
    alias = client.post("/ocr", files={"image": ("a.png", image)}).json()
    assert (alias["text"], alias["input_type"]) == (samples.WORDS, "multipart")
    for body in (_json(client, image), _json(client, image, "data:image/png;base64,")):
        assert (set(body), body["text"], body["input_type"]) == (IMAGE, samples.WORDS, "base64")
    # the declared type is not believed
    for body in (_json(client, document), _json(client, document, "data:image/png;base64,")):
        assert (set(body), body["combined_text"], body["file_type"]) == (PDF, "[Страница 1]\nSheet 1", "pdf")
    text = base64.b64encode(image).decode()
    for form in ({"data": {"image_base64": text}}, {"files": {"image_base64": (None, text)}}):
        body = client.post("/ocr", **form).json()
        assert (body["text"], body["input_type"]) == (samples.WORDS, "base64")


def test_chosen_pages(client: httpx2.Client) -> None:
    body = _post(client, samples.pdf(5), pages="4,2-2").json()
    assert (body["total_pages"], body["processed_pages"]) == (5, 2)
    assert [page["text"] for page in body["pages"]] == ["Sheet 2", "Sheet 4"]
    assert _json(client, samples.pdf(5), pages=3)["combined_text"] == "[Страница 3]\nSheet 3"


@pytest.fixture(scope="module")
def table() -> bytes:
    """A ruled table of two columns and three rows."""

    def draw(canvas: Any, _: int) -> None:
        canvas.setFont("Helvetica", 24)
        for row, cells in enumerate((("Article", "Price"), ("Apples", "120"), ("Pears", "345"))):
            for column, cell in enumerate(cells):
                canvas.rect(40 + 200 * column, 200 - 60 * row, 200, 60)
                canvas.drawString(55 + 200 * column, 220 - 60 * row, cell)

    return makers.pdf(1, (480, 300), draw)


def test_the_form_that_accept_asks_for(client: httpx2.Client, table: bytes) -> None:
    def get(accept: str) -> httpx2.Response:
        reply = _post(client, table, accept)
        assert reply.status_code == 200
        assert reply.headers["x-request-id"]
        return reply

    markdown = get("text/markdown")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "Apples" in markdown.text
    assert "{" not in markdown.text
    text = get("text/plain;q=0.9, */*;q=0.1")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Pears" in text.text
    page = get("text/html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Pears" in page.text
    assert page.text.startswith("<!doctype html>")
    sheet = get("text/csv")
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(sheet.text))) == [["Article", "Price"], ["Apples", "120"], ["Pears", "345"]]
    book = get(XLSX)
    assert book.headers["content-type"] == XLSX
    [tab] = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets
    assert tab.title == "p1 t1"
    assert [list(row) for row in tab.values] == [["Article", "Price"], ["Apples", 120], ["Pears", 345]]
    archive = get("application/zip")
    assert archive.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        assert files.testzip() is None
        assert {f"document.{suffix}" for suffix in ("md", "json", "txt", "html")} <= set(files.namelist())
        assert files.read("tables.xlsx") == book.content
        assert json.loads(files.read("document.json"))["total_pages"] == 1
        assert "Apples" in files.read("document.md").decode()
    for accept in ("application/json", "image/avif, */*", ""):
        assert get(accept).headers["content-type"] == "application/json"


def test_further_formats_in_the_reply(client: httpx2.Client) -> None:
    body = _post(client, samples.png(), formats="md,text, html,csv,zip,json,xlsx").json()
    outputs = body.pop("outputs")
    assert set(outputs) == {"md", "text", "html", "csv", "zip", "json", "xlsx"}
    assert len(openpyxl.load_workbook(io.BytesIO(base64.b64decode(outputs["xlsx"]))).worksheets) == 1
    assert outputs["text"] == samples.WORDS
    assert json.loads(outputs["json"]) == body
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(outputs["zip"]))) as files:
        assert files.read("document.md").decode() == outputs["md"] == body["markdown"]
    assert set(_json(client, samples.png(), formats=["md"])["outputs"]) == {"md"}


def test_fields_of_every_page(client: httpx2.Client) -> None:
    def draw(canvas: Any, number: int) -> None:
        canvas.setFont("Helvetica", 20)
        canvas.drawString(30, 180, f"Invoice No: A-{number}")
        canvas.drawString(30, 150, "Due Date: 2024-02-05")

    body = _post(client, makers.pdf(2, (400, 240), draw)).json()
    assert [(field["name"], field["value"], field["page"]) for field in body["fields"]] == [
        ("Invoice No", "A-1", 1),
        ("Due Date", "2024-02-05", 1),
        ("Invoice No", "A-2", 2),
        ("Due Date", "2024-02-05", 2),
    ]
    for field in body["fields"]:
        x0, y0, x1, y1 = field["bbox"]
        assert 0 <= x0 < 60
        assert 200 < x1 <= 400
        assert 0 <= y0 < y1 <= 240
        assert 0.5 < field["confidence"] <= 1
    assert body["fields"][0]["bbox"][3] <= body["fields"][1]["bbox"][1] + 1
    assert _post(client, samples.png("Plain words")).json()["fields"] == []


def test_what_may_be_left_out(client: httpx2.Client) -> None:
    lean = _post(client, samples.pdf(2), return_content="false", return_confidence="false").json()
    assert set(lean) == PDF
    for name in (
        "text",
        "markdown",
        "fields",
        "combined_text",
        "confidence",
        "confidence_basis",
        "confidence_per_page",
    ):
        assert lean[name] is None, name
    for page in lean["pages"]:
        assert (page["text"], page["markdown"], page["blocks"], page["confidence"]) == (None, None, None, None)
        assert page["verdict"] == "ok"
    image = _json(client, samples.png(), return_confidence=False)
    assert (image["text"], image["confidence"], image["confidence_basis"]) == (samples.WORDS, None, None)


def test_saved_results(server: Server, client: httpx2.Client) -> None:
    before = len(client.get("/files").json()["files"])
    body = _post(client, samples.png(), name="../../etc/Счёт 7.png", save="true", formats="csv,xlsx").json()
    assert set(body) == IMAGE | {"local_files", "outputs"}
    assert set(body["local_files"]) == {"markdown", "json", "csv", "xlsx"}
    for kind, address in body["local_files"].items():
        suffix = {"markdown": "md"}.get(kind, kind)
        assert re.fullmatch(rf"/files/{kind}/\d{{8}}_\d{{6}}_Счёт_7_[0-9a-f]{{8}}\.{suffix}", address)
    rows = client.get("/files").json()["files"]
    assert len(rows) == before + 4
    assert [row["created"] for row in rows] == sorted((row["created"] for row in rows), reverse=True)
    mine = {row["type"]: row for row in rows if row["url"] in body["local_files"].values()}
    assert set(mine["json"]) == {"type", "name", "size", "created", "expires", "url"}
    saved = client.get(mine["markdown"]["url"])
    assert saved.text == body["markdown"]
    assert saved.headers["content-type"] == "text/markdown; charset=utf-8"
    assert len(saved.content) == mine["markdown"]["size"]
    as_json = client.get(mine["json"]["url"]).json()
    assert {**body, "local_files": None, "outputs": None} == {**as_json, "local_files": None, "outputs": None}
    assert list((server.folder / "data").glob("**/passwd*")) == []
    assert_problem(client.get("/files/json/" + mine["markdown"]["name"]), 404, "not_found")


def test_two_results_of_one_second_do_not_collide(client: httpx2.Client) -> None:
    replies = [_post(client, samples.png("Same"), name="same.png", save="true").json() for _ in range(2)]
    assert replies[0]["local_files"]["json"] != replies[1]["local_files"]["json"]


def _rgba(image: Image.Image) -> bytes:
    """Black text on nothing: what is under the clear part is black too."""
    clear = Image.new("RGBA", image.size, (0, 0, 0, 0))
    clear.putalpha(image.convert("L").point(lambda value: 255 - value))
    return makers.encode(clear, "PNG")


def _sixteen_bits(image: Image.Image) -> bytes:
    grey = image.convert("L").convert("I").point(lambda value: value * 257)
    return makers.encode(grey.convert("I;16"), "PNG")


def _exif(image: Image.Image) -> bytes:
    """Lying on its side, with an EXIF block that says how to turn it (6: a quarter clockwise)."""
    exif = Image.Exif()
    exif[274] = 6
    return makers.encode(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)


KINDS: dict[str, Callable[[Image.Image], bytes]] = {
    "alpha": _rgba,
    "cmyk": lambda image: makers.encode(image.convert("CMYK"), "JPEG", quality=95),
    "16 bits": _sixteen_bits,
    "1 bit": lambda image: makers.encode(image.convert("1"), "PNG"),
    "palette": lambda image: makers.encode(image.convert("P"), "PNG"),
    "grey and alpha": lambda image: makers.encode(image.convert("LA"), "PNG"),
    "exif": _exif,
    "gif": lambda image: makers.encode(image, "GIF"),
    "bmp": lambda image: makers.encode(image, "BMP"),
    "webp": lambda image: makers.encode(image, "WEBP", lossless=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_comes_out_with_the_same_text(client: httpx2.Client, kind: str) -> None:
    image = makers.text_image("Delivery note 4711\nFour chairs", 40)
    body = _post(client, KINDS[kind](image)).json()
    assert body["text"] == "Delivery note 4711\nFour chairs"
    assert (body["width"], body["height"]) == image.size


def test_every_page_of_a_tiff(client: httpx2.Client) -> None:
    pages = [makers.text_image(f"Leaf {number}") for number in (1, 2, 3)]
    data = makers.encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    body = _post(client, data).json()
    assert set(body) == PDF
    assert (body["file_type"], body["total_pages"]) == ("image", 3)
    assert [page["text"] for page in body["pages"]] == ["Leaf 1", "Leaf 2", "Leaf 3"]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_pages_of_a_pdf(client: httpx2.Client, degrees: int) -> None:
    """A page whose content lies turned, and which says so, is upright for the engine."""
    upright = samples.pdf(1, "Rotated", (300, 160))

    def turn(writer: PdfWriter) -> None:
        writer.pages[0].rotate(degrees)
        writer.pages[0].transfer_rotation_to_content()
        writer.pages[0].rotate(-degrees % 360)

    body = _post(client, makers.changed_pdf(upright, turn)).json()
    assert body["combined_text"] == "[Страница 1]\nRotated 1"
    assert (body["pages"][0]["width"], body["pages"][0]["height"]) == (300, 160)


def test_a_blank_page_is_said_to_be_blank(client: httpx2.Client) -> None:
    body = _post(client, makers.plain("PNG", (300, 200), "white")).json()
    assert (body["text"], body["markdown"], body["blocks"], body["verdict"]) == ("", "", [], "blank")


def test_one_damaged_page_spoils_no_other(client: httpx2.Client) -> None:
    body = _post(client, makers.damaged_page_pdf()).json()
    assert (body["status"], body["total_pages"], body["processed_pages"]) == ("partial", 3, 2)
    assert [page["verdict"] for page in body["pages"]] == ["blank", "failed", "blank"]
    assert "Page 2" in body["pages"][1]["error"]
    assert body["confidence"] == 0


def test_unknown_model_and_options(client: httpx2.Client) -> None:
    image = samples.png()
    problem = assert_problem(_post(client, image, model_name="gpt-9"), 404, "unknown_model")
    assert "pp-ocr" in problem["detail"]
    for name, value in {
        "colour": "red",
        "lang": "eng",  # another model's option
        "return_content": "perhaps",
        "formats": "docx",
        "save": "2",
        "prompt": "x" * 8001,
    }.items():
        problem = assert_problem(_post(client, image, **{name: value}), 422, "bad_option")
        assert name in problem["detail"]


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
def test_another_model_with_an_option_of_its_own(client: httpx2.Client) -> None:
    image = samples.png("Order number 42")
    body = _post(client, image, model_name="tesseract", lang="eng").json()
    assert (body["model"], body["text"]) == ("tesseract", "Order number 42")
    for lang in ("../eng", "eng;id", "e", "eng+", "-eng"):
        assert_problem(_post(client, image, model_name="tesseract", lang=lang), 422, "bad_option")
    problem = assert_problem(_post(client, image, model_name="tesseract", lang="xxx"), 422, "bad_option")
    assert "xxx" in problem["detail"]


def test_results_expire(start: Start) -> None:
    server = start(PRELOAD="none", RESULT_TTL_S="1").live()
    address = server.ocr(samples.png(), save="true").json()["local_files"]["json"]
    wait_for(lambda: server.client.get(address).status_code == 404, "the result expires")
    wait_for(lambda: server.client.get("/files").json() == {"files": []}, "so do those that were written after it")
    folder = server.folder / "data"
    wait_for(
        lambda: not [path for path in (folder / "results").glob("**/*") if path.is_file()], "the files are deleted"
    )


def test_a_prompt_is_given_back(client: httpx2.Client) -> None:
    assert _json(client, samples.png(), prompt="Only the total")["prompt"] == "Only the total"
