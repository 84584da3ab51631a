"""Pages restructured by us and by PaddleX's own function: the same for pages of every kind, made at random."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from server.paddlex.writing import write_restructured
from tests.paddle.conftest import run_paddle
from tests.paddle.peers import PYTHON

REQUESTS = 500
LABELS = (
    *("paragraph_title", "paragraph_title", "paragraph_title", "table", "table", "text", "doc_title", "abstract_title"),
    *("reference_title", "content_title", "figure_title", "chart_title", "vision_footnote", "ocr", "vertical_text"),
    *("reference_content", "abstract", "content", "image", "chart", "formula", "display_formula", "inline_formula"),
    *("formula_number", "reference", "algorithm", "seal", "spotting", "number", "footnote", "header", "header_image"),
    *("footer", "footer_image", "aside_text", "never heard of"),
)
ABOVE = ("header", "number", "seal", "header_image") * 3 + ("footer",)
BELOW = ("footer", "number", "seal", "footnote", "vision_footnote", "footer_image") * 3 + ("header",)
TITLES = (
    *(
        "1 Intro",
        "1.1 Part",
        "1.2.3 Deep.",
        "2. Two",
        "(1) one",
        "（2）zwei",
        "1) x",
        "I. First",
        "IV) four",
        "ii",
        "A. a",
    ),
    *(
        "b) b",
        "第一章 总则",
        "十三、其他",
        "（一）甲",
        "一 x",
        "Abstract",
        "R e sults:",
        "参考文献",
        "Ends with a dot.",
        "1.10",
        "",
    ),
    *("# marked", "## 3.1 twice", "two\nlines", "soft-\nhyphen", "word 1.2.", "X", "1.x", "12", "讨论：", "Method"),
)
TEXTS = (
    *(
        "plain",
        "a\nb",
        "a\n\nb\n\n\nc",
        "-\n",
        "",
        " ",
        "摘要 x",
        "abstract x y",
        " Abstract x",
        "References\nx",
        "参考文献\nx",
    ),
    *("\n\nfn f():\n", "$$ x = y $$", "a|b\n1|2|3", "(1)", "$x$", "<b>bold</b>", "# x", "表 1", "x\ty", "a-\nb-\n"),
)
CELLS = (
    "a",
    "Ｂ b",
    "1",
    "<b>x</b>",
    "&amp; &nbsp;",
    "<br>",
    "",
    " x\n y ",
    "$a<b$",
    "<img src='imgs/a.jpg' />",
    "é",
    "&#8212;",
)
SPANS = ("", "", "", "", ' colspan="2"', " rowspan='2'", ' class="x  y"', " colspan=2 rowspan=2")


def table(chance: random.Random) -> str:
    columns = chance.randint(1, 4)
    head = [f"<th>h{column}</th>" for column in range(columns)]
    rows = ["".join(head)] * chance.randint(0, 2)
    for _ in range(chance.randint(0, 4)):
        many = columns if chance.random() < 0.7 else chance.randint(0, 4)
        tags = [chance.choice(("td", "td", "th")) for _ in range(many)]
        rows.append("".join(f"<{tag}{chance.choice(SPANS)}>{chance.choice(CELLS)}</{tag}>" for tag in tags))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    wrapped = chance.choice(("{}", "{}", "<tbody>{}</tbody>", "<thead>{}</thead><tbody><tr><td>x</td></tr></tbody>"))
    whole = f"<table>{wrapped.format(body)}</table>"
    return chance.choice((whole, whole, f"<html><body>{whole}</body></html>", whole[: -len("</table>")], whole + whole))


def block(chance: random.Random, label: str) -> dict[str, Any]:
    x0, y0 = chance.randint(0, 300), chance.randint(0, 300)
    width = chance.choice((500, 500, 505, 545, 700)) if label == "table" else chance.randint(1, 600)
    height = chance.choice((10, 11, 12, 14, 18, 20, 24, 30, 48)) * chance.randint(1, 2)
    content = {"table": table(chance), "paragraph_title": chance.choice(TITLES)}.get(label, chance.choice(TEXTS))
    made: dict[str, Any] = {
        "block_label": label,
        "block_content": content,
        "block_bbox": [x0, y0, x0 + width, y0 + height + chance.choice((0, 0, 0.7))],
        "group_id": chance.randint(0, 9),
    }
    if chance.random() < 0.1:
        made["block_polygon_points"] = [[x0, y0], [x0 + 0.5, y0]]
    if chance.random() < 0.1:
        made["image"] = {"path": "imgs/own-\nname.jpg", "img": None}
    return made


def page(chance: random.Random, settings: dict[str, Any]) -> dict[str, Any]:
    if chance.random() < 0.7:  # one whose tables may go on
        labels = [chance.choice(ABOVE) for _ in range(chance.randint(0, 2))] + ["table"]
        if chance.random() < 0.6:
            labels += [chance.choice(LABELS) for _ in range(chance.randint(0, 4))] + ["table"]
        labels += [chance.choice(BELOW) for _ in range(chance.randint(0, 2))]
    else:
        labels = [chance.choice(LABELS) for _ in range(chance.randint(0, 12))]
    return {
        "page_count": chance.choice((None, 3)),
        "width": chance.randint(100, 2000),
        "height": chance.randint(100, 2000),
        "model_settings": settings,
        "parsing_res_list": [block(chance, label) for label in labels],
        "layout_det_res": {"input_path": "x", "page_index": 1, "boxes": [{"label": "text", "score": 0.5}]},
        "doc_preprocessor_res": {"input_path": None, "angle": 90},
        "spotting_res": chance.choice(({}, {"rec_texts": ["a"]})),
    }


def request(seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    names = ("use_doc_preprocessor", "use_layout_detection", "use_chart_recognition", "use_seal_recognition")
    settings: dict[str, Any] = {
        name: chance.random() < 0.5 for name in (*names, "use_ocr_for_image_block", "format_block_content")
    }
    settings["markdown_ignore_labels"] = chance.sample(LABELS, chance.randint(0, 4))
    pages = [{"prunedResult": page(chance, settings)} for _ in range(chance.randint(1, 5))]
    options = ("mergeTables", "relevelTitles", "concatenatePages", "prettifyMarkdown", "showFormulaNumber")
    return {"pages": pages, **{name: chance.random() < 0.7 for name in options}}


def ours(body: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    (folder / "body").write_text(json.dumps(body))
    write_restructured(folder / "body", "application/json", folder / "reply", "log")
    results = json.loads((folder / "reply").read_text())["result"]["layoutParsingResults"]
    return [{"prunedResult": result["prunedResult"], "text": result["markdown"]["text"]} for result in results]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """What PaddleX makes of every request."""
    folder = tmp_path_factory.mktemp("restructured")
    (folder / "job.json").write_text(json.dumps([request(seed) for seed in range(REQUESTS)]))
    run_paddle("restructured.py", str(folder / "job.json"), home=folder, python=PYTHON)
    done: list[list[dict[str, Any]]] = json.loads((folder / "job.done").read_text())
    return done


def test_every_request(theirs: list[list[dict[str, Any]]], tmp_path: Path) -> None:
    for seed, expected in enumerate(theirs):
        assert ours(request(seed), tmp_path) == expected, f"request {seed}"


def test_the_requests_are_of_every_kind(theirs: list[list[dict[str, Any]]]) -> None:
    """Were no table joined and no heading moved, equality would prove nothing."""
    blocks = [block for results in theirs for result in results for block in result["prunedResult"]["parsing_res_list"]]
    joined = [block for block in blocks if block["global_group_id"] != block["global_block_id"]]
    texts = "\n".join(result["text"] for results in theirs for result in results)
    assert len(joined) > REQUESTS / 20
    assert all(f"\n{'#' * level} " in texts for level in range(2, 6))
    assert {block["block_label"] for block in blocks} == set(LABELS)
