"""The quality promise: what comes out is what PaddleOCR itself writes for the same pages, weights and options."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.running import Server
from tests.paddle.conftest import MODELS, Pages
from tests.paddle.documents import encoded, page, pdf

LIMIT = {"max_new_tokens": 16}
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "defaults": ({}, {}),
    "everything is read": (
        {
            "use_chart_recognition": True,
            "use_seal_recognition": True,
            "use_ocr_for_image_block": True,
            "format_block_content": True,
            "merge_layout_blocks": False,
            "markdown_ignore_labels": ["doc_title"],
        },
        {"show_formula_number": True},
    ),
    "layout": (
        {
            "layout_threshold": 0.9,
            "layout_nms": False,
            "layout_unclip_ratio": [1.1, 1.2],
            "layout_merge_bboxes_mode": "large",
            "layout_shape_mode": "rect",
            "min_pixels": 3136,
            "max_pixels": 50176,
        },
        {"pretty": False},
    ),
    "by class": (
        {
            "layout_threshold": {"22": 0.5, "6": 1},
            "layout_merge_bboxes_mode": {"21": "small"},
            "layout_unclip_ratio": {"22": [1.1, 1.3]},
            "max_new_tokens": 7,
        },
        {},
    ),
    "one region": ({"use_layout_detection": False, "prompt_label": "table", "temperature": 0}, {}),
    "a formula": ({"use_layout_detection": False, "prompt_label": "formula"}, {}),
}
"""Name → options of `predict`, options of `save_to_markdown`."""

IMAGES = {
    "full": page("quick brown fox"),
    "two columns": page("lazy dogs jump", ("title", "left", "right", "number"), (901, 1203)),
    "table": page("0123456789", ("table", "in_table", "figure"), (500, 500)),
    "blank": page("", ()),
}


def _predict(options: dict[str, Any]) -> dict[str, Any]:
    """The options as Python callers of the library give them."""
    made = LIMIT | options
    for name in ("layout_threshold", "layout_merge_bboxes_mode", "layout_unclip_ratio"):
        if isinstance(by_class := made.get(name), dict):
            made[name] = {"by_class": by_class}
    return made


def _runs(folder: Path) -> list[dict[str, Any]]:
    runs = []
    for predict, markdown in OPTIONS.values():
        for name, image in IMAGES.items():
            path = folder / f"{name}.png"
            path.write_bytes(encoded(image))
            runs.append({"input": str(path), "predict": _predict(predict), "markdown": markdown})
    (folder / "document.pdf").write_bytes(_document())
    runs.append({"input": str(folder / "document.pdf"), "predict": _predict({}), "markdown": {}})
    return runs


def _document() -> bytes:
    return pdf(IMAGES["full"], IMAGES["blank"], IMAGES["table"], page("an other full one"))


@pytest.fixture(scope="module", params=MODELS)
def both(
    request: pytest.FixtureRequest, library: Callable[..., list[Pages]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[tuple[str, str], Pages]]:
    """A model, and what the library makes of every image under all options, and of the PDF."""
    runs = library(request.param, _runs(tmp_path_factory.mktemp("inputs")))
    keys = [(options, image) for options in OPTIONS for image in IMAGES] + [("defaults", "pdf")]
    return request.param, dict(zip(keys, runs, strict=True))


def _ours(server: Server, model: str, data: bytes, predict: dict[str, Any], markdown: dict[str, Any]) -> dict[str, Any]:
    names = {"pretty": "prettify_markdown"}
    options = LIMIT | predict | {names.get(name, name): value for name, value in markdown.items()}
    body = {"image_base64": base64.b64encode(data).decode(), "model_name": model, "formats": ["zip"], **options}
    reply = server.client.post("/ocr", json=body)
    assert reply.status_code == 200, reply.text
    result: dict[str, Any] = reply.json()
    return result


def _json(result: dict[str, Any]) -> str:
    """As `save_to_json` writes it. The library was given a path, which it repeats; an array, as we do, has none."""
    return json.dumps(result | {"input_path": None}, indent=4, ensure_ascii=False)


def _figures(result: dict[str, Any]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(result["outputs"]["zip"]))) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.startswith("imgs/")}


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("options", OPTIONS)
def test_an_image(server: Server, both: tuple[str, dict[tuple[str, str], Pages]], options: str, image: str) -> None:
    model, expected = both
    [theirs] = expected[options, image]
    ours = _ours(server, model, encoded(IMAGES[image]), *OPTIONS[options])
    assert ours["markdown"] == theirs["markdown"]
    assert _json(ours["engine_result"]) == _json(json.loads(theirs["json"]))
    assert _figures(ours) == {name: base64.b64decode(data) for name, data in theirs["figures"].items()}


def test_a_pdf(server: Server, both: tuple[str, dict[tuple[str, str], Pages]]) -> None:
    """Pages of one document go through the pipeline together, and do not know of each other."""
    model, expected = both
    theirs = expected["defaults", "pdf"]
    ours = _ours(server, model, _document(), {}, {})
    assert [page["markdown"] for page in ours["pages"]] == [page["markdown"] for page in theirs]
    assert [_json(page["engine_result"]) for page in ours["pages"]] == [
        _json(json.loads(page["json"])) for page in theirs
    ]
    assert ours["markdown"] == "\n\n---\n\n".join(page["markdown"] for page in theirs if page["markdown"])
    assert [page["verdict"] == "blank" for page in ours["pages"]] == [False, True, False, False]
    assert sorted(_figures(ours).values()) == sorted(
        base64.b64decode(data) for page in theirs for data in page["figures"].values()
    )


def test_the_inputs_tell_readings_apart(both: tuple[str, dict[tuple[str, str], Pages]]) -> None:
    """Were the tiny models to say the same of everything, equality would prove nothing."""
    _, expected = both
    for options in OPTIONS:
        assert len({expected[options, image][0]["markdown"] for image in IMAGES}) == len(IMAGES)
    for image in set(IMAGES) - {"blank"}:
        assert len({expected[options, image][0]["markdown"] for options in OPTIONS}) >= len(OPTIONS) - 1
