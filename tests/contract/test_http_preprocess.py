"""`preprocess`: a page that was sent on its side and askew is read upright, and told of as it was sent."""

import base64
import math
from typing import Any

import httpx2
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests import makers
from tests.contract import jobs, samples
from tests.contract.running import Server, assert_problem

pytestmark = pytest.mark.contract

_TEXT = "This inspector, while signing it, is visiting six ships. His bill is 12,50 in all; tin, iron and timber: fine."
_DEGREES = 3.0
_WAY = ["orientation", "deskew"]


def _upright() -> Image.Image:
    page, font = Image.new("RGB", (900, 620), "white"), ImageFont.load_default(size=22)
    draw = ImageDraw.Draw(page)
    draw.text((70, 40), "Report of the office", "black", ImageFont.load_default(size=40))
    words = _TEXT.split()
    for line in range(12):
        said = " ".join(words[(line + each) % len(words)] for each in range(9))
        draw.text((70, 120 + line * 36), said, "black", font)
    return page


def _sent(upright: Image.Image) -> Image.Image:
    """Leaning clockwise, and then turned counter-clockwise by 90°."""
    leaning = upright.rotate(-_DEGREES, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    return leaning.transpose(Image.Transpose.ROTATE_90)


def _as_sent(box: list[int], upright: Image.Image, sent: Image.Image) -> list[float]:
    """The box around a box of the upright page, on the page as it was sent."""
    cos, sin = math.cos(math.radians(_DEGREES)), math.sin(math.radians(_DEGREES))
    corners = []
    for x in (box[0] - upright.width / 2, box[2] - upright.width / 2):
        for y in (box[1] - upright.height / 2, box[3] - upright.height / 2):
            leaning_x, leaning_y = x * cos - y * sin, x * sin + y * cos
            corners.append((sent.width / 2 + leaning_y, sent.height / 2 - leaning_x))
    xs, ys = zip(*corners, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]


@pytest.fixture(scope="module")
def upright() -> Image.Image:
    return _upright()


@pytest.fixture(scope="module")
def sent(upright: Image.Image) -> bytes:
    return makers.encode(_sent(upright), "PNG")


def _post(client: httpx2.Client, data: bytes, path: str = "/ocr", **fields: str) -> dict[str, Any]:
    reply = client.post(path, files={"file": ("x.png", data)}, data=fields)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


@pytest.fixture(scope="module")
def read(client: httpx2.Client, sent: bytes) -> dict[str, Any]:
    return _post(client, sent, preprocess="deskew,orientation", save="true")


def test_a_page_is_read_upright_and_told_of_as_it_was_sent(
    client: httpx2.Client, upright: Image.Image, sent: bytes, read: dict[str, Any]
) -> None:
    plain = _post(client, makers.encode(upright, "PNG"))
    assert "preprocessing" not in plain
    assert read["text"] == plain["text"]
    size = _sent(upright).size
    assert (read["width"], read["height"]) == size
    assert len(read["blocks"]) == len(plain["blocks"]) > 1
    for block, same in zip(read["blocks"], plain["blocks"], strict=True):
        assert block["bbox"] == pytest.approx(_as_sent(same["bbox"], upright, _sent(upright)), abs=8)
        x0, y0, x1, y1 = block["bbox"]
        assert 0 <= x0 < x1 <= size[0]
        assert 0 <= y0 < y1 <= size[1]


def test_the_reply_says_what_was_done(read: dict[str, Any]) -> None:
    turned, straightened = read["preprocessing"]
    assert turned == {"step": "orientation", "applied": True, "angle_degrees": 90}
    assert straightened["applied"]
    assert straightened["angle_degrees"] == pytest.approx(-_DEGREES, abs=0.15)


def test_what_is_saved_says_so_too(client: httpx2.Client, read: dict[str, Any]) -> None:
    saved = client.get(read["local_files"]["json"]).json()
    assert (saved["preprocessing"], saved["blocks"]) == (read["preprocessing"], read["blocks"])


def test_a_job_and_a_batch_have_the_same(jobs_server: Server, sent: bytes, read: dict[str, Any]) -> None:
    client = jobs_server.client
    job = jobs.hand_in(client, sent, preprocess="orientation,deskew")
    jobs.ended(client, job)
    by_job = jobs.result(client, job)
    [by_batch] = _post(client, sent, "/ocr/batch", preprocess="orientation,deskew")["results"]
    for found in (by_job, by_batch["result"]):
        assert [found[name] for name in ("blocks", "preprocessing", "width", "height")] == [
            read[name] for name in ("blocks", "preprocessing", "width", "height")
        ]


def test_each_page_of_a_pdf_has_its_own(client: httpx2.Client) -> None:
    found = _post(client, samples.pdf(2), preprocess="all")
    assert "preprocessing" not in found
    for page in found["pages"]:
        assert [step["step"] for step in page["preprocessing"]] == [
            *("denoise", "orientation", "crop", "deskew", "contrast")
        ]
        assert page["preprocessing"][1]["note"].startswith("not sure")
        assert page["preprocessing"][2]["applied"]
        assert (page["width"], page["height"]) == (240, 240)


def test_json_takes_a_list(client: httpx2.Client, read: dict[str, Any], sent: bytes) -> None:
    body = {"image_base64": base64.b64encode(sent).decode(), "preprocess": _WAY, "return_content": False}
    found = client.post("/ocr", json=body).json()
    assert found["preprocessing"] == read["preprocessing"]


@pytest.mark.parametrize("path", ["/ocr", "/ocr/batch", "/jobs"])
@pytest.mark.parametrize("given", ["sharpen", "deskew;crop", "deskew,sharpen"])
def test_an_unknown_step_is_refused_by_name(client: httpx2.Client, path: str, given: str) -> None:
    reply = client.post(path, files={"file": ("x.png", samples.png())}, data={"preprocess": given})
    problem = assert_problem(reply, 422, "bad_option")
    for step in ("deskew", "denoise", "contrast", "orientation", "crop"):
        assert step in problem["detail"]
