"""What the client makes of the server's replies: jobs, events, results."""

import json
from difflib import SequenceMatcher
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.client.api import Api
from server.client.compare import differences, from_reply
from server.client.environment import Place
from server.client.errors import Failed, NotTheServer
from server.client.follow import Follower
from server.client.job import parse
from server.client.likeness import common, likeness
from server.client.output import table
from server.client.patience import Patience

PROBLEM = {"code": "damaged_file", "title": "The document is damaged", "detail": "No pages.", "status": 422}
TEXTS = st.text("abc", max_size=12)


def _job(**changes: Any) -> dict[str, Any]:
    return {
        "id": "job_1",
        "state": "running",
        "processed_pages": 1,
        "files": [{"error": None}],
        "error": None,
    } | changes


def test_a_job_goes_on_or_has_ended() -> None:
    assert [
        state for state in ("queued", "running", "done", "failed", "cancelled") if parse(_job(state=state)).ended
    ] == [
        "done",
        "failed",
        "cancelled",
    ]
    parse(_job(state="done")).check()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "failed", "error": PROBLEM},
        {"state": "done", "files": [{"error": PROBLEM}]},
    ],
)
def test_a_job_that_failed_says_why(changes: dict[str, Any]) -> None:
    with pytest.raises(Failed, match=r"The document is damaged: No pages\."):
        parse(_job(**changes)).check()


def test_a_job_that_was_cancelled_or_failed_without_a_word() -> None:
    for state in ("cancelled", "failed"):
        with pytest.raises(Failed, match="job_1"):
            parse(_job(state=state)).check()


def test_one_document_of_several_does_not_fail_the_job() -> None:
    parse(_job(state="done", files=[{"error": PROBLEM}, {"error": None}])).check()


@pytest.mark.parametrize("reply", [{}, [], None, "x", {"id": "job_1"}, {"id": "x", "state": "done", "files": 3}])
def test_what_is_no_job(reply: object) -> None:
    with pytest.raises(NotTheServer):
        parse(reply)


@pytest.fixture
def follower() -> tuple[Follower, list[str]]:
    """A follower that has no connection yet, and the names of the events that it showed."""
    shown: list[str] = []
    api = Api(Place("http://localhost:1", ""), Patience(1, shown.append))
    return Follower(api, "job_1", lambda name, _: shown.append(name)), shown


def test_events_end_with_the_job_and_the_last_id_is_kept(follower: tuple[Follower, list[str]]) -> None:
    follow, shown = follower
    follow.take(httpx2.ServerSentEvent(retry=1000))
    follow.take(httpx2.ServerSentEvent("page", '{"page_number": 1}', "7"))
    follow.take(httpx2.ServerSentEvent("progress", '{"processed_pages": 1}'))
    assert follow.last_id == "7"
    follow.take(httpx2.ServerSentEvent("state", '{"state": "running"}', "8"))
    assert (follow.last_id, follow.ended) == ("8", False)
    follow.take(httpx2.ServerSentEvent("state", '{"state": "done"}', "9"))
    assert (follow.last_id, follow.ended) == ("9", True)
    assert shown == ["page", "progress", "state", "state"]


@pytest.mark.parametrize("data", ["{", "[]", "7"])
def test_events_of_somebody_else(follower: tuple[Follower, list[str]], data: str) -> None:
    with pytest.raises(NotTheServer):
        follower[0].take(httpx2.ServerSentEvent("page", data))


def _page(**changes: Any) -> dict[str, Any]:
    return {"text": "one", "verdict": "ok", "timing_seconds": 0.5} | changes


def test_readings_of_an_image_and_of_a_document() -> None:
    image = {"model": "m", "confidence": 0.9, "text": "one", "verdict": "ok", "timing": {"inference_seconds": 0.25}}
    read = from_reply(json.dumps(image).encode())
    assert (read.model, read.seconds, read.confidence, read.pages, dict(read.verdicts)) == (
        "m",
        0.25,
        0.9,
        ["one"],
        {"ok": 1},
    )
    pages = [_page(), _page(text=None, verdict="failed"), _page()]
    read = from_reply(json.dumps({"model": "m", "confidence": None, "pages": pages}).encode())
    assert (read.seconds, read.pages, dict(read.verdicts)) == (1.5, ["one", "", "one"], {"ok": 2, "failed": 1})


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'{"model": "m", "pages": [{}]}'])
def test_what_is_no_reading(content: bytes) -> None:
    with pytest.raises(NotTheServer):
        from_reply(content)


def test_differences_are_a_unified_diff() -> None:
    reply = {"model": "a", "confidence": None, "pages": [_page(text="one\ntwo")]}
    other = reply | {"model": "b", "pages": [_page(text="one\nTwo")]}
    [diff] = differences([from_reply(json.dumps(each).encode()) for each in (reply, other)])
    assert diff.split() == ["---", "a", "+++", "b", "@@", "-1,2", "+1,2", "@@", "one", "-two", "+Two"]


def _by_table(first: str, second: str) -> int:
    """The longest common subsequence, as every textbook has it."""
    row = [0] * (len(second) + 1)
    for one in first:
        above = list(row)
        for index, other in enumerate(second):
            row[index + 1] = above[index] + 1 if one == other else max(above[index + 1], row[index])
    return row[-1]


@given(TEXTS, TEXTS)
def test_common_characters(first: str, second: str) -> None:
    assert common(first, second) == _by_table(first, second)


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3))
def test_likeness_is_a_share_the_same_both_ways_and_1_for_the_same(first: list[str], second: list[str]) -> None:
    alike = likeness(first, second)
    assert 0 <= alike <= 1
    assert alike == likeness(second, first)
    assert likeness(first, first) == 1


@given(TEXTS, TEXTS)
def test_likeness_is_never_below_difflibs(first: str, second: str) -> None:
    assert likeness([first], [second]) >= SequenceMatcher(None, first, second, autojunk=False).ratio() - 1e-9


def test_a_table_is_aligned() -> None:
    assert table(("a", "b"), [("long", None), (1, "x")]) == "a     b\nlong\n1     x"
