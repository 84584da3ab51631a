"""What is read again, and what stands in the end. The recogniser is a script."""

from collections.abc import Callable, Sequence

import pytest
from PIL import Image

from server.documents import Verdict
from server.engines import guards
from server.engines.recogniser import Crop, Reading, Sampling

LOOP = "and again " * 60
FINE = Reading("fine", cut=False, tokens=2, confidence=0.9)
LOOPED = Reading(LOOP, cut=True, tokens=100, confidence=0.9)
CUT = Reading("it goes on without an e", cut=True, tokens=10, confidence=0.9)
EMPTY = Reading(" \n", cut=False, tokens=1, confidence=0.9)


class Scripted:
    """Gives each crop, known by its prompt, its readings one after the other."""

    concurrency = 1

    def __init__(self, **readings: list[Reading]) -> None:
        self.readings = readings
        self.asked: list[tuple[list[str], Sampling]] = []

    def read(self, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]) -> list[Reading]:
        self.asked.append(([crop.prompt for crop in crops], sampling))
        return [self.readings[crop.prompt].pop(0) for crop in crops]


def read_well(recogniser: Scripted, sampling: Sampling = Sampling()) -> dict[str, guards.Judged]:  # noqa: B008 frozen
    crops = [Crop(Image.new("RGB", (1, 1)), prompt) for prompt in recogniser.readings]
    judged = guards.read_well(recogniser, crops, sampling, lambda: True)  # type: ignore[arg-type]
    return {crop.prompt: each for crop, each in zip(crops, judged, strict=True)}


def test_what_came_out_well_is_asked_for_once() -> None:
    recogniser = Scripted(a=[FINE], b=[FINE])
    assert {each.verdict for each in read_well(recogniser).values()} == {Verdict.OK}
    assert recogniser.asked == [(["a", "b"], Sampling())]


def test_a_loop_is_read_again_warmer_and_then_with_a_price_on_repetition() -> None:
    recogniser = Scripted(a=[FINE], b=[LOOPED, LOOPED, FINE])
    assert read_well(recogniser)["b"] == guards.Judged(FINE, Verdict.OK, tokens=202)
    [_, (second, warmer), (third, dearer)] = recogniser.asked
    assert second == third == ["b"]
    assert 0 < warmer.temperature < dearer.temperature
    assert (warmer.repetition_penalty, dearer.repetition_penalty) == (1.0, 1.1)


def test_what_the_caller_asked_for_is_never_taken_back() -> None:
    recogniser = Scripted(a=[LOOPED, LOOPED, FINE])
    read_well(recogniser, Sampling(temperature=1.5, repetition_penalty=2, max_new_tokens=7, confidence=False))
    assert [each.temperature for _, each in recogniser.asked] == pytest.approx([1.5, 1.8, 2.0])
    assert [each.repetition_penalty for _, each in recogniser.asked] == pytest.approx([2, 2, 2.2])
    assert {(each.max_new_tokens, each.confidence) for _, each in recogniser.asked} == {(7, False)}
    assert [each.seed for _, each in recogniser.asked] == [0, 1, 2]


@pytest.mark.parametrize(
    ("attempts", "verdict", "kept"),
    [
        ([LOOPED, LOOPED, LOOPED], Verdict.REPETITION, 0),
        ([LOOPED, CUT, LOOPED], Verdict.TRUNCATED, 1),
        ([EMPTY, FINE], Verdict.OK, 1),
        ([EMPTY, EMPTY, EMPTY], Verdict.BLANK, 0),
        ([EMPTY, LOOPED, CUT], Verdict.TRUNCATED, 2),
        ([LOOPED, EMPTY, EMPTY], Verdict.REPETITION, 0),
        ([CUT], Verdict.TRUNCATED, 0),
    ],
)
def test_the_best_attempt_stands_and_is_called_what_it_is(attempts: list[Reading], verdict: Verdict, kept: int) -> None:
    judged = read_well(Scripted(a=list(attempts)))["a"]
    assert judged.verdict is verdict
    assert judged.reading is attempts[kept]


def test_a_page_is_as_good_as_its_worst_part_and_empty_parts_do_not_make_it_blank() -> None:
    assert guards.of_page([]) is Verdict.BLANK
    assert guards.of_page([Verdict.BLANK, Verdict.BLANK]) is Verdict.BLANK
    assert guards.of_page([Verdict.BLANK, Verdict.OK]) is Verdict.OK
    assert guards.of_page([Verdict.OK, Verdict.TRUNCATED]) is Verdict.TRUNCATED
    assert guards.of_page([Verdict.TRUNCATED, Verdict.REPETITION]) is Verdict.REPETITION


def test_the_confidence_of_a_page_is_that_of_all_its_tokens() -> None:
    assert guards.mean_confidence([Reading("a", False, 3, 1.0), Reading("b", False, 1, 0.0)]) == 0.75
    assert guards.mean_confidence([Reading("a", False, 3, None)]) is None
    assert guards.mean_confidence([]) is None
