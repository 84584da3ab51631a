"""Pages looked at together. That all of it is what PaddleX does, tests/paddle/test_restructuring.py holds."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.paddlex.blocks import Block, Sheet, figure_name, written
from server.paddlex.heights import ranks
from server.paddlex.html_tree import parse, serialise
from server.paddlex.markdown import markdown
from server.paddlex.restructuring import concatenated, restructure
from server.paddlex.tables import LONGEST, MAX_SPAN

ROW = "<tr><td>{}</td><td>{}</td></tr>"


def sheet(*blocks: tuple[str, str], **settings: object) -> Sheet:
    made = [
        Block(label, [0, 20 * place, 100, 20 * place + 10], content) for place, (label, content) in enumerate(blocks)
    ]
    return Sheet(made, {"width": 200, "height": 300, "model_settings": settings})


def tables(*contents: str) -> list[str]:
    """What becomes of tables, one a page."""
    pages = [sheet(("table", content)) for content in contents]
    restructure(pages, merge_tables=True, relevel_titles=False)
    return [page.blocks[0].content for page in pages]


def test_a_table_over_three_pages() -> None:
    head = "<tr><th>a</th><th>b</th></tr>"
    parts = [f"<table>{head}{ROW.format(number, number)}</table>" for number in range(3)]
    whole = f"<table>{head}{''.join(ROW.format(number, number) for number in range(3))}</table>"
    assert tables(*parts) == [whole, "", ""]


def test_what_would_take_too_long_to_join_stays_as_it_is() -> None:
    long = f"<table>{ROW.format('a' * LONGEST, 'b')}</table>"
    short = f"<table>{ROW.format('c', 'd')}</table>"
    assert tables(long, short) == [long, short]
    assert tables(short, long) == [short, long]


@pytest.mark.parametrize(
    "below",
    [
        "<table><tr><td>1</td><td>2</td><td>3</td></tr></table>",
        "",
        "no table",
        "<![x[",
    ],
)
def test_tables_that_do_not_go_together(below: str) -> None:
    above = f"<table>{ROW.format(1, 2)}</table>"
    assert tables(above, below) == [above, below]


def test_spans_without_end_cost_nothing() -> None:
    huge = f'<table><tr><td colspan="{10**30}" rowspan="{10**30}">x</td></tr></table>'
    assert tables(huge, huge)[1] == ""
    assert MAX_SPAN <= 1000


def test_what_stands_between_keeps_tables_apart() -> None:
    table = f"<table>{ROW.format(1, 2)}</table>"
    for between, apart in (("text", True), ("header", False)):
        pages = [sheet(("table", table)), sheet((between, "x"), ("table", table))]
        restructure(pages, merge_tables=True, relevel_titles=False)
        assert bool(pages[1].blocks[1].content) == apart


def test_blocks_are_numbered_over_all_pages() -> None:
    pages = [sheet(("text", "a"), ("text", "b")), sheet(), sheet(("text", "c"))]
    restructure(pages, merge_tables=True, relevel_titles=True)
    assert [block.id for page in pages for block in page.blocks] == [0, 1, 2]
    whole = concatenated(pages)
    assert whole.result["page_count"] == 3
    assert [entry["block_order"] for entry in written(whole, ["a", "b", "c"])["parsing_res_list"]] == [1, 2, 3]


def test_headings() -> None:
    page = sheet(*(("paragraph_title", text) for text in ("1 One", "1.1 Two", "1.1.1 Three", "References", "(1) Four")))
    restructure([page], merge_tables=True, relevel_titles=True)
    assert markdown(page, pretty=True, numbered=False).split("\n\n") == [
        "## 1 One",
        "### 1.1 Two",
        "#### 1.1.1 Three",
        "## References",
        "### (1) Four",
    ]


def test_headings_that_nobody_has_looked_at() -> None:
    page = sheet(("paragraph_title", "1.2.Two parts."), ("abstract_title", "Ab-\nstract"))
    assert markdown(page, pretty=True, numbered=False) == "#### 1.2. Two parts\n\n## Abstract"


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 6))
def test_taller_is_never_deeper(heights: list[int], most: int) -> None:
    rank = ranks(heights, most)
    assert rank.keys() == set(heights)
    assert set(rank.values()) == set(range(1, min(most, len(rank)) + 1))
    ordered = [rank[height] for height in sorted(rank, reverse=True)]
    assert ordered == sorted(ordered)


def test_groups_as_scikit_learn_finds_them() -> None:
    """KMeans(n_clusters=4, random_state=42, n_init="auto") of scikit-learn 1.9 on the same heights."""
    chance = random.Random(7)
    heights = [chance.randint(8, 40) for _ in range(30)]
    found = ranks(heights, 4)
    groups = [sorted(height for height in found if found[height] == rank) for rank in (1, 2, 3, 4)]
    assert groups == [[31, 33, 34, 35, 40], [26, 28], [21, 22, 23], [10, 11, 12, 13, 14, 15, 16, 17]]


def test_figures_and_formulas() -> None:
    page = sheet(("display_formula", "$$ x $$"), ("formula_number", "(1)"), ("image", ""), ("header", "out"))
    page.settings["markdown_ignore_labels"] = ["header"]
    image = page.blocks[2]
    image.image = figure_name(image.label, image.bbox)
    assert image.image == "imgs/img_in_image_box_0_40_100_50.jpg"
    pretty = markdown(page, pretty=True, numbered=True)
    shown = f'<div style="text-align: center;"><img src="{image.image}" alt="Image" width="50%" /></div>\n'
    assert pretty == r"$$ x  \tag*{(1)}$$" + f"\n\n{shown}"
    assert markdown(page, pretty=False, numbered=False) == f"$$ x $$\n\n![]({image.image})"


@given(st.text("<>/&;\"' =abtdrhpre!-[]?#x1\n", max_size=60))
def test_written_html_reads_the_same_again(text: str) -> None:
    try:
        tree = parse(text)
    except ValueError:
        return
    once = serialise(tree)
    assert serialise(parse(once)) == once or "<!" in once or "<?" in once
