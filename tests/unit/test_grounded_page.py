"""A page of regions as blocks, Markdown and text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.documents import BBox, Block, BlockFormat
from server.engines.grounded_page import Assembled, assemble
from server.engines.grounding import Region

PAGE = (0, 0, 100, 200)
BOX = (10, 20, 30, 40)
TABLE = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"

LABELS = ["", "text", "title", "sub_title", "table", "image", "equation", "formula", "list", "a phrase", "Total"]
CONTENT = [
    r"\(",
    r"\)",
    r"\[",
    r"\]",
    "$",
    "$$",
    "\\",
    "a",
    "b ",
    " ",
    "\n",
    "#",
    "# ",
    "<table>",
    "</table>",
    "<td>",
    "{}",
]

contents = st.lists(st.sampled_from(CONTENT), max_size=20).map(lambda parts: "".join(parts).strip())
lists = st.lists(st.builds(Region, st.sampled_from(LABELS), st.sampled_from([(), (BOX,)]), contents), max_size=6)


def name(bbox: BBox) -> str:
    return "imgs/{}_{}_{}_{}.png".format(*bbox)


def page(*regions: Region) -> Assembled:
    return assemble(regions, 100, 200, name)


def one(label: str, content: str) -> tuple[str, str, BlockFormat, str, str]:
    """The only block's type, content and format, and the Markdown and the text."""
    found = page(Region(label, (BOX,), content))
    (block,) = found.blocks
    assert block.bbox == BOX
    return block.type, block.content, block.format, found.markdown, found.text


def test_a_whole_page() -> None:
    found = page(
        Region("", (), "before"),
        Region("title", ((10, 10, 90, 20),), "# Annual report"),
        Region("text", ((40, 20, 50, 30), (10, 25, 90, 60), (20, 21, 30, 31)), r"Grew by \( x \)."),
        Region("image", ((10, 60, 90, 90),), "LEGEND"),
        Region("table", ((10, 90, 90, 120),), TABLE),
        Region("equation", ((10, 120, 90, 130),), r"\[ E = mc^2 \]"),
    )
    picture = "imgs/10_60_90_90.png"
    assert found.blocks == (
        Block("text", PAGE, "before", BlockFormat.TEXT, 0),
        Block("title", (10, 10, 90, 20), "Annual report", BlockFormat.TEXT, 1),
        Block("text", (10, 20, 90, 60), r"Grew by \( x \).", BlockFormat.TEXT, 2),
        Block("image", (10, 60, 90, 90), picture, BlockFormat.IMAGE, 3),
        Block("image", (10, 60, 90, 90), "LEGEND", BlockFormat.TEXT, 4),
        Block("table", (10, 90, 90, 120), TABLE, BlockFormat.TABLE_HTML, 5),
        Block("equation", (10, 120, 90, 130), "E = mc^2", BlockFormat.LATEX, 6),
    )
    assert found.markdown == (
        f"before\n\n# Annual report\n\nGrew by $x$.\n\n![]({picture})\n\nLEGEND\n\n{TABLE}\n\n$$E = mc^2$$"
    )
    assert found.text == "before\n\nAnnual report\n\nGrew by \\( x \\).\n\nLEGEND\n\na\tb\nc\td\n\nE = mc^2"


def test_no_region_is_nothing() -> None:
    assert page() == Assembled((), "", "")


@pytest.mark.parametrize(
    ("label", "content", "bare", "markdown"),
    [
        ("title", "Report", "Report", "# Report"),
        ("title", "### Report", "Report", "### Report"),
        ("title", "#hashtag", "#hashtag", "#hashtag"),
        ("sub_title", "1. Part", "1. Part", "## 1. Part"),
        ("sub_title", "## 1. Part\n## on two lines", "1. Part\non two lines", "## 1. Part\n## on two lines"),
        ("title", r"On \(x\)", r"On \(x\)", "# On $x$"),
        ("title", "", "", ""),
    ],
)
def test_headings(label: str, content: str, bare: str, markdown: str) -> None:
    assert one(label, content) == (label, bare, BlockFormat.TEXT, markdown, bare)


@pytest.mark.parametrize("label", ["equation", "formula"])
@pytest.mark.parametrize("content", [r"\[ a \\[2pt] b \]", r"\( a \\[2pt] b \)", r"$$a \\[2pt] b$$"])
def test_a_formula_is_bare_latex(label: str, content: str) -> None:
    latex = r"a \\[2pt] b"
    assert one(label, content) == (label, latex, BlockFormat.LATEX, f"$${latex}$$", latex)


@pytest.mark.parametrize(
    "content", ["a = b", r"\[ a \] and \[ b \]", r"\[ a \] (1)", r"(1) \[ a \]", r"\[ a \)", r"\[ a \\]", r"\[\]", "$$"]
)
def test_what_is_more_or_less_than_a_formula_stays_text(content: str) -> None:
    assert one("equation", content)[:3] == ("equation", content, BlockFormat.TEXT)


def test_a_formula_within_text_is_text() -> None:
    assert one("text", r"\[ a \]") == ("text", r"\[ a \]", BlockFormat.TEXT, "$$ a $$", r"\[ a \]")


@pytest.mark.parametrize(
    ("content", "markdown"),
    [
        (r"\(a\), \( b \) and \[c {} \]", "$a$, $b$ and $$ c {} $$"),
        (r"\( a", r"\( a"),
        (r"a \) b \( c \)", r"a \) b $c$"),
        (r"\( a \] b \)", r"\( a \] b \)"),
        (r"\( a \( b \)", r"\( a $b$"),
        (r"\( a $ b \)", r"\( a $ b \)"),
        (r"\( a \$ b \)", r"$a \$ b$"),
        (r"\( a $$ b \)", r"\( a $$ b \)"),
        (r"\\( a \\)", r"\\( a \\)"),
        (r"\( \)", r"\( \)"),
        ("a \\", "a \\"),
    ],
)
def test_only_delimiters_in_pairs_become_dollars(content: str, markdown: str) -> None:
    assert one("text", content) == ("text", content, BlockFormat.TEXT, markdown, content)


@pytest.mark.parametrize("label", ["table", ""])
def test_every_table_and_the_text_around_it_are_blocks_of_their_own(label: str) -> None:
    nested = f"<table border=1><tr><td>{TABLE}</td></tr></table>"
    none, cut = "<table>x</table>", "<table><tr><td>cut"
    found = page(Region(label, (BOX,), f"<tablet> 1\n{TABLE}\nbetween {none}\n{nested}{TABLE}</table>\nNote {cut}"))
    assert [(block.content, block.format) for block in found.blocks] == [
        ("<tablet> 1", BlockFormat.TEXT),
        (TABLE, BlockFormat.TABLE_HTML),
        (f"between {none}", BlockFormat.TEXT),
        (nested, BlockFormat.TABLE_HTML),
        (TABLE, BlockFormat.TABLE_HTML),
        ("</table>\nNote", BlockFormat.TEXT),
        (cut, BlockFormat.TABLE_HTML),
    ]
    assert {block.type for block in found.blocks} == {label or "text"}
    assert found.markdown == "\n\n".join(block.content for block in found.blocks)
    assert found.text.startswith(f"<tablet> 1\n\na\tb\nc\td\n\nbetween {none}\n\na b c d\n\na\tb")


def test_a_table_that_was_cut_off_is_a_table() -> None:
    cut = "<table><tr><td>a</td><td>b"
    assert one("table", cut) == ("table", cut, BlockFormat.TABLE_HTML, cut, "a\tb")


@pytest.mark.parametrize("content", ["a | b", "the <table element", "<table></table>", "</table>a", "<table><![x["])
def test_a_table_that_is_none_is_text(content: str) -> None:
    assert one("table", content) == ("table", content, BlockFormat.TEXT, content, content)


@pytest.mark.parametrize("phrase", ["the total", "Total", "Итого", "total"])
def test_a_located_phrase_is_text(phrase: str) -> None:
    assert one(phrase, "") == ("text", phrase, BlockFormat.TEXT, phrase, phrase)


def test_a_phrase_in_the_middle_of_a_sentence_stays_in_it() -> None:
    assert one("the red car", "is parked.")[:2] == ("text", "the red car is parked.")


def test_a_label_that_is_not_known_is_a_type() -> None:
    assert one("page_number", "7") == ("page_number", "7", BlockFormat.TEXT, "7", "7")


def test_a_region_without_text_is_a_block() -> None:
    assert one("text", "") == ("text", "", BlockFormat.TEXT, "", "")


def test_a_figure_is_cut_out_once_however_often_it_is_named() -> None:
    asked: list[BBox] = []

    def crop(bbox: BBox) -> str:
        asked.append(bbox)
        return f"{len(asked)}.png"

    regions = [Region("image", (box,), "") for box in (BOX, (1, 2, 3, 4), BOX)]
    found = assemble(regions, 100, 200, crop)
    assert found.markdown == "![](1.png)\n\n![](2.png)\n\n![](1.png)"
    assert [block.format for block in found.blocks] == [BlockFormat.IMAGE] * 3
    assert asked == [BOX, (1, 2, 3, 4)]


def test_a_figure_without_a_place_leaves_its_text() -> None:
    found = page(Region("image", (), "LEGEND"))
    assert found.blocks == (Block("image", PAGE, "LEGEND", BlockFormat.TEXT, 0),)
    assert found.markdown == "LEGEND"


@given(lists)
def test_no_content_is_lost(regions: list[Region]) -> None:
    found = assemble(regions, 100, 200, lambda _: "!")
    written = "".join(region.content for region in regions)
    kept = re.sub(r"!\[]\(!\)|a phrase|Total|list", "", found.markdown)
    for letters in ("[ab]", "<table>|</table>|<td>", r"\{\}"):
        assert re.findall(letters, kept) == re.findall(letters, written)
    assert [block.order for block in found.blocks] == list(range(len(found.blocks)))
    assert len(found.blocks) >= len(regions)


@pytest.mark.parametrize(
    "unit",
    [
        r"\(",
        r"\[",
        r"\)",
        r"\( a \)",
        "$$",
        "$",
        "\\",
        "<table",
        "<table><td>",
        "<table><a ",
        "</table>",
        "# ",
        "\n",
        "a",
    ],
)
@pytest.mark.parametrize("label", ["text", "title", "equation", "image", "", "a phrase"])
def test_hostile_content_takes_no_longer_than_any_other(label: str, unit: str) -> None:
    """Anything that is not linear would run for minutes, into the limit that every test has."""
    content = "a" + unit * (200_000 // len(unit))
    assert page(Region(label, (BOX,), content)).blocks[-1].content


def test_a_table_behind_its_captions_tag_is_where_its_own_tag_says() -> None:
    cells = "<table><tr><td>1</td></tr></table>"
    found = page(Region("table", (BOX,), ""), Region("table_caption", ((1, 1, 9, 3),), f"Table 1\n\n{cells}"))
    assert [(block.type, block.bbox, block.content) for block in found.blocks] == [
        ("table_caption", (1, 1, 9, 3), "Table 1"),
        ("table", BOX, cells),
    ]
    assert [block.order for block in found.blocks] == [0, 1]
    assert found.markdown == f"Table 1\n\n{cells}"
