"""Server-sent events of jobs: each once, in order, whatever the connection does, and an end."""

import json
import random
from contextlib import ExitStack
from itertools import pairwise

import httpx2
import pytest

from tests import makers
from tests.contract import jobs
from tests.contract.running import Later, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def client(jobs_server: Server) -> httpx2.Client:
    return jobs_server.client


@pytest.fixture(scope="module")
def ended(client: httpx2.Client) -> dict[str, object]:
    """A job of five pages that is done."""
    job = jobs.hand_in(client, jobs.small_pages(7), pages="2-4,6,7")
    return jobs.ended(client, job)


def test_each_page_is_told_in_order_and_then_the_end(client: httpx2.Client, jobs_server: Server) -> None:
    with ExitStack() as stack:
        with jobs_server.engine_stopped():
            job = jobs.hand_in(client, jobs.small_pages(12))
            reply = stack.enter_context(client.stream("GET", job["links"]["events"]))
            assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            received, text = reply.iter_text(), ""
            while "event: progress" not in text:
                text += next(received)
        sent = jobs.parsed(text + "".join(received))  # from the beginning, while it runs
    durable = [event for event in sent if event.id is not None]
    jobs.assert_complete(durable, list(range(1, 13)))
    assert [event.data["state"] for event in durable if event.kind == "state"] == ["queued", "running", "done"]
    assert sent[-1].data | {"queue_position": None} == jobs.ended(client, job) | {"queue_position": None}
    page = next(event.data for event in sent if event.kind == "page")
    assert set(page) == {"file", "page_number", "verdict", "confidence", "processed_pages", "total_pages"}
    assert 0.5 < page["confidence"] <= 1
    progress = [event.data for event in sent if event.kind == "progress"]
    assert {event.kind for event in sent} == {"state", "page", "progress"}
    assert all(a != b for a, b in pairwise(progress))
    assert [each["processed_pages"] for each in progress] == sorted(each["processed_pages"] for each in progress)


def test_the_wire(client: httpx2.Client, ended: dict[str, object]) -> None:
    reply = client.get(f"/jobs/{ended['id']}/events")
    assert reply.headers["cache-control"] == "no-store"
    lines = reply.text.split("\n")
    assert lines[:2] == ["retry: 1000", ""]
    assert lines[2] == "id: 1"
    assert lines[3] == "event: state"
    assert json.loads(lines[4].removeprefix("data: "))["state"] == "queued"
    assert lines[-2:] == ["", ""]  # an event that is not closed by an empty line would be lost


def test_chosen_pages_and_several_files(client: httpx2.Client, ended: dict[str, object]) -> None:
    jobs.assert_complete(jobs.all_events(client, ended), [2, 3, 4, 6, 7])
    several = jobs.hand_in(client, jobs.small_pages(2), b"no document", makers.damaged_page_pdf())
    jobs.ended(client, several)
    pages = [event.data for event in jobs.all_events(client, several) if event.kind == "page"]
    assert [(page["file"], page["page_number"], page["verdict"]) for page in pages] == [
        *((0, 1, "ok"), (0, 2, "ok")),
        *((2, 1, "blank"), (2, 2, "failed"), (2, 3, "blank")),
    ]
    assert [(page["processed_pages"], page["total_pages"]) for page in pages] == [(number, 5) for number in range(1, 6)]


def test_only_what_was_missed_is_told_again(client: httpx2.Client, ended: dict[str, object]) -> None:
    whole = jobs.all_events(client, ended)
    for last in range(len(whole)):
        assert jobs.all_events(client, ended, str(last)) == whole[last:]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "", "9" * 30, "1 2", "\u0661"])
def test_an_id_that_is_none_of_ours_begins_anew(client: httpx2.Client, ended: dict[str, object], last: str) -> None:
    headers = {"Last-Event-ID": last.encode()}
    reply = client.get(f"/jobs/{ended['id']}/events", headers=headers)
    assert jobs.parsed(reply.text) == jobs.all_events(client, ended)


@pytest.mark.parametrize("further", [0, 900])
def test_who_has_had_everything_is_told_not_to_come_again(
    client: httpx2.Client, ended: dict[str, object], further: int
) -> None:
    """A browser comes back to a stream that ends, unless the answer is 204."""
    last = len(jobs.all_events(client, ended))
    reply = client.get(f"/jobs/{ended['id']}/events", headers={"Last-Event-ID": str(last + further)})
    assert (reply.status_code, reply.content) == (204, b"")


def test_readers_that_are_cut_off_miss_nothing(client: httpx2.Client, jobs_server: Server) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    job = jobs.hand_in(client, jobs.small_pages(60))  # more of events than three connections bring
    followers = [jobs.Follower(job, lambda: jobs_server.url, seed + number) for number in range(3)]
    for follower in followers:
        jobs.assert_complete(follower.ended(), list(range(1, 61)))
        assert follower.connections > 3


def test_the_stream_of_a_cancelled_job_ends(client: httpx2.Client, jobs_server: Server) -> None:
    job = jobs.hand_in(client, jobs.small_pages(jobs.LONG))
    with jobs_server.new_client() as other:
        following = Later(lambda: jobs.all_events(other, job))
        jobs.under_way(client, job)
        client.delete(job["links"]["self"])
        sent = following.result()
    assert (sent[-1].kind, sent[-1].data["state"]) == ("state", "cancelled")
    assert [event.id for event in sent if event.id] == [event.id for event in jobs.all_events(client, job)]


def test_streams_that_are_dropped_leave_nothing_open(client: httpx2.Client, jobs_server: Server) -> None:
    job = jobs.hand_in(client, jobs.small_pages(60))
    before = jobs_server.open_files()
    for _ in range(20):
        with jobs_server.new_client() as other, other.stream("GET", job["links"]["events"]) as reply:
            next(reply.iter_text())
    jobs.ended(client, job)
    wait_for(lambda: jobs_server.open_files() <= before + 2, "they are closed")


def test_no_such_job(client: httpx2.Client) -> None:
    assert_problem(client.get("/jobs/job_0123456789abcdef01234567/events"), 404, "not_found")
    assert_problem(client.get("/jobs/x/events", headers={"Last-Event-ID": "3"}), 404, "not_found")
