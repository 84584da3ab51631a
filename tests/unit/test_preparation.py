"""The way from a page as it was read to the page as it was sent: there and back, for boxes and all that has boxes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.as_sent import as_sent
from server.documents import Block, BlockFormat, Page
from server.fields import fields
from server.preparation import Affine, Preparation, rotation, shift, turn

SIDES = st.integers(1, 5000)
PLACES = st.floats(-5000, 5000)
WAYS = st.one_of(
    st.builds(turn, st.integers(0, 7), SIDES, SIDES),
    st.builds(shift, PLACES, PLACES),
    st.builds(
        rotation,
        st.floats(-15, 15),
        st.floats(0.7, 1),
        st.tuples(PLACES, PLACES),
        st.tuples(PLACES, PLACES),
    ),
)
CHAINS = st.lists(WAYS, max_size=4)


def chained(ways: list[Affine]) -> Affine:
    """All of them, the first one first."""
    whole = Affine()
    for way in ways:
        whole = whole.then(way)
    return whole


def upright(quarters: int, width: int = 100, height: int = 200) -> Preparation:
    """Of a page that was sent on its side."""
    return Preparation(width, height, turn(quarters, width, height).inverse(), ())


@given(CHAINS, PLACES, PLACES)
def test_a_point_that_goes_there_and_back_is_where_it_was(ways: list[Affine], x: float, y: float) -> None:
    way = chained(ways)
    assert way.inverse().point(*way.point(x, y)) == pytest.approx((x, y), abs=1e-3)


@given(CHAINS, PLACES, PLACES)
def test_a_chain_is_its_links_one_after_the_other(ways: list[Affine], x: float, y: float) -> None:
    point = (x, y)
    for way in ways:
        point = way.point(*point)
    assert chained(ways).point(x, y) == pytest.approx(point, abs=1e-3)


@given(CHAINS, SIDES, SIDES, st.tuples(PLACES, PLACES, PLACES, PLACES))
def test_a_box_is_within_the_page_and_not_turned_round(
    ways: list[Affine], width: int, height: int, box: tuple[float, float, float, float]
) -> None:
    x0, y0, x1, y1 = Preparation(width, height, chained(ways).inverse(), ()).box(box)
    assert 0 <= x0 <= x1 <= width
    assert 0 <= y0 <= y1 <= height


@given(st.integers(0, 3), SIDES, SIDES, st.data())
def test_quarter_turns_are_exact(quarters: int, width: int, height: int, data: st.DataObject) -> None:
    x0, y0 = data.draw(st.integers(0, width)), data.draw(st.integers(0, height))
    x1, y1 = data.draw(st.integers(x0, width)), data.draw(st.integers(y0, height))
    way = turn(quarters, width, height)
    xs, ys = zip(way.point(x0, y0), way.point(x1, y1), strict=True)
    turned = (min(xs), min(ys), max(xs), max(ys))
    assert Preparation(width, height, way.inverse(), ()).box(turned) == (x0, y0, x1, y1)
    assert min(turned) >= 0
    assert turned[2:] <= ((width, height) if quarters % 2 == 0 else (height, width))


def test_a_turn_is_clockwise() -> None:
    """The top left corner of a wide page comes to the top right of a tall one."""
    assert turn(1, 300, 100).point(0, 0) == (100, 0)
    assert rotation(90, 1, (0, 0), (0, 0)).point(1, 0) == pytest.approx((0, 1))


@given(CHAINS, SIDES, SIDES)
def test_what_was_done_survives_the_wire(ways: list[Affine], width: int, height: int) -> None:
    done = Preparation(width, height, chained(ways), ({"step": "deskew", "applied": False, "angle_degrees": 0.0},))
    page = Page(1, 10, 10, preparation=done)
    assert Preparation.from_wire(done.to_wire()) == done
    assert Page.from_wire(page.to_wire()) == replace(page, images={})


def test_a_page_that_was_left_alone_says_nothing_of_it() -> None:
    page = Page(1, 10, 20, blocks=(Block("text", (1, 2, 3, 4), "a", BlockFormat.TEXT, 0),))
    assert "preparation" not in page.to_wire()
    assert as_sent(page) is page


def test_blocks_are_told_of_the_page_as_sent() -> None:
    """Sent on its side, 100 × 200, and read as 200 × 100 after a turn by 90° clockwise."""
    block = Block("image", (150, 10, 190, 30), "images/a.png", BlockFormat.IMAGE, 0)
    page = as_sent(Page(1, 200, 100, blocks=(block,), images={}, preparation=upright(1)))
    assert (page.width, page.height) == (100, 200)
    assert page.blocks == (replace(block, bbox=(10, 10, 30, 50)),)


def test_fields_are_found_on_the_page_as_read_and_told_of_the_page_as_sent() -> None:
    """Name and value stand side by side when the page is upright, and one above the other as it was sent."""
    blocks = (
        Block("text", (10, 10, 80, 20), "Invoice No:", BlockFormat.TEXT, 0),
        Block("text", (100, 10, 140, 20), "17", BlockFormat.TEXT, 1),
    )
    [plain] = fields(Page(1, 200, 100, blocks=blocks))
    [turned] = fields(Page(1, 200, 100, blocks=blocks, preparation=upright(1)))
    assert (turned.name, turned.value) == (plain.name, plain.value) == ("Invoice No", "17")
    assert plain.bbox == (10, 10, 140, 20)
    assert turned.bbox == (10, 60, 20, 190)


@pytest.mark.parametrize("angle", [None, -1, 0, 180])
def test_paddlex_json_is_told_of_the_page_as_sent(angle: int | None) -> None:
    """PaddleX's own quarter turns, counted counter-clockwise, come on top."""
    by_paddlex = {} if angle is None else {"doc_preprocessor_res": {"angle": angle}}
    box = [150, 10, 190, 30] if angle != 180 else [10, 70, 50, 90]
    points = [[150, 10], [190, 30]] if angle != 180 else [[50, 90], [10, 70]]
    result = {
        **{"input_path": None, "width": 200, "height": 100, **by_paddlex},
        "layout_det_res": {"boxes": [{"label": "text", "score": 0.5, "coordinate": box, "polygon_points": points}]},
        "parsing_res_list": [{"block_label": "text", "block_bbox": box, "block_polygon_points": points}],
        "spotting_res": {"rec_boxes": [box], "rec_polys": [points], "rec_texts": ["a"]},
    }
    told = as_sent(Page(1, 200, 100, engine_result=result, preparation=upright(1))).engine_result
    there, corners = [10, 10, 30, 50], [[10.0, 50.0], [30.0, 10.0]]
    assert told == {
        **{"input_path": None, "width": 100, "height": 200, **by_paddlex},
        "layout_det_res": {"boxes": [{"label": "text", "score": 0.5, "coordinate": there, "polygon_points": corners}]},
        "parsing_res_list": [{"block_label": "text", "block_bbox": there, "block_polygon_points": corners}],
        "spotting_res": {"rec_boxes": [there], "rec_polys": [corners], "rec_texts": ["a"]},
    }
