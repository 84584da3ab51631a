"""What holds for every page, however odd its lines are."""

import time
from collections import Counter
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from server.documents import BlockFormat
from server.layout.analysis import Analysis, analyse
from server.layout.lines import Line
from server.layout.text import clean

HEIGHT, WIDTH = 300, 220
BLANK = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)

# Words that steer decisions: markers, numbers, leaders, hyphens, scripts, what Markdown and HTML would swallow.
WORDS = st.sampled_from(
    ["a", "the", "Word", "co-", "12", "1.", "a)", "•", "-", "....", "…", "3.5", "€ 7", "Total:", "слово", "а)", "Итого",
     "漢字", "。", "<b>", "&amp;", "|", "*x*", "# h", "> q", "\\", "``", "12 of 30", "\t", "\x00", "\u00ad"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(WORDS, max_size=6).map(" ".join), st.text(max_size=12))
PLACES = st.one_of(st.integers(-20, 320).map(float), st.floats(allow_nan=True, allow_infinity=True))


@st.composite
def aligned(draw: st.DrawFn) -> Line:
    """A line on a coarse grid, so that rows, columns and tables come about."""
    x, y = draw(st.integers(0, 4)) * 45.0, draw(st.integers(0, 14)) * 20.0
    return Line(
        draw(TEXTS), x, y, x + draw(st.sampled_from([8, 38, 43, 88, 200])), y + draw(st.sampled_from([12, 25])), 0.9
    )


ANYWHERE = st.builds(Line, TEXTS, PLACES, PLACES, PLACES, PLACES, st.floats(0, 1) | st.just(float("nan")))
PAGES = st.one_of(st.lists(aligned(), max_size=40), st.lists(ANYWHERE, max_size=12))
RECTANGLES = st.lists(st.tuples(*[st.integers(0, 300)] * 4, st.integers(0, 255)), max_size=6)


def characters(text: str) -> Counter[str]:
    """All but white space, and the hyphens and bullets that joining lines may change."""
    return Counter(character for character in "".join(text.split()) if character not in "-‐\u00ad•")


def check(lines: list[Line], analysis: Analysis) -> None:
    assert characters(analysis.text) == characters(" ".join(clean(line.text) for line in lines))
    assert [block.order for block in analysis.blocks] == list(range(len(analysis.blocks)))
    for block in analysis.blocks:
        x0, y0, x1, y1 = block.bbox
        assert 0 <= x0 <= x1 <= WIDTH
        assert 0 <= y0 <= y1 <= HEIGHT
        assert all(isinstance(value, int) for value in block.bbox)
        assert block.confidence is None or 0 <= block.confidence <= 1
        assert block.content
    names = [block.content for block in analysis.blocks if block.format is BlockFormat.IMAGE]
    assert sorted(names) == sorted(analysis.figures)
    assert all(f"![]({name})" in analysis.markdown for name in names)
    assert sum(block.type == "doc_title" for block in analysis.blocks) <= 1


@given(PAGES)
@settings(max_examples=60, deadline=None)
def test_every_text_comes_out_once(lines: list[Line]) -> None:
    check(lines, analyse(lines, BLANK))


@given(PAGES, RECTANGLES)
@settings(max_examples=40, deadline=None)
def test_every_text_comes_out_once_whatever_is_drawn(
    lines: list[Line], rectangles: list[tuple[int, int, int, int, int]]
) -> None:
    image = BLANK.copy()
    for x, y, w, h, gray in rectangles:
        image[y : y + h // 4, x : x + w // 2] = gray
    check(lines, analyse(lines, image))


@given(st.lists(aligned(), max_size=20), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_lines_given_does_not_matter(lines: list[Line], random: Random) -> None:
    places = {(line.x0, line.y0): line for line in lines}
    distinct = list(places.values())
    shuffled = distinct.copy()
    random.shuffle(shuffled)
    assert analyse(shuffled, BLANK).text == analyse(distinct, BLANK).text


def test_a_page_without_anything() -> None:
    assert analyse([], BLANK) == Analysis((), "", "", {})
    assert analyse([Line(" \n", 1, 1, 5, 5, 1.0)], np.zeros((1, 1, 3), np.uint8)).text == ""


def test_five_thousand_lines_take_seconds_at_most() -> None:
    shapes: dict[str, list[tuple[float, float, float]]] = {
        "cells": [(i % 50 * 30, i // 50 * 20, 25) for i in range(5000)],
        "stairs": [(i % 100 * 15, i * 0.4, 10) for i in range(5000)],
        "one paragraph": [(10, i * 20, 1500) for i in range(5000)],
        "one spot": [(5, 5, 10) for _ in range(5000)],
    }
    for name, places in shapes.items():
        lines = [Line("some words here", x, y, x + w, y + 15, 0.9) for x, y, w in places]
        started = time.process_time()
        analyse(lines, BLANK)
        assert time.process_time() - started < 10, name
