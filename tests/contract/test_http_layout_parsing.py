"""PaddleX's wire format, with a model that is not PaddleX's."""

import base64
import io
import json
import re
import socket
from typing import Any

import httpx2
import pytest
from PIL import Image, ImageDraw

from tests import makers
from tests.contract import samples
from tests.contract.running import TOKEN, Server, assert_error

pytestmark = pytest.mark.contract

DEEP = json.loads("[" * 40 + "]" * 40)


def layout(client: httpx2.Client, data: bytes, **fields: Any) -> httpx2.Response:
    return client.post("/layout-parsing", json={"file": base64.b64encode(data).decode(), **fields})


def result(client: httpx2.Client, data: bytes, **fields: Any) -> dict[str, Any]:
    reply = layout(client, data, **fields)
    assert reply.status_code == 200, reply.text
    read: dict[str, Any] = reply.json()
    assert (read["errorCode"], read["errorMsg"]) == (0, "Success")
    return read


def with_figure() -> bytes:
    """Two lines, and a picture between them."""
    image = Image.new("RGB", (500, 420), "white")
    for text, top in (("Quarterly report", 20), ("The end of it", 360)):
        image.paste(makers.text_image(text), (40, top))
    draw = ImageDraw.Draw(image)
    draw.rectangle((120, 110, 380, 310), fill="#336699")
    draw.ellipse((170, 140, 330, 280), fill="#ffcc00")
    return makers.encode(image, "PNG")


def test_an_image(client: httpx2.Client) -> None:
    reply = layout(client, samples.png(), fileType=1, logId="mine")
    read = reply.json()
    assert read["logId"] == "mine"
    assert reply.headers["x-document-status"] == "success"
    [page] = read["result"]["layoutParsingResults"]
    width, height = Image.open(io.BytesIO(samples.png())).size
    assert read["result"]["dataInfo"] == {"width": width, "height": height, "type": "image"}
    assert page["markdown"] == {"text": samples.WORDS, "images": {}}
    assert page.keys() == {"prunedResult", "markdown"}
    pruned = page["prunedResult"]
    assert (pruned["width"], pruned["height"], pruned["page_count"]) == (width, height, None)
    [block] = pruned["parsing_res_list"]
    box = block.pop("block_bbox")
    assert block == {
        "block_label": "text",
        "block_content": samples.WORDS,
        "block_id": 0,
        "block_order": 1,
        "group_id": 0,
    }
    [found] = pruned["layout_det_res"]["boxes"]
    assert (found["label"], found["coordinate"]) == ("text", box)


def test_a_pdf_and_some_of_its_pages(client: httpx2.Client) -> None:
    read = result(client, samples.pdf(3), fileType=0)
    assert [page["markdown"]["text"] for page in read["result"]["layoutParsingResults"]] == [
        "Sheet 1",
        "Sheet 2",
        "Sheet 3",
    ]
    assert read["result"]["dataInfo"] == {"type": "pdf", "numPages": 3, "pages": [{"width": 240, "height": 240}] * 3}
    assert re.fullmatch("req_[0-9a-f]{24}", read["logId"])
    some = result(client, samples.pdf(3), pages="3")["result"]
    assert [page["markdown"]["text"] for page in some["layoutParsingResults"]] == ["Sheet 3"]
    assert some["dataInfo"]["numPages"] == 1


def test_more_pages_than_paddlex_would_read(client: httpx2.Client) -> None:
    """It stops after ten, and says nothing of it."""
    read = result(client, samples.repeated(samples.pdf(1), 11))
    assert len(read["result"]["layoutParsingResults"]) == 11


def test_a_tiff_of_several_pages(client: httpx2.Client) -> None:
    data = makers.encode_tiff_pages(["white", "white"], (80, 60))
    read = result(client, data, fileType=1)["result"]
    assert read["dataInfo"] == {"type": "tiff", "numPages": 2, "pages": [{"width": 80, "height": 60}] * 2}


def test_a_data_uri(client: httpx2.Client) -> None:
    text = "data:image/png;base64," + base64.b64encode(samples.png()).decode()
    reply = client.post("/layout-parsing", json={"file": text})
    assert reply.json()["result"]["layoutParsingResults"][0]["markdown"]["text"] == samples.WORDS


def test_a_figure_under_the_name_that_paddlex_gives_it(client: httpx2.Client) -> None:
    [page] = result(client, with_figure())["result"]["layoutParsingResults"]
    [block] = [block for block in page["prunedResult"]["parsing_res_list"] if block["block_label"] == "image"]
    x0, y0, x1, y1 = block["block_bbox"]
    name = f"imgs/img_in_image_box_{x0}_{y0}_{x1}_{y1}.jpg"
    assert name in page["markdown"]["text"]
    with Image.open(io.BytesIO(base64.b64decode(page["markdown"]["images"][name]))) as figure:
        assert (figure.format, figure.size) == ("JPEG", (x1 - x0, y1 - y0))
    [page] = result(client, with_figure(), returnMarkdownImages=False)["result"]["layoutParsingResults"]
    assert page["markdown"].keys() == {"text"}
    [page] = result(client, with_figure(), restructurePages=True)["result"]["layoutParsingResults"]
    assert f'<img src="{name}"' in page["markdown"]["text"]
    assert name in page["markdown"]["images"]


def test_pictures_when_they_are_asked_for(client: httpx2.Client) -> None:
    pages = result(client, samples.pdf(2), visualize=True)["result"]["layoutParsingResults"]
    for page in pages:
        plain, marked = page["inputImage"], page["outputImages"]["layout_det_res"]
        assert plain != marked
        for picture in (plain, marked):
            with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
                assert (image.format, image.size) == ("JPEG", (240, 240))


def test_options_that_the_model_does_not_have_are_named(client: httpx2.Client) -> None:
    read = result(client, samples.png(), useDocUnwarping=True, prettifyMarkdown=False, temperature=0.5, nonsense=1)
    assert read["warnings"] == [
        f"{name} has no effect with pp-ocr" for name in ("prettifyMarkdown", "useDocUnwarping", "temperature")
    ]


def test_a_page_that_fails_is_said(client: httpx2.Client) -> None:
    for options in ({}, {"visualize": True, "restructurePages": True}):
        reply = layout(client, makers.damaged_page_pdf(), **options)
        assert reply.status_code == 200
        assert reply.headers["x-document-status"] == "partial"
        read = reply.json()
        assert len(read["warnings"]) == 1
        assert read["warnings"][0].startswith("page 2 could not be read: ")
        first, second, third = read["result"]["layoutParsingResults"]
        assert ("error" in first, "error" in second, "error" in third) == (False, True, False)
        assert second["markdown"] == {"text": "", "images": {}}
        assert second["prunedResult"]["parsing_res_list"] == []
        assert "inputImage" not in second
        assert read["result"]["dataInfo"]["numPages"] == 3


def test_when_every_page_fails_there_is_no_result(client: httpx2.Client) -> None:
    assert "Page 2" in assert_error(layout(client, makers.damaged_page_pdf(), pages="2"), 422, "")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"file": "!!"}, 400, "character 1"),
        ({"file": "QQ=Q"}, 400, "base64"),
        ({"file": ""}, 400, "no document"),
        ({"file": None}, 400, "no document"),
        ({"file": 5}, 400, "not a string"),
        ({"file": ["QQ=="]}, 400, "not a string"),
        ({"file": "http://127.0.0.1/x.pdf"}, 403, "ALLOW_URL_INPUT"),
        ({"file": "HTTPS://example.com/x.pdf"}, 403, "ALLOW_URL_INPUT"),
        ({"file": "s3://bucket/key"}, 503, ""),
        ({"file": base64.b64encode(b"words").decode()}, 415, "text"),
        ({"fileType": 0}, 422, "an image"),
        ({"fileType": 2}, 422, "fileType"),
        ({"fileType": "pdf"}, 422, "fileType"),
        ({"model_name": "nope"}, 404, "nope"),
        ({"model_name": 7}, 422, "model_name"),
        ({"pages": "9"}, 422, "pages"),
        ({"topP": 0}, 422, "topP"),
        ({"maxNewTokens": 10**400}, 422, "maxNewTokens"),
        ({"temperature": 10**400}, 422, "temperature"),
        ({"layoutThreshold": {"1": 2}}, 422, "layoutThreshold"),
        ({"minPixels": 9000, "maxPixels": 8000}, 422, "minPixels"),
        ({"outputFormats": ["docx"]}, 422, "docx"),
        ({"logId": 5}, 422, "logId"),
        ({"visualize": DEEP}, 400, "nested"),
        ({"x": "y" * 70_000}, 400, "bytes"),
    ],
)
def test_what_is_wrong_is_said_in_paddlexs_shape(
    client: httpx2.Client, fields: dict[str, Any], status: int, said: str
) -> None:
    reply = client.post("/layout-parsing", json={"file": base64.b64encode(samples.png()).decode(), **fields})
    assert said in assert_error(reply, status, ""), reply.text


def test_errors_carry_the_callers_own_id(client: httpx2.Client) -> None:
    assert layout(client, samples.png(), topP=0, logId="mine").json()["logId"] == "mine"
    assert layout(client, makers.encrypted_pdf("secret", "owner"), logId="mine").json()["logId"] == "mine"


@pytest.mark.parametrize(
    ("data", "status"),
    [(makers.encrypted_pdf("secret", "owner"), 422), (makers.truncated_pdf(), 422), (makers.header_bomb_png(), 413)],
)
def test_documents_that_cannot_be_read(client: httpx2.Client, data: bytes, status: int) -> None:
    assert_error(layout(client, data), status, "")


@pytest.mark.parametrize("path", ["/layout-parsing", "/restructure-pages"])
def test_bodies_that_are_no_json(client: httpx2.Client, path: str) -> None:
    for content, kind, status in (
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"file": NaN}', "application/json", 400),
        (b'{"a": 1, "a": 2}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
    ):
        assert_error(client.post(path, content=content, headers={"Content-Type": kind}), status, "")


@pytest.mark.parametrize("path", ["/layout-parsing", "/restructure-pages"])
def test_a_body_that_is_too_large(server: Server, path: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 30) as line:
        head = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {TOKEN}", "Content-Length: 9999999999"]
        line.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode())
        answer = line.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"errorCode": 413' in answer


def pages_of(client: httpx2.Client, data: bytes) -> list[dict[str, Any]]:
    read = result(client, data)["result"]["layoutParsingResults"]
    return [{"prunedResult": page["prunedResult"], "markdownImages": page["markdown"]["images"]} for page in read]


def restructured(client: httpx2.Client, pages: Any, **options: Any) -> dict[str, Any]:
    reply = client.post("/restructure-pages", json={"pages": pages, **options})
    assert reply.status_code == 200, reply.text
    read: dict[str, Any] = reply.json()
    return read


def test_pages_are_joined(client: httpx2.Client) -> None:
    pages = pages_of(client, samples.pdf(2))
    first, second = restructured(client, pages, logId="mine")["result"]["layoutParsingResults"]
    assert [page["markdown"] for page in (first, second)] == [
        {"text": "Sheet 1", "images": {}},
        {"text": "Sheet 2", "images": {}},
    ]
    read = restructured(client, pages, concatenatePages=True, logId="mine")
    [whole] = read["result"]["layoutParsingResults"]
    assert read["logId"] == "mine"
    assert whole["markdown"]["text"] == "Sheet 1\n\nSheet 2"
    assert whole["prunedResult"]["page_count"] == 2
    assert [block["global_block_id"] for block in whole["prunedResult"]["parsing_res_list"]] == [0, 1]
    assert len(whole["prunedResult"]["layout_det_res"]) == 2


def page_of(*blocks: tuple[str, str]) -> dict[str, Any]:
    listed = [
        {"block_label": label, "block_content": content, "block_bbox": [0, 20 * place, 100, 20 * place + 10]}
        for place, (label, content) in enumerate(blocks)
    ]
    return {"prunedResult": {"width": 100, "height": 200, "model_settings": {}, "parsing_res_list": listed}}


def with_setting(labels: object) -> dict[str, Any]:
    page = page_of(("text", "x"))
    page["prunedResult"]["model_settings"] = {"markdown_ignore_labels": labels}
    return page


def test_a_table_over_two_pages_and_the_levels_of_headings(client: httpx2.Client) -> None:
    head, rows = "<tr><th>a</th><th>b</th></tr>", ["<tr><td>1</td><td>2</td></tr>", "<tr><td>3</td><td>4</td></tr>"]
    pages = [
        page_of(
            ("paragraph_title", "1 Sums"),
            ("paragraph_title", "1.1 Parts"),
            ("table", f"<table>{head}{rows[0]}</table>"),
        ),
        page_of(("header", "x"), ("table", f"<table>{head}{rows[1]}</table>"), ("text", "after")),
    ]
    first, second = restructured(client, pages, prettifyMarkdown=False)["result"]["layoutParsingResults"]
    assert first["markdown"]["text"] == f"## 1 Sums\n\n### 1.1 Parts\n\n\n\n<table>{head}{rows[0]}{rows[1]}</table>"
    assert [block["global_group_id"] for block in second["prunedResult"]["parsing_res_list"]] == [3, 2, 5]
    apart, _ = restructured(client, pages, mergeTables=False, relevelTitles=False)["result"]["layoutParsingResults"]
    assert rows[1] not in apart["markdown"]["text"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "pages"),
        ({"pages": None}, 422, "pages"),
        ({"pages": [{}]}, 422, "prunedResult"),
        ({"pages": [{"prunedResult": {}}]}, 422, "pages.0.prunedResult"),
        ({"pages": [page_of(("text", "x"))], "outputFormats": ["docx"]}, 422, "docx"),
        *(
            ({"pages": [with_setting(labels)]}, 422, "markdown_ignore_labels")
            for labels in (None, 7, [["a"]], {"a": 1})
        ),
        ({"pages": [page_of(("text", "x"))], "concatenatePages": 7}, 422, "concatenatePages"),
        ({"pages": DEEP}, 400, "nested"),
    ],
)
def test_what_is_wrong_with_pages(client: httpx2.Client, body: dict[str, Any], status: int, said: str) -> None:
    assert said in assert_error(client.post("/restructure-pages", json=body), status, "")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e300", "9" * 400, "9" * 5000])
@pytest.mark.parametrize("where", ["block_bbox", "width", "group_id", "layout_det_res"])
def test_numbers_without_end(client: httpx2.Client, where: str, number: str) -> None:
    page = page_of(("image", "x"))
    block = page["prunedResult"]["parsing_res_list"][0]
    page["prunedResult"]["model_settings"] = {"use_layout_detection": True}
    match where:
        case "block_bbox":
            block[where] = [0, 0, "HERE", 1]
        case "group_id":
            block[where] = "HERE"
        case _:
            page["prunedResult"][where] = "HERE"
    body = json.dumps({"pages": [page]}).replace('"HERE"', number)
    reply = client.post("/restructure-pages", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code in {200, 400, 422}, reply.text
    if reply.status_code == 200:
        assert "Infinity" not in reply.text


@pytest.mark.parametrize(
    "content",
    [
        "<table><tr><td colspan=999999999 rowspan=99999999>x</td></tr></table>",
        "<table><tr><td colspan=x rowspan=-1>x</td></tr></table>",
        "<![x[<table><tr><td>",
        "<tr></tr>",
        "<a " * 1000,
        "</table>" * 1000,
        "<td>" * 3000,
    ],
)
def test_tables_that_are_none(client: httpx2.Client, content: str) -> None:
    pages = [page_of(("table", content)), page_of(("table", content)), page_of(("table", content))]
    assert len(restructured(client, pages)["result"]["layoutParsingResults"]) == 3


def test_boxes_without_a_size(client: httpx2.Client) -> None:
    page = page_of(("paragraph_title", "x"), ("image", ""), ("table", "<table></table>"))
    page["prunedResult"]["width"] = 0
    for block in page["prunedResult"]["parsing_res_list"]:
        block["block_bbox"] = [0, 0, 0, 0]
    assert restructured(client, [page, page])["errorCode"] == 0
