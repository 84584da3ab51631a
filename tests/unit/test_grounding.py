"""Answers of DeepSeek-OCR as regions: what the model writes, and what it never should."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engines.grounded_page import assemble
from server.engines.grounding import Region, parse

WIDTH, HEIGHT = 1998, 999
TAGS = ["<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "<｜end▁of▁sentence｜>"]
COORDINATES = ["[[1, 2, 30, 40]]", "[[1,2,3,4],[5,6,7,8]]", "[[9, 9, 1, 1]]", "[[-5, 0, 99999, 7.5]]", "[1, 2, 3, 4]"]
WORDS = ["text", "image", "title", "equation", "a phrase", "# Head", "\n\n", " ", "x", r"\( a \)", r"\[", r"\]", "$$"]
PARTS = [
    "<|r",
    "ef|>",
    "<",
    "|",
    "/",
    ">",
    "det|>",
    "<|",
    "[[",
    "]]",
    ",",
    "[[1, 2",
    "NaN",
    "٣",
    "9" * 5000,
    "<table",
    "<td>",
]

answers = st.one_of(st.text(), st.lists(st.sampled_from(TAGS + COORDINATES + WORDS + PARTS), max_size=40).map("".join))

numbers = st.one_of(st.integers(-2000, 2000), st.integers(0, 999), st.decimals(0, 999, places=2)).map(str)
boxes = st.lists(numbers, min_size=4, max_size=4)


def squeezed(text: str) -> str:
    return "".join(text.split())


def outside(answer: str) -> str:
    """What is to survive, told in another way than the parser's: labels and coordinates cut away, then tags."""
    number = r"[+-]?[0-9]+(\.[0-9]*)?"
    box = rf"\[\s*{number}(\s*,\s*{number}){{3}}\s*\]"
    tag = "|".join(map(re.escape, [*TAGS, "<｜begin▁of▁sentence｜>"]))
    left = ""
    for before, piece, after in _between(re.split(f"({tag})", answer)):
        kept = piece
        if before == "<|ref|>" and after == "<|/ref|>":
            kept = ""
        elif before == "<|det|>":
            kept = re.sub(rf"^\s*(\[\s*({box}\s*,?\s*)+\]|{box})", "", piece)
            if after == "" and kept == piece:
                kept = re.sub(r"^\s*\[\s*(\[[][0-9.,+\s-]*)?\Z", "", piece)
        left += kept
    return squeezed(left)


def _between(split: list[str]) -> list[tuple[str, str, str]]:
    padded = ["", *split, ""]
    return [(padded[at - 1], padded[at], padded[at + 1]) for at in range(1, len(padded), 2)]


def no_tag_in(text: str) -> bool:
    return not any(tag in text for tag in TAGS)


PAGE = """<|ref|>title<|/ref|><|det|>[[68, 69, 385, 100]]<|/det|>
# Annual report

<|ref|>text<|/ref|><|det|>[[68, 110, 930, 180], [68, 190, 400, 230]]<|/det|>
Revenue grew by \\( 5\\% \\).

<|ref|>image<|/ref|><|det|>[[100, 250, 900, 500]]<|/det|>

<|ref|>image_caption<|/ref|><|det|>[[100, 510, 900, 530]]<|/det|>
<center>Figure 1: growth</center>

<|ref|>table<|/ref|><|det|>[[0, 600, 999, 999]]<|/det|>
<table><tr><td>a</td><td>1</td></tr></table><｜end▁of▁sentence｜>"""


def test_a_page_as_the_model_writes_it() -> None:
    assert parse(PAGE, WIDTH, HEIGHT) == (
        Region("title", ((136, 69, 770, 100),), "# Annual report"),
        Region("text", ((136, 110, 1860, 180), (136, 190, 800, 230)), "Revenue grew by \\( 5\\% \\)."),
        Region("image", ((200, 250, 1800, 500),), ""),
        Region("image_caption", ((200, 510, 1800, 530),), "<center>Figure 1: growth</center>"),
        Region("table", ((0, 600, 1998, 999),), "<table><tr><td>a</td><td>1</td></tr></table>"),
    )


def test_what_was_located() -> None:
    answer = "<|ref|>the total<|/ref|><|det|>[[10, 20, 30, 40], [50, 60, 70, 80]]<|/det|><｜end▁of▁sentence｜>"
    assert parse(answer, 999, 999) == (Region("the total", ((10, 20, 30, 40), (50, 60, 70, 80)), ""),)


@pytest.mark.parametrize("answer", ["Free text.\n\nOf two paragraphs, 3 < 4 and [[1, 2, 3, 4]].", "<|reff|>", "a | b"])
def test_text_without_tags_is_one_region(answer: str) -> None:
    assert parse(f" {answer}\n", WIDTH, HEIGHT) == (Region("", (), answer),)


@pytest.mark.parametrize("answer", ["", " \n", "<|ref|>", "<|ref|> <|/ref|>\n<|det|>", "<|/det|>" * 3, "<|grounding|>"])
def test_nothing_is_no_region(answer: str) -> None:
    assert parse(answer, WIDTH, HEIGHT) == ()


@pytest.mark.parametrize(
    ("answer", "regions"),
    [
        ("before<|ref|>text<|/ref|>behind", [("", "before"), ("text", "behind")]),
        ("<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>a<|ref|>tab", [("text", "a"), ("", "tab")]),
        ("<|ref|>table<|/ref|><|det|>[[1, 2", [("table", "")]),
        ("<|ref|>table<|/ref|><|det|>[", [("table", "")]),
        ("<|ref|>table<|/ref|><|det|>[2024", [("table", "[2024")]),
        ("<|ref|>text<|/ref|><|det|>hello", [("text", "hello")]),
        ("<|ref|>text<|/ref|><|det|>hello<|/det|> you", [("text", "hello  you")]),
        ("<|ref|>text<|/ref|><|det|>[[1, 2, 3]]<|/det|>a", [("text", "[[1, 2, 3]] a")]),
        ("<|ref|>text<|/ref|><|det|>[[NaN, 2, 3, 4]]<|/det|>", [("text", "[[NaN, 2, 3, 4]]")]),
        ("<|ref|>text<|/ref|><|det|>[[١, 2, 3, 4]]<|/det|>", [("text", "[[١, 2, 3, 4]]")]),
        ("<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]\nno end tag", [("text", "no end tag")]),
        ("<|ref|>a<|ref|>b<|/ref|>c", [("", "a"), ("b", "c")]),
        ("<|ref|>a<|grounding|>b<|/ref|>c", [("", "a b c")]),
        ("a<|/ref|>b<|/det|>c", [("", "a b c")]),
        ("a<|det|>[[1, 2, 3, 4]]<|/det|>b", [("", "a"), ("", "b")]),
        ("<|r<|ref|>ef|>", [("", "<|r"), ("", "ef|>")]),
        ("<|r<|grounding|>ef|>x<|/r<|/det|>ef|>", [("", "<|r ef|>x<|/r ef|>")]),
        ("<|ref|>text<|/ref|><|d<|/ref|>et|>", [("text", "<|d et|>")]),
    ],
)
def test_tags_that_are_not_in_order(answer: str, regions: list[tuple[str, str]]) -> None:
    assert [(region.label, region.content) for region in parse(answer, WIDTH, HEIGHT)] == regions


@pytest.mark.parametrize(
    ("coordinates", "found"),
    [
        ("[[0, 0, 999, 999]]", ((0, 0, 1998, 999),)),
        ("[0, 0, 999, 999]", ((0, 0, 1998, 999),)),
        ("[[-7, +1, 2000, 2.9],]", ((0, 1, 1998, 2),)),
        (" [ [ 1,2 ,3\n, 4 ] [5, 6, 7, 8] ] ", ((2, 2, 6, 4), (10, 6, 14, 8))),
        (f"[[1, {'0' * 5000}1, 3, {'9' * 100_000}]]", ((2, 1, 6, 999),)),
        ("[[30, 0, 20, 10], [1, 2, 3, 4]]", ((2, 2, 6, 4),)),
        ("[[5, 5, 5, 9]]", ()),
        ("[[2000, 2000, 3000, 3000]]", ()),
    ],
)
def test_coordinates(coordinates: str, found: tuple[tuple[int, int, int, int], ...]) -> None:
    answer = f"<|ref|>text<|/ref|><|det|>{coordinates}<|/det|>content"
    assert parse(answer, WIDTH, HEIGHT) == (Region("text", found, "content"),)


def test_boxes_that_follow_each_other_are_of_one_region() -> None:
    answer = "<|ref|>a b<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n<|det|>[[5, 6, 7, 8]]<|/det|>c"
    assert parse(answer, 999, 999) == (Region("a b", ((1, 2, 3, 4), (5, 6, 7, 8)), "c"),)


@given(st.lists(boxes, min_size=1, max_size=5), st.sampled_from([",", ", ", " ,\n", ""]))
def test_every_list_of_boxes_is_taken_for_one(every: list[list[str]], comma: str) -> None:
    coordinates = comma.join(f"[{', '.join(box)}]" for box in every)
    assert [region.content for region in parse(f"<|det|>[{coordinates}]<|/det|>x", WIDTH, HEIGHT)] == ["x"]


@given(answers, st.integers(0, 5000), st.integers(0, 5000))
def test_boxes_lie_within_the_page_and_hold_something(answer: str, width: int, height: int) -> None:
    for region in parse(answer, width, height):
        for x0, y0, x1, y1 in region.boxes:
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height


@given(answers)
def test_nothing_outside_of_tags_is_lost_and_no_tag_remains(answer: str) -> None:
    regions = parse(answer, WIDTH, HEIGHT)
    assert squeezed("".join(region.content for region in regions)) == outside(answer)
    assert all(no_tag_in(region.content) and no_tag_in(region.label) for region in regions)
    assert all(region.content == region.content.strip() for region in regions)


@given(answers)
def test_labels_are_kept_in_their_order(answer: str) -> None:
    tag = "|".join(map(re.escape, TAGS))
    written = re.findall(rf"<\|ref\|>((?:(?!{tag})[\s\S])*)<\|/ref\|>", answer)
    labels = [region.label for region in parse(answer, WIDTH, HEIGHT) if region.label]
    assert labels == [label.strip() for label in written if label.strip()]


@pytest.mark.parametrize(
    "unit",
    [
        *TAGS,
        *("<|r", "<|", "<", "<|ref|>a", "<|ref|>a<|/ref|>", "<|det|>[", "<|det|>[[", "<|det|>[[1", "<|det|>a"),
        *(
            "<|ref|>a<|/ref|><|det|>[[",
            "<|ref|>a<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>",
            "<|det|>[[1, 2, 3, 4]]<|/det|>",
        ),
        *("<|det|> <|/det|>", "<|det|>[[1, 2, 3, 4]]", "<|grounding|> ", "a<|/ref|>", "<|det|>[[1, 2, 3, 4]]a"),
    ],
)
@pytest.mark.parametrize("start", ["", "<|ref|>", "<|det|>", "<|det|>[["])
def test_a_hostile_answer_takes_no_longer_than_any_other(unit: str, start: str) -> None:
    """Anything that is not linear would run for minutes, into the limit that every test has."""
    answer = start + unit * (200_000 // len(unit))
    page = assemble(parse(answer, WIDTH, HEIGHT), WIDTH, HEIGHT, lambda _: "figure")
    assert no_tag_in(page.markdown)


@pytest.mark.parametrize("start", ["", "<|ref|>text<|/ref|><|det|>", "<|det|>[[", "<|det|>[[1", "<|det|>[[1, 2, 3, 4]"])
@pytest.mark.parametrize("end", ["", "x", "<|/det|>", "]]<|/det|>"])
@pytest.mark.parametrize(
    "unit", ["[", "[[", "]", "9", "1.", "1,", " ", ", ", "[1, 2, 3, 4]", "[1, 2, 3, 4], ", "[ ", "-"]
)
def test_hostile_coordinates_take_no_longer_than_any_other(start: str, unit: str, end: str) -> None:
    regions = parse(start + unit * (200_000 // len(unit)) + end, WIDTH, HEIGHT)
    assert all(no_tag_in(region.content) for region in regions)
