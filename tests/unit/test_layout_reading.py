"""Given lines at these places and these drawn strokes, the page reads like this."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from server.layout.analysis import Analysis, analyse
from server.layout.lines import Line

WIDTH, HEIGHT = 827, 1170  # px: A4 at 100 dpi
PITCH, TALL = 20, 15  # px of a text line

Image = NDArray[np.uint8]


def blank() -> Image:
    return np.full((HEIGHT, WIDTH, 3), 255, np.uint8)


def line(text: str, x: float, y: float, width: float | None = None, height: float = TALL) -> Line:
    """A line whose width follows from its length, 7 px a character, where none is given."""
    return Line(text, x, y, x + (7 * len(text) if width is None else width), y + height, 0.9)


def prose(word: str, x: float, y: float, width: float, rows: int, last: float = 0.5) -> list[Line]:
    """A justified paragraph whose rows read "word0 lorem ipsum …"; its last row is shorter."""
    filler = " lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"
    texts = [(f"{word}{i}" + filler)[: int(width / 7)].rstrip() for i in range(rows)]
    widths = [width] * (rows - 1) + [width * last]
    return [line(text, x, y + PITCH * i, w) for i, (text, w) in enumerate(zip(texts, widths, strict=True))]


def table(rows: Iterable[str], x: float, y: float, columns: list[int], pitch: int = 28) -> list[Line]:
    """One line per cell; cells of a row are parted by "|"."""
    return [
        line(cell, x + columns[c], y + pitch * r)
        for r, row in enumerate(rows)
        for c, cell in enumerate(row.split("|"))
        if cell
    ]


def types(analysis: Analysis) -> list[str]:
    return [block.type for block in analysis.blocks]


def order(analysis: Analysis, *words: str) -> bool:
    """Whether these words come in this order."""
    places = [analysis.text.index(word) for word in words]
    return places == sorted(places)


def test_two_columns_below_a_wide_heading_are_read_one_after_the_other() -> None:
    lines = [line("A headline across both columns of the page", 100, 60, 600, 30)]
    lines += prose("left", 60, 130, 330, 20) + prose("right", 420, 130, 330, 20)
    assert order(analyse(lines, blank()), "headline", "left0", "left19", "right0", "right19")


def test_a_gutter_of_half_a_line_is_enough_when_it_is_long() -> None:
    lines = prose("left", 60, 130, 350, 20) + prose("right", 418, 137, 350, 20)
    assert order(analyse(lines, blank()), "left0", "left19", "right0")


def test_three_columns_with_a_wide_line_between() -> None:
    lines = [each for i in range(3) for each in prose(f"top{i}x", 50 + 250 * i, 100, 220, 8)]
    lines.append(line("a wide line which crosses all of the three columns of this page", 50, 290, 700))
    lines += [each for i in range(3) for each in prose(f"low{i}x", 50 + 250 * i, 330, 220, 8)]
    found = analyse(lines, blank())
    assert order(found, "top0x7", "top1x0", "top1x7", "top2x0", "top2x7", "a wide line", "low0x0", "low1x0", "low2x7")
    assert "table" not in types(found)


def test_unequal_columns() -> None:
    lines = prose("main", 60, 100, 480, 30) + prose("side", 580, 210, 180, 9)
    assert order(analyse(lines, blank()), "main0", "main29", "side0", "side8")


def test_one_ragged_column_with_indentation_and_a_centred_line_stays_one() -> None:
    lines = [line("Centred", 380, 150)]
    for i in range(6):
        lines += [line(f"p{i} first line of a paragraph, indented, as long as the column", 100, 200 + 60 * i, 640)]
        lines += [line("and a second, which ends somewhere before the edge", 70, 220 + 60 * i, 600 - 30 * i)]
        lines += [line("and a last.", 70, 240 + 60 * i)]
    found = analyse(lines, blank())
    assert types(found) == ["text"] * 7
    assert order(found, *(f"p{i}" for i in range(6)))


def test_a_skewed_page_is_read_like_a_level_one() -> None:
    level = prose("left", 60, 130, 330, 20) + prose("right", 430, 130, 330, 20)
    image = blank()
    for each in level:
        for x in range(int(each.x0), int(each.x1), 7):
            image[int(each.y0) + 3 : int(each.y1) - 3, x : x + 3] = 0
    angle = 1.5
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), -angle, 1.0)
    image = cv2.warpAffine(image, turn, (WIDTH, HEIGHT), borderValue=(255, 255, 255)).astype(np.uint8)
    skewed = []
    for each in level:
        corners = [(x, y, 1.0) for x in (each.x0, each.x1) for y in (each.y0, each.y1)]
        xs, ys = (turn @ np.array(corners).T).tolist()
        skewed.append(Line(each.text, min(xs), min(ys), max(xs), max(ys), 0.9))
    assert analyse(skewed, image).text == analyse(level, blank()).text


def test_a_running_head_and_a_page_number_are_told_from_the_text() -> None:
    lines = [line("Journal of Tests", 60, 40), *prose("text", 60, 120, 700, 30), line("— 12 —", 400, 1120)]
    found = analyse(lines, blank())
    assert types(found) == ["header", "text", "number"]


def test_paragraphs_are_joined_and_words_healed() -> None:
    lines = [
        line("The first paragraph ends its first line with a bro-", 70, 100, 600),
        line("ken word, and keeps its Saint-", 70, 120, 600),
        line("Denis. Then it ends.", 70, 140, 300),
        line("The second one begins without a gap, with a slo-", 70, 160, 600),
        line("во.", 70, 180),
    ]
    assert analyse(lines, blank()).text == (
        "The first paragraph ends its first line with a broken word, and keeps its Saint-Denis. Then it ends.\n\n"
        "The second one begins without a gap, with a sloво."
    )


def test_chinese_lines_are_joined_without_a_space() -> None:
    lines = [line("这是第一行文字这是第一行文字", 70, 100, 400), line("这是第二行。", 70, 120, 200)]
    assert analyse(lines, blank()).text == "这是第一行文字这是第一行文字这是第二行。"


def test_an_address_keeps_its_lines() -> None:
    lines = [line("Acme Ltd", 70, 100), line("12 High Street", 70, 120), line("London W1", 70, 140)]
    found = analyse([*lines, *prose("body", 70, 220, 650, 6)], blank())
    assert found.text.startswith("Acme Ltd\n12 High Street\nLondon W1\n\n")
    assert "Acme Ltd  \n12 High Street  \n" in found.markdown


def test_headings_by_size() -> None:
    lines = [line("The Title", 300, 60, 250, 34), *prose("one", 70, 140, 650, 6)]
    lines += [line("2 Methods", 70, 290, 120, 22), *prose("two", 70, 330, 650, 6)]
    lines += [line("2.1 Samples", 70, 480, 120, 20), *prose("three", 70, 520, 650, 6)]
    image = blank()
    for each in lines:  # strokes of 2 px, of 4 px where the type is large
        wide = 4 if each.height > TALL else 2
        for x in range(int(each.x0), int(each.x1), 9):
            image[int(each.y0) : int(each.y1), x : x + wide] = 0
    found = analyse(lines, image)
    assert types(found) == ["doc_title", "text", "paragraph_title", "text", "paragraph_title", "text"]
    assert found.markdown.startswith("# The Title\n\n")
    assert "\n\n## 2 Methods\n\n" in found.markdown
    assert "\n\n### 2.1 Samples\n\n" in found.markdown


def test_lists_nest_by_indentation_and_keep_continuations() -> None:
    lines = [
        line("• first item, as long as the column is wide, so that it goes", 70, 100, 600),
        line("on here", 85, 120),
        line("– nested", 110, 140),
        line("• second item", 70, 160),
        line("1. one", 70, 240),
        line("2) two", 70, 260),
        line("а) кириллица", 95, 280),
    ]
    assert analyse(lines, blank()).markdown == (
        "- first item, as long as the column is wide, so that it goes on here\n  - nested\n- second item\n\n"
        "1. one\n2) two\n   - а) кириллица"
    )


def test_a_bullet_that_only_the_image_shows_makes_a_list() -> None:
    image = blank()
    lines = []
    for i, text in enumerate(["wash hands", "dry them"]):
        y = 100 + 24 * i
        cv2.circle(image, (75, y + 8), 3, (0, 0, 0), -1)
        for x in range(100, 170, 8):
            image[y + 1 : y + 14, x : x + 3] = 0
        lines.append(line(text, 98, y, 75))
    assert analyse(lines, image).markdown == "- wash hands\n- dry them"


def test_aligned_cells_are_a_table_without_rulings() -> None:
    rows = ["Station|Jan|Feb", "North|1.5|2.25", "South|12.0|", "East|3.5|4.0"]
    lines = [*prose("above", 70, 60, 650, 3), *table(rows, 70, 160, [0, 200, 320]), *prose("below", 70, 320, 650, 3)]
    found = analyse(lines, blank())
    assert types(found) == ["text", "table", "text"]
    assert "| South | 12.0 |  |" in found.markdown
    assert "North\t1.5\t2.25" in found.text
    assert found.blocks[1].content.startswith("<table><tr><td>Station</td><td>Jan</td>")


def test_labels_and_values_are_a_table() -> None:
    rows = ["Name:|Maria Lopez", "Born:|12.03.1985", "Phone:|+34 600 123 456"]
    assert types(analyse(table(rows, 70, 160, [0, 200]), blank())) == ["table"]


def test_two_columns_of_short_prose_are_no_table() -> None:
    lines = prose("left", 60, 130, 200, 5) + prose("right", 330, 130, 200, 5)
    found = analyse(lines, blank())
    assert types(found) == ["text", "text"]


def test_two_lists_side_by_side_are_no_table() -> None:
    lines = [line(f"• left item {i}", 60, 100 + 30 * i) for i in range(4)]
    lines += [line(f"• right item {i}", 400, 100 + 30 * i) for i in range(4)]
    found = analyse(lines, blank())
    assert types(found) == ["list", "list"]
    assert order(found, "left item 3", "right item 0")


def test_a_contents_page_keeps_numbers_with_their_titles() -> None:
    lines = [
        part
        for i in range(5)
        for part in (line(f"Chapter {i} .......", 70, 100 + 24 * i), line(f"...... {i + 7}", 500, 100 + 24 * i))
    ]
    assert analyse(lines, blank()).text.split("\n") == [f"Chapter {i} ....... ...... {i + 7}" for i in range(5)]


def grid(image: Image, xs: list[int], ys: list[int]) -> None:
    for x in xs:
        cv2.line(image, (x, ys[0]), (x, ys[-1]), (0, 0, 0), 1)
    for y in ys:
        cv2.line(image, (xs[0], y), (xs[-1], y), (0, 0, 0), 1)


def test_a_ruled_table_with_merged_cells_and_cells_of_several_lines() -> None:
    image = blank()
    grid(image, [70, 250, 400, 550], [100, 140, 180, 240])
    image[101:140, 400] = 255  # the stroke between the head's two last cells is missing
    lines = [line("Region", 80, 112), line("Sales <net>", 340, 112), line("North", 80, 150), line("1", 260, 150)]
    lines += [line("2", 410, 150), line("a cell of", 80, 190), line("two lines", 80, 212), line("3", 260, 200)]
    found = analyse([*lines, *prose("below", 70, 300, 650, 4)], image)
    assert types(found) == ["table", "text"]
    assert found.blocks[0].content == (
        '<table><tr><td>Region</td><td colspan="2">Sales &lt;net&gt;</td></tr>'
        "<tr><td>North</td><td>1</td><td>2</td></tr><tr><td>a cell of two lines</td><td>3</td><td></td></tr></table>"
    )
    assert found.blocks[0].content in found.markdown


def test_rows_between_the_rulings_of_a_table_that_rules_only_its_columns() -> None:
    image = blank()
    grid(image, [70, 250, 400, 550], [100, 260])
    rows = ["North|1|2", "South|3|4", "East|5|6", "West|7|8"]
    found = analyse(table(rows, 80, 110, [0, 180, 330], 36), image)
    assert found.text == "North\t1\t2\nSouth\t3\t4\nEast\t5\t6\nWest\t7\t8"


def test_three_rulings_make_a_table_of_words() -> None:
    image = blank()
    for y in (100, 135, 230):
        cv2.line(image, (70, y), (500, y), (0, 0, 0), 1)
    lines = table(
        ["Term|Meaning", "left side|of a page", "right one|of a sheet", "foot|its end"], 80, 110, [0, 200], 30
    )
    assert types(analyse(lines, image)) == ["table"]


def test_a_frame_around_columns_of_prose_is_no_table() -> None:
    image = blank()
    grid(image, [40, 410, 780], [80, 90, 900])
    found = analyse(prose("left", 60, 130, 330, 30) + prose("right", 430, 130, 330, 30), image)
    assert "table" not in types(found)
    assert order(found, "left29", "right0")


def noise(image: Image, x0: int, y0: int, x1: int, y1: int) -> None:
    image[y0:y1, x0:x1] = np.random.default_rng(1).integers(0, 200, (y1 - y0, x1 - x0, 3), np.uint8)


def test_a_picture_between_paragraphs_is_a_figure() -> None:
    image = blank()
    noise(image, 100, 300, 500, 560)
    found = analyse([*prose("above", 70, 100, 650, 8), *prose("below", 70, 620, 650, 8)], image)
    assert types(found) == ["text", "image", "text"]
    assert "\n\n![](figure_1.png)\n\n" in found.markdown
    x0, y0, x1, y1 = found.figures["figure_1.png"]
    assert max(abs(x0 - 100), abs(y0 - 300), abs(x1 - 500), abs(y1 - 560)) < 12


def test_the_bars_of_a_chart_are_one_figure_even_where_one_was_taken_for_a_character() -> None:
    image = blank()
    for index, top in enumerate((700, 760, 800, 820)):
        image[top:900, 100 + 120 * index : 170 + 120 * index] = (180, 130, 70)
    lines = [*prose("above", 70, 100, 650, 8), line("■", 98, 698, 74, 204)]
    [(x0, y0, x1, y1)] = analyse(lines, image).figures.values()
    assert max(abs(x0 - 100), abs(y0 - 700), abs(x1 - 530), abs(y1 - 900)) < 12


def test_specks_shade_and_a_signature_are_no_figures() -> None:
    image = blank()
    shade = np.linspace(0.5, 1.0, WIDTH)[None, :, None] * np.linspace(0.8, 1.0, HEIGHT)[:, None, None]
    image = (image * shade).astype(np.uint8)
    specks = np.random.default_rng(2)
    image[specks.integers(0, HEIGHT, 400), specks.integers(0, WIDTH, 400)] = 0
    cv2.putText(image, "signature", (500, 1000), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.0, (90, 40, 40), 2)
    assert analyse(prose("text", 70, 100, 650, 20), image).figures == {}


def test_a_tinted_panel_under_text_is_no_figure() -> None:
    image = blank()
    image[90:520, 60:740] = (235, 220, 205)
    assert analyse(prose("text", 70, 100, 650, 20), image).figures == {}


def test_markdown_is_escaped_where_it_would_change_the_meaning_and_nowhere_else() -> None:
    texts = {
        "# 5 apples": "\\# 5 apples",
        "1990. A year": "1990\\. A year",
        "+ 5 points": "\\+ 5 points",
        "> quoted": "\\> quoted",
        "a <b> c": "a \\<b> c",
        "2 * 3 * 4": "2 * 3 * 4",
        "*stars*": "\\*stars\\*",
        "snake_case_name": "snake_case_name",
        "_under_": "\\_under\\_",
        "C# and e-mail (x).": "C# and e-mail (x).",
        "50 % | 3 - 4": "50 % | 3 - 4",
        "~~out~~ ~5": "\\~\\~out\\~\\~ ~5",
    }
    for text, markdown in texts.items():
        assert analyse([line(text, 70, 100)], blank()).markdown == markdown


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    cells = table(["a|b|10", "c|d|11", "e||12"], 70, 100, [0, 100, 200])
    assert "| e | f\\|g | 12 |" in analyse([*cells, line("f|g", 170, 156)], blank()).markdown
