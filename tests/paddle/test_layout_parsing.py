"""`/layout-parsing` and `/restructure-pages` beside PaddleX's own server, on the same weights: the same replies."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.contract.running import Server
from tests.paddle.conftest import MODELS
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.peers import PaddleXServer

SHORT = {"maxNewTokens": 16, "useDocOrientationClassify": False, "useDocUnwarping": False, "visualize": False}
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything is read": {
        "useChartRecognition": True,
        "useSealRecognition": True,
        "useOcrForImageBlock": True,
        "formatBlockContent": True,
        "mergeLayoutBlocks": False,
        "markdownIgnoreLabels": ["doc_title"],
        "showFormulaNumber": True,
    },
    "layout": {
        "layoutThreshold": 0.9,
        "layoutNms": False,
        "layoutMergeBboxesMode": "large",
        "layoutShapeMode": "rect",
        "minPixels": 3136,
        "maxPixels": 50176,
        "prettifyMarkdown": False,
    },
    "one ratio": {"layoutUnclipRatio": 1.3, "layoutShapeMode": "quad", "returnMarkdownImages": False},
    "one region": {"useLayoutDetection": False, "promptLabel": "table", "temperature": 0},
    "a seal": {"useLayoutDetection": False, "promptLabel": "seal", "topP": 1, "repetitionPenalty": 1},
    "some pixels": {"vlmExtraArgs": {"ocr_max_pixels": 40000, "ocr_min_pixels": 3136, "table_max_pixels": 50000}},
    "turned and flattened": {"useDocOrientationClassify": True, "useDocUnwarping": True},
    "together": {"restructurePages": True, "showFormulaNumber": True, "formatBlockContent": True},
    "together, plainly": {
        "restructurePages": True,
        "mergeTables": False,
        "relevelTitles": False,
        "prettifyMarkdown": False,
    },
}
FULL = page("quick brown fox")
OTHER = page("an other full one", size=(900, 1200))
TABLE = page("0123456789", ("table", "figure"), (500, 500))
DOCUMENTS: dict[str, tuple[bytes, int]] = {
    "full": (encoded(FULL), 1),
    "figure in a table": (encoded(page("0123456789", ("table", "in_table", "figure"), (500, 500))), 1),
    "blank": (encoded(page("", ())), 1),
    "pdf": (pdf(FULL, page("", ()), TABLE, OTHER, TABLE), 0),
    "tiff": (encoded(FULL, "TIFF", save_all=True, append_images=[TABLE]), 1),
    "one frame": (encoded(FULL, "TIFF"), 1),
}

Reply = dict[str, Any]


@pytest.fixture(scope="module", params=MODELS)
def both(request: pytest.FixtureRequest, server: Server, weights: Any) -> Iterator[tuple[str, Server, PaddleXServer]]:
    """A model, served by us and by PaddleX."""
    with PaddleXServer(request.param, weights) as theirs:
        yield request.param, server, theirs


def replies(both: tuple[str, Server, PaddleXServer], path: str, body: dict[str, Any]) -> tuple[Reply, Reply]:
    model, ours, theirs = both
    found = []
    for client in (ours.client, theirs.client):
        reply = client.post(path, json={"model_name": model, **body})
        assert reply.status_code == 200, reply.text
        found.append(reply.json())
    return found[0], found[1]


def document(name: str) -> dict[str, Any]:
    data, kind = DOCUMENTS[name]
    return {"file": base64.b64encode(data).decode(), "fileType": kind}


CASES = [("defaults", name) for name in DOCUMENTS]
CASES += [(options, name) for options in OPTIONS if options != "defaults" for name in ("full", "figure in a table")]
CASES += [(options, "pdf") for options in ("everything is read", "a seal", "together", "together, plainly")]


@pytest.mark.parametrize(("options", "name"), CASES)
def test_a_document(both: tuple[str, Server, PaddleXServer], options: str, name: str) -> None:
    ours, theirs = replies(both, "/layout-parsing", {**document(name), **SHORT, **OPTIONS[options], "logId": "mine"})
    ours.pop("warnings", None)  # an addition of ours
    assert ours == theirs


BAD: list[dict[str, Any]] = [
    {"topP": 0},
    {"topP": 1.1},
    {"temperature": -1},
    {"repetitionPenalty": 0},
    {"promptLabel": "x"},
    {"layoutThreshold": 2},
    {"layoutThreshold": {"1": 2}},
    {"layoutMergeBboxesMode": "x"},
    {"layoutMergeBboxesMode": {"1": "x"}},
    {"layoutUnclipRatio": -1},
    {"layoutUnclipRatio": [1, 2, 3]},
    {"layoutShapeMode": "x"},
    {"minPixels": 5000, "maxPixels": 4000},
    {"maxNewTokens": 0},
    {"useDocUnwarping": "perhaps"},
    {"markdownIgnoreLabels": "a"},
    {"outputFormats": ["pdf"]},
    {"vlmExtraArgs": 3},
    {"visualize": 7},
    {"fileType": 2},
    {"fileType": 0},
]


def test_what_paddlex_refuses(both: tuple[str, Server, PaddleXServer]) -> None:
    model, ours, theirs = both
    for bad in BAD:
        body = {"model_name": model, **document("full"), **SHORT, "logId": "mine", **bad}
        one, other = (client.post("/layout-parsing", json=body) for client in (ours.client, theirs.client))
        assert (one.status_code, other.status_code) == (422, 422), bad
        for reply in (one.json(), other.json()):
            assert (reply.keys(), reply["logId"], reply["errorCode"]) == (
                {"logId", "errorCode", "errorMsg"},
                "mine",
                422,
            )


def test_a_picture_of_every_page_when_it_is_asked_for(both: tuple[str, Server, PaddleXServer]) -> None:
    """What is drawn is our own; where it stands, and what it is, is PaddleX's."""
    ours, theirs = replies(both, "/layout-parsing", {**document("full"), **SHORT, "visualize": True})
    [one], [other] = (reply["result"]["layoutParsingResults"] for reply in (ours, theirs))
    assert one.keys() == other.keys()
    assert one["outputImages"].keys() == other["outputImages"].keys() == {"layout_det_res"}
    for reply in (one, other):
        for picture in (reply["inputImage"], reply["outputImages"]["layout_det_res"]):
            with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
                assert (image.format, image.size) == ("JPEG", FULL.size)


def test_pages_are_sent_back(both: tuple[str, Server, PaddleXServer]) -> None:
    """What one server has read, both of them restructure alike."""
    first, _ = replies(both, "/layout-parsing", {**document("pdf"), **SHORT})
    pages = [
        {"prunedResult": result["prunedResult"], "markdownImages": result["markdown"]["images"]}
        for result in first["result"]["layoutParsingResults"]
    ]
    for options in (
        {},
        {"concatenatePages": True},
        {"concatenatePages": True, "prettifyMarkdown": False, "showFormulaNumber": True},
        {"returnMarkdownImages": False, "mergeTables": False},
    ):
        ours, theirs = replies(both, "/restructure-pages", {"pages": pages, "logId": "mine", **options})
        assert ours == theirs
