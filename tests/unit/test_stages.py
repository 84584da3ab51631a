"""Stages and pages as they are counted."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.documents import Page, Verdict
from server.errors import QueueFull
from server.metrics import Metrics
from server.stages import Stages
from server.states import ModelState
from server.tracing import Tracing
from tests.unit.fakes import read_page

PAGE = replace(read_page(1, seconds=2.0), token_confidence=0.9, tokens=30)


def counted(metrics: Metrics, name: str) -> dict[str, float]:
    """A metric's values, by those of its labels."""
    return {
        " ".join(value for key, value in sample.labels.items() if key != "le"): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name == name
    }


# --- stages


def stages_of(metrics: Metrics) -> dict[str, float]:
    """How often each stage was gone through."""
    return counted(metrics, "ocr_stage_seconds_count")


def test_a_stage_may_become_another_one_once() -> None:
    metrics = Metrics("0", "r")
    with Stages(metrics, Tracing())("wait") as stage:
        assert stages_of(metrics) == {}
        stage.becomes("recognise")
        assert stages_of(metrics) == {"wait": 1}
        stage.becomes("recognise")  # a worker that began a second time
    assert stages_of(metrics) == {"wait": 1, "recognise": 1}


def test_a_stage_that_fails_counts_and_ends_there() -> None:
    metrics = Metrics("0", "r")
    with pytest.raises(QueueFull), Stages(metrics, Tracing())("wait") as stage:
        raise QueueFull("no turn")
    stage.becomes("recognise")  # a worker that begins with what nobody waits for any more
    assert stages_of(metrics) == {"wait": 1}


# --- pages


@pytest.mark.parametrize(
    ("page", "seconds", "confidences"),
    [
        (PAGE, 1, 1),
        (replace(PAGE, verdict=Verdict.TRUNCATED), 1, 1),
        (replace(PAGE, text="", verdict=Verdict.BLANK), 1, 0),
        (Page(1, 0, 0, verdict=Verdict.FAILED), 0, 0),
    ],
    ids=["ok", "truncated", "blank", "failed"],
)
def test_a_page_counts_for_what_it_has(page: Page, seconds: int, confidences: int) -> None:
    metrics = Metrics("0", "r")
    metrics.model("m", ModelState.READY)
    metrics.page("m", page)

    verdicts = {f"m {verdict}": float(verdict is page.verdict) for verdict in Verdict}
    assert counted(metrics, "ocr_pages_total") == verdicts
    assert counted(metrics, "ocr_page_seconds_count") == ({"m": 1} if seconds else {})
    assert counted(metrics, "ocr_page_confidence_ratio_count") == ({"m": 1} if confidences else {})


def test_tokens_add_up_and_an_engine_without_them_has_none() -> None:
    metrics = Metrics("0", "r")
    for model, tokens in (("vlm", 30), ("vlm", 12), ("lines", None)):
        metrics.page(model, replace(PAGE, tokens=tokens))

    assert counted(metrics, "ocr_generated_tokens_total") == {"vlm": 42}
