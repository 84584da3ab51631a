"""Which of a layout model's finds are worth reading."""

from hypothesis import given
from hypothesis import strategies as st

from server.documents import BBox
from server.engines.found import Found, worth_reading

WIDTH, HEIGHT = 1000, 1400


def found(label: str, *bbox: int, score: float = 0.9) -> Found:
    x0, y0, x1, y1 = bbox
    return Found(label, (x0, y0, x1, y1), score)


def kept(*finds: Found) -> list[Found]:
    return worth_reading(finds, WIDTH, HEIGHT)


TEXT = found("text", 100, 100, 900, 300)


def test_a_region_found_twice_counts_once_and_the_likelier_find_stays() -> None:
    again = found("text", 110, 100, 905, 310, score=0.95)
    assert kept(TEXT, again) == [again]
    other = found("abstract", 100, 100, 900, 300, score=0.5)
    assert kept(other, TEXT) == [TEXT]


def test_a_part_of_a_region_is_read_with_it() -> None:
    formula = found("inline_formula", 200, 150, 300, 180)
    line = found("text", 100, 290, 900, 400)
    assert kept(TEXT, formula, line) == [TEXT, line]


def test_of_two_that_are_almost_each_other_one_stays() -> None:
    """GLM-OCR's own rules lose both."""
    title = found("paragraph_title", 100, 100, 900, 290)
    assert kept(TEXT, title) == [TEXT]


def test_a_figure_stays_wherever_it_is() -> None:
    figure = found("image", 200, 150, 400, 250)
    assert kept(TEXT, figure) == [TEXT, figure]


def test_a_figure_as_large_as_the_page_is_the_page_if_there_is_anything_on_it() -> None:
    page = found("image", 0, 0, WIDTH, HEIGHT)
    assert kept(page, TEXT) == [TEXT]
    assert kept(page) == [page]


def test_a_list_of_references_gives_way_to_its_entries() -> None:
    references = found("reference", 100, 800, 900, 1200)
    entries = [found("reference_content", 100, 800 + 100 * n, 900, 890 + 100 * n) for n in range(4)]
    assert kept(references, *entries) == entries
    assert kept(references) == [references]


LABELS = ("text", "table", "image", "reference", "reference_content", "seal")


@st.composite
def boxes(draw: st.DrawFn) -> BBox:
    x0, y0 = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    return x0, y0, draw(st.integers(x0 + 1, WIDTH)), draw(st.integers(y0 + 1, HEIGHT))


@given(st.lists(st.builds(Found, st.sampled_from(LABELS), boxes(), st.floats(0, 1)), max_size=12))
def test_order_stays_and_of_something_something_is_left(finds: list[Found]) -> None:
    left = worth_reading(finds, WIDTH, HEIGHT)
    rest = iter(finds)
    assert all(each in rest for each in left)
    assert bool(left) == bool(finds)
