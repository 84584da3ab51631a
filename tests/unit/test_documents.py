"""Document → Page → Block: a page survives the way over the wire."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.documents import Block, BlockFormat, Page, Verdict

share = st.none() | st.floats(0, 1)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
pixels = st.integers(0, 100_000)

blocks = st.builds(
    Block,
    type=words,
    bbox=st.tuples(pixels, pixels, pixels, pixels),
    content=words,
    format=st.sampled_from(BlockFormat),
    order=st.integers(0, 1000),
    confidence=share,
)
pages = st.builds(
    Page,
    number=st.integers(1, 100_000),
    width=pixels,
    height=pixels,
    text=words,
    markdown=words,
    blocks=st.lists(blocks, max_size=3).map(tuple),
    images=st.none() | st.dictionaries(words, st.sampled_from([Path("/spool/a.png"), Path("b.png")]), max_size=2),
    token_confidence=share,
    verdict=st.sampled_from(Verdict),
    error=st.none() | words,
    seconds=st.floats(0, 1e6),
)


@given(pages)
def test_a_page_comes_back_from_the_wire_as_it_was(page: Page) -> None:
    wire = json.loads(json.dumps(page.to_wire()))

    assert Page.from_wire(wire) == replace(page, images=page.images or {})


@given(pages)
def test_what_comes_back_has_the_types_that_it_had(page: Page) -> None:
    back = Page.from_wire(json.loads(json.dumps(page.to_wire())))

    assert type(back.verdict) is Verdict
    assert isinstance(back.blocks, tuple)
    assert all(type(block.format) is BlockFormat and isinstance(block.bbox, tuple) for block in back.blocks)
    assert all(isinstance(path, Path) for path in (back.images or {}).values())


WIRE = Page(1, 10, 20, blocks=(Block("text", (0, 0, 1, 1), "a", BlockFormat.TEXT, 0),)).to_wire()


@pytest.mark.parametrize(
    "wire",
    [
        {},
        {**WIRE, "verdict": "splendid"},
        {**WIRE, "blocks": [{"type": "text"}]},
        {**WIRE, "blocks": [{**WIRE["blocks"][0], "format": "poem"}]},
        {**WIRE, "blocks": 7},
        {**WIRE, "colour": "red"},
        {key: value for key, value in WIRE.items() if key != "number"},
    ],
)
def test_what_is_no_page_is_refused(wire: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Page.from_wire(wire)
