"""A page of any model in PaddleX's shape."""

from dataclasses import replace
from pathlib import Path

from server.documents import Block, BlockFormat, Document, FileType, Page, Verdict
from server.paddlex.pages import data_info, entry_of

BLOCKS = (
    Block("title", (0, 0, 50, 10), "Head", BlockFormat.TEXT, 0, 0.5),
    Block("image", (5, 20, 25, 40), "figure_1.png", BlockFormat.IMAGE, 1),
    Block("image_caption", (5, 41, 25, 45), "What it shows", BlockFormat.TEXT, 2),
    Block("list", (0, 50, 50, 60), "- a\n- b", BlockFormat.TEXT, 3),
    Block("table", (0, 60, 50, 70), "<table></table>", BlockFormat.TABLE_HTML, 4),
    Block("equation", (0, 70, 50, 80), "x^2", BlockFormat.LATEX, 5),
    Block("number", (0, 90, 50, 99), "7", BlockFormat.TEXT, 6),
)
PAGE = Page(
    1,
    100,
    200,
    text="Head",
    markdown="# Head\n\n![](figure_1.png)\n\nfigure_1.pngs",
    blocks=BLOCKS,
    images={"figure_1.png": Path("/spool/a.png")},
)
NAME = "imgs/img_in_image_box_5_20_25_40.jpg"


def test_labels_are_those_that_paddlex_knows() -> None:
    listed = entry_of(PAGE, None)["result"]["parsing_res_list"]
    assert [block["block_label"] for block in listed] == [
        *("doc_title", "image", "figure_title", "text", "table", "display_formula", "number")
    ]
    assert [block["block_order"] for block in listed] == [1, None, None, 2, None, 3, None]
    assert [block["block_content"] for block in listed[:2]] == ["Head", ""]
    assert listed[5]["block_content"] == "$$x^2$$"


def test_figures_are_named_by_their_place() -> None:
    entry = entry_of(PAGE, None)
    assert entry["figures"] == {NAME: "/spool/a.png"}
    assert entry["text"].startswith(f"# Head\n\n![]({NAME})")


def test_paddlexs_own_result_says_nothing_of_files() -> None:
    boxes = {"input_path": "x", "page_index": 3, "boxes": [{"label": "text", "page_index": 1}]}
    own = {"input_path": "x", "page_index": 2, "page_count": 5, "width": 1, "layout_det_res": boxes}
    result = entry_of(replace(PAGE, engine_result=own), None)["result"]
    assert result == {"page_count": None, "width": 1, "layout_det_res": {"boxes": [{"label": "text"}]}}


def test_a_page_that_failed() -> None:
    entry = entry_of(Page(2, 0, 0, verdict=Verdict.FAILED, error="torn"), None)
    assert (entry["error"], entry["text"], entry["figures"], entry["result"]["parsing_res_list"]) == (
        "torn",
        "",
        {},
        [],
    )


def test_what_the_document_is() -> None:
    size = {"width": 100, "height": 200}
    assert data_info(Document(FileType.IMAGE, 1, (PAGE,))) == {**size, "type": "image"}
    assert data_info(Document(FileType.PDF, 3, (PAGE,))) == {"type": "pdf", "numPages": 1, "pages": [size]}
    assert data_info(Document(FileType.IMAGE, 2, (PAGE,)))["type"] == "tiff"
