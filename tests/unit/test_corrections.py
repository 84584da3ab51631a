"""What people write instead of what was read, in a page's blocks, Markdown and text: there, and nowhere else."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.confidence import of_page
from server.corrections import corrected
from server.documents import Block, BlockFormat, Page
from server.layout import markdown as md
from server.layout.lists import Item
from server.layout.plain import plain
from server.layout.tables_html import Cell, to_html

TEXT, TABLE, LATEX, IMAGE = BlockFormat.TEXT, BlockFormat.TABLE_HTML, BlockFormat.LATEX, BlockFormat.IMAGE

Part = tuple[str, BlockFormat, str, str]
"""Type, format and content of a block, and its Markdown."""


def page(parts: Sequence[Part], *, model: bool = False, unseen: Sequence[str] = (), **changed: Any) -> Page:
    """A page of these blocks; of a model's, or of one that reads lines. Those of `unseen` types are in its blocks only."""
    blocks = [Block(kind, (0, 0, 9, 9), content, form, order) for order, (kind, form, content, _) in enumerate(parts)]
    seen = [(block, markdown) for block, (*_, markdown) in zip(blocks, parts, strict=True) if block.type not in unseen]
    text = "\n\n".join(filter(None, (plain(block) for block, _ in seen)))
    markdown = "\n\n".join(markdown for _, markdown in seen if markdown)
    made = Page(1, 600, 800, text, markdown, tuple(blocks), tokens=9 if model else None, token_confidence=0.5)
    return replace(made, **changed)


def text(content: str, kind: str = "text") -> Part:
    """As a line recogniser's paragraph."""
    return kind, TEXT, content, md.escape(content)


def title(content: str) -> Part:
    return "paragraph_title", TEXT, content, md.heading(content, 2)


def table(rows: Sequence[Sequence[str]]) -> Part:
    cells = [Cell(row, column, each) for row, texts in enumerate(rows) for column, each in enumerate(texts)]
    return "table", TABLE, to_html(cells), md.table(cells)


def listed(*items: Item) -> Part:
    return "list", TEXT, "\n".join(item.line for item in items), md.bullet_list(items)


def figure(number: int) -> Part:
    name = f"images/page_1_figure_{number}.png"
    return "image", IMAGE, name, md.image(name)


SHEET = [
    text("Page 4", "header"),
    title("1.1 Terms *and* conditions"),
    text("The same."),
    table([["Name", "Sum"], ["A & <b>B</b> | C", "12.50"]]),
    figure(1),
    text("The same."),
    listed(Item("•", "first thing", 0), Item("–", "inner one", 1), Item("2.", "second", 0)),
    text("(a) [x](y) `z`\nand # more…"),
    text("4", "number"),
]
"""A page as pp-ocr reads it."""


def test_nothing_is_corrected() -> None:
    assert corrected(page(SHEET), {}) == page(SHEET)


@pytest.mark.parametrize(
    ("order", "content", "kind"),
    [
        (0, "Page 5", text),
        (1, "1.2 *Other* terms", title),
        (2, "Not the same.", text),
        (5, "* Not\n# the same", text),
        (7, "1. x", text),
        (8, "17", text),
    ],
)
def test_a_text_is_replaced_in_its_own_place(order: int, content: str, kind: Any) -> None:
    before = page(SHEET)
    after = corrected(before, {order: content})
    expected = page([*SHEET[:order], kind(content), *SHEET[order + 1 :]])
    assert (after.markdown, after.text) == (expected.markdown, expected.text)
    assert after.blocks[order] == replace(before.blocks[order], content=content, original=SHEET[order][2])
    assert [block for block in after.blocks if block.order != order] == [
        block for block in before.blocks if block.order != order
    ]
    assert of_page(after) == of_page(before)


def test_several_at_once() -> None:
    after = corrected(page(SHEET), {5: "Five", 2: "Two", 8: "9"})
    expected = [*SHEET[:2], text("Two"), *SHEET[3:5], text("Five"), *SHEET[6:8], text("9")]
    assert (after.markdown, after.text) == (page(expected).markdown, page(expected).text)


def test_a_table_is_replaced_as_a_table() -> None:
    rows = [["Name", "Sum"], ["D | E", "<3"], ["F", "1"]]
    html = "<table><tr><th>Name</th><td onclick='x'>Sum</td></tr><tr><td>D | E<td>&lt;3</tr><tr><td>F<td>1</table>"
    after = corrected(page(SHEET), {3: html})
    expected = page([*SHEET[:3], table(rows), *SHEET[4:]])
    assert after.text == expected.text
    assert after.markdown.replace("&lt;", "\\<") == expected.markdown
    assert after.blocks[3].content == html


def test_a_table_with_spans_stays_html() -> None:
    cells = [Cell(0, 0, "Both", colspan=2), Cell(1, 0, "a"), Cell(1, 1, "b")]
    spanned: Part = ("table", TABLE, to_html(cells), md.table(cells))
    html = '<table><tr><td colspan="2">All</td></tr><tr><td>c</td><td><script>d</script></td></tr></table>'
    after = corrected(page([text("Above"), spanned, text("Below")]), {1: html})
    clean = html.replace("<script>d</script>", "d")
    assert after.markdown == f"Above\n\n{clean}\n\nBelow"


def test_a_list_stays_a_list() -> None:
    after = corrected(page(SHEET), {6: "• one\n  – two *x*\n3. three\nfour"})
    assert md.bullet_list(
        [Item("•", "one", 0), Item("–", "two *x*", 1), Item("3.", "three", 0), Item("", "four", 0)]
    ).replace("-  four", "- four") in after.markdown.replace("-  four", "- four")
    assert "first thing" not in after.markdown
    assert after.markdown.count("\n\n") == page(SHEET).markdown.count("\n\n")


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5, 6, 7, 8])
def test_what_is_made_empty_leaves_no_trace(order: int) -> None:
    after = corrected(page(SHEET), {order: ""})
    expected = page([*SHEET[:order], *SHEET[order + 1 :]])
    assert (after.markdown, after.text) == (expected.markdown, expected.text)


def test_all_is_made_empty() -> None:
    after = corrected(page(SHEET), {order: "" for order in range(9) if order != 4})
    assert (after.markdown, after.text) == ("![](images/page_1_figure_1.png)", "")


@pytest.mark.parametrize("sign", ["—", "***", "☐", "<", "[ ](", "-"])
def test_what_has_no_letters_is_found_between_its_neighbours(sign: str) -> None:
    parts = [text("Above"), text(sign), text("Between"), text(sign), text("Below")]
    after = corrected(page(parts), {3: "x"})
    expected = page([*parts[:3], text("x"), parts[4]])
    assert (after.markdown, after.text) == (expected.markdown, expected.text)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_what_was_read_as_nothing_gets_a_place(order: int) -> None:
    parts = [text("Above"), text("Below")]
    parts.insert(order, text(""))
    after = corrected(page(parts), {order: "*new*"})
    parts[order] = text("*new*")
    assert (after.markdown, after.text) == (page(parts).markdown, page(parts).text)


def test_a_page_of_nothing_but_that() -> None:
    after = corrected(page([text("")]), {0: "new"})
    assert (after.markdown, after.text) == ("new", "new")


# --- a model's pages

DIV = '<div style="text-align: center;">{}</div>\n'
CELL = "<td style='text-align: center; word-wrap: break-word;'>"
PADDLE: list[Part] = [
    ("header", TEXT, "1.1 Terms", "never shown"),
    ("doc_title", TEXT, "A long\ntitle", "# A long title"),
    ("paragraph_title", TEXT, "1.1Terms", "### 1.1 Terms"),
    ("text", TEXT, "It is **bold** & <u>so on</u>\nnext", "It is **bold** & <u>so on</u>\n\nnext"),
    (
        *("table", TABLE, "<table><tr><td>a</td><td>12</td></tr></table>"),
        f"\n<table border=1 style='margin: auto; word-wrap: break-word;'><tr>{CELL}a</td>{CELL}12</td></tr></table>",
    ),
    ("figure_title", TEXT, "Fig. 1\ncaption", DIV.format("Fig. 1 caption")),
    ("image", IMAGE, "imgs/a.jpg", DIV.format('<img src="imgs/a.jpg" alt="Image" width="40%" />')),
    ("display_formula", LATEX, "$$ x = \\frac{1}{2} $$", "$$ x = \\frac{1}{2} \\tag*{(3)}$$"),
    ("formula_number", TEXT, "(3)", ""),
    ("inline_formula", LATEX, "$$ y^2 $$", "$$ y^2 $$"),
    ("number", TEXT, "12", "never shown"),
]
"""A page as PaddleX writes it (paddlex/inference/common/result/converter/markdown_format_funcs.py)."""
IGNORED = ["header", "number"]
OF_PADDLE = {"engine_result": {"model_settings": {"markdown_ignore_labels": IGNORED}}}


@pytest.mark.parametrize(
    ("order", "content", "markdown"),
    [
        (1, "Another\n# title", "# Another # title"),
        (2, "## 1.2 Words", "### 1.2 Words"),
        (3, "**Bold**\n\nnew", "**Bold**\n\nnew"),
        (4, "<table><tr><td>b</td><td>&lt;c</td></tr></table>", "\n<table><tr><td>b</td><td>&lt;c</td></tr></table>"),
        (5, "Fig. 2\nnew", DIV.format("Fig. 2 new")),
        (7, "$$ x = 1 $$", "$$ x = 1 \\tag*{(3)}$$"),
        (9, "z", "$$ z $$"),
    ],
)
def test_a_models_markdown_keeps_its_shape(order: int, content: str, markdown: str) -> None:
    before = page(PADDLE, unseen=IGNORED, **OF_PADDLE)
    after = corrected(before, {order: content})
    kind, form, *_ = PADDLE[order]
    expected = page([*PADDLE[:order], (kind, form, content, markdown), *PADDLE[order + 1 :]], unseen=IGNORED)
    assert after.markdown == expected.markdown
    assert after.text == expected.text


@pytest.mark.parametrize("order", [0, 10])
def test_what_the_engine_leaves_out_stays_out(order: int) -> None:
    before = page(PADDLE, unseen=IGNORED, **OF_PADDLE)
    after = corrected(before, {order: "new"})
    assert (after.markdown, after.text) == (before.markdown, before.text)
    assert (after.blocks[order].content, after.blocks[order].original) == ("new", before.blocks[order].content)
    assert after.engine_result == before.engine_result


def test_a_header_like_a_title_is_told_from_it_without_a_list_of_labels() -> None:
    parts: list[Part] = [
        ("header", TEXT, "Report", "Report"),
        ("doc_title", TEXT, "Report", "# Report"),
        ("text", TEXT, "On page 7", "On page 7"),
        ("number", TEXT, "7", "7"),
    ]
    before = page(parts, model=True, unseen=["header", "number"])
    assert corrected(before, {0: "x"}).markdown == corrected(before, {3: "x"}).markdown == before.markdown
    assert corrected(before, {1: "x"}).markdown == "# x\n\nOn page 7"


def test_a_table_in_pipes_of_a_model() -> None:
    html = "<table><tr><td>a</td></tr><tr><td>1</td></tr></table>"
    before = page([("table", TABLE, html, "\n| a |\n| --- |\n| 1 |\n"), ("text", TEXT, "b", "b")], model=True)
    after = corrected(before, {0: html.replace("1", "2 | 3")})
    assert after.markdown == "\n| a |\n| --- |\n| 2 \\| 3 |\n\n\nb"


def test_a_formula_of_glm() -> None:
    parts: list[Part] = [
        ("text", TEXT, "a", "a"),
        ("display_formula", LATEX, "x=1", "$$\nx=1 \\tag{7}\n$$"),
        ("formula_number", TEXT, "(7)", ""),
    ]
    assert corrected(page(parts, model=True), {1: "$y$"}).markdown == "a\n\n$$\ny \\tag{7}\n$$"
    renumbered = corrected(page(parts, model=True), {2: "(8})"})
    assert (renumbered.markdown, renumbered.text) == ("a\n\n$$\nx=1 \\tag{8}\n$$", "a\n\nx=1\n\n(8})")
    assert corrected(page([*parts[:1], ("f", LATEX, "x", "$$x$$")], model=True), {1: ""}).markdown == "a"


def test_where_a_block_cannot_be_told_the_page_is_made_anew() -> None:
    chart = "<table><thead><tr><th>year</th><th>sum</th></tr></thead></table>"
    parts: list[Part] = [
        ("doc_title", TEXT, "Title", "# Title"),
        ("chart", TEXT, "year | sum", chart),
        ("image", IMAGE, "a.jpg", "![](a.jpg)"),
        ("text", TEXT, "words", "completely other words"),
    ]
    before = page(parts, model=True)
    assert corrected(before, {1: "new"}).markdown == "# Title\n\nnew\n\n![](a.jpg)\n\nwords"
    assert corrected(before, {3: "new"}).markdown == "# Title\n\nyear | sum\n\n![](a.jpg)\n\nnew"
    assert corrected(before, {3: "new"}).text == "Title\n\nyear | sum\n\nnew"


# --- laws

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=40)
LINES = st.lists(WORDS, min_size=1, max_size=3).map("\n".join).filter(lambda each: "&" not in each)


@settings(max_examples=300)
@given(st.lists(LINES.filter(lambda each: any(map(str.isalnum, each))), min_size=1, max_size=6), LINES, st.data())
def test_whatever_stands_there_the_correction_stands_in_its_place(
    contents: list[str], new: str, data: st.DataObject
) -> None:
    contents = [content.strip() for content in contents]
    order = data.draw(st.integers(0, len(contents) - 1))
    new = new.strip()
    assume(new)
    after = corrected(page([text(each) for each in contents]), {order: new})
    expected = page([text(each) for each in [*contents[:order], new, *contents[order + 1 :]]])
    assert after.text == expected.text
    assert after.markdown == expected.markdown


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6), st.data())
def test_no_page_makes_it_fail(parts: list[tuple[str, str]], data: st.DataObject) -> None:
    kinds = st.sampled_from(["text", "list", "paragraph_title", "number"])
    forms = st.sampled_from([TEXT, TABLE, LATEX])
    made = page([(data.draw(kinds), data.draw(forms), *each) for each in parts], model=data.draw(st.booleans()))
    contents = data.draw(st.dictionaries(st.integers(0, len(parts) - 1), WORDS))
    after = corrected(made, contents)
    assert {order: after.blocks[order].content for order in contents} == contents
