"""Jobs as callers hand them in, look at them, share a server with others, and end them."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import makers
from tests.contract import jobs, samples
from tests.contract.running import PAGES_AT_ONCE, Later, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract

ONE = jobs.small_pages(1)
TWO = jobs.small_pages(2, "Leaf")
_VERY_LONG = 1500  # pages
_keys = (f"key-{number}" for number in count())


@contextmanager
def nothing_left(server: Server) -> Iterator[None]:
    """What happens inside leaves no job and no file."""
    files, number = _kept(server)
    yield
    wait_for(lambda: _files(server) <= files, "what is new goes")  # what an earlier job was sent may go as well
    assert len(_all(server.client)) == number


def _kept(server: Server) -> tuple[set[Path], int]:
    return _files(server), len(_all(server.client))


def _files(server: Server) -> set[Path]:
    """What lies in the jobs' folder; `os.walk` does not mind that a folder goes while it looks."""
    found = os.walk(server.folder / "data" / "jobs")
    return {Path(where, name) for where, below, files in found for name in below + files if "sqlite3" not in name}


def _all(client: httpx2.Client, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/jobs", params={"limit": "100", **query, **cursor}).json()
        found += page["jobs"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


# --- handing in, and what comes of it


def test_a_job_from_beginning_to_end(jobs_server: Server, mine: httpx2.Client) -> None:
    jobs.wait_for_all(jobs_server)  # or else it would not be the first in the queue
    job = jobs.hand_in(mine, TWO, return_confidence="false")
    assert {
        name: job[name] for name in ("state", "model", "total_pages", "processed_pages", "started", "finished")
    } == {
        **{"state": "queued", "model": "pp-ocr", "total_pages": 2, "processed_pages": 0},
        **{"started": None, "finished": None},
    }
    assert job["queue_position"] == 0
    assert job["estimated_seconds"] > 0
    found = jobs.ended(mine, job)
    assert found["created"] <= found["started"] <= found["finished"] < found["expires"]
    assert (found["processed_pages"], found["failed_pages"], found["error"]) == (2, 0, None)
    assert found["files"] == [
        {"index": 0, "filename": "0.pdf", "total_pages": 2, "processed_pages": 2, "failed_pages": 0, "error": None}
    ]
    reply = jobs.result(mine, job)
    assert reply["request_id"] == job["id"]
    assert [page["text"] for page in reply["pages"]] == ["Leaf 1", "Leaf 2"]
    assert "confidence" not in reply or reply["confidence"] is None
    assert mine.get(job["links"]["result"], params={"format": "text"}).text == "Leaf 1\n\fLeaf 2"
    wait_for(lambda: not (jobs_server.folder / "data" / "jobs" / job["id"]).exists(), "what was sent is gone")


def test_the_result_is_that_of_ocr(jobs_server: Server, mine: httpx2.Client) -> None:
    document = samples.pdf(3)
    job = jobs.hand_in(mine, document, pages="1,3")
    jobs.ended(mine, job)
    by_job, by_request = jobs.result(mine, job), jobs_server.ocr(document, "0.pdf", pages="1,3").json()
    for reply in (by_job, by_request):
        for name in ("timing", "elapsed_sec", "timestamp", "request_id"):
            reply.pop(name)
        reply["pages"] = [jobs.timeless(page) for page in reply["pages"]]
    assert by_job == by_request
    assert [page["page_number"] for page in by_job["pages"]] == [1, 3]


def test_several_files_with_a_bad_one_among_them(mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, ONE, b"this is no document", TWO)
    assert [each["error"] and each["error"]["code"] for each in job["files"]] == [None, "unsupported_type", None]
    found = jobs.ended(mine, job)
    assert (found["total_pages"], found["processed_pages"], found["failed_pages"]) == (3, 3, 0)
    reply = jobs.result(mine, job)
    assert reply["status"] == "partial"
    assert [each["filename"] for each in reply["results"]] == ["0.pdf", "1.pdf", "2.pdf"]
    assert [each.get("problem", {}).get("code") for each in reply["results"]] == [None, "unsupported_type", None]
    assert jobs.result(mine, job, file="2")["total_pages"] == 2
    problem = mine.get(job["links"]["result"], params={"file": "1"})
    assert_problem(problem, 415, "unsupported_type")
    assert_problem(mine.get(job["links"]["result"], params={"file": "3"}), 422, "bad_option")
    assert_problem(mine.get(job["links"]["result"], params={"format": "md"}), 422, "bad_option")


def test_all_files_are_bad(mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, b"no document", b"nor this")
    found = jobs.ended(mine, job, "failed")
    assert found["error"]["code"] == "unsupported_type"
    reply = jobs.result(mine, job)
    assert (reply["status"], [each["problem"]["code"] for each in reply["results"]]) == (
        "failed",
        ["unsupported_type"] * 2,
    )


def test_a_page_that_fails_does_not_cost_the_others(mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, makers.damaged_page_pdf())
    found = jobs.ended(mine, job)
    assert (found["processed_pages"], found["failed_pages"]) == (3, 1)
    reply = jobs.result(mine, job)
    assert (reply["status"], reply["pages"][1]["verdict"]) == ("partial", "failed")


def test_when_every_page_fails_so_does_the_job(mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, makers.damaged_page_pdf(), pages="2")
    found = jobs.ended(mine, job, "failed")
    assert found["error"]["code"] == "damaged_file"
    assert_problem(mine.get(job["links"]["result"]), 422, "damaged_file")


@pytest.mark.parametrize(
    ("document", "fields", "status", "code"),
    [
        (b"this is no document", {}, 415, "unsupported_type"),
        (makers.empty_pdf(), {}, 422, "damaged_file"),
        (makers.pdf(1, (20, 20), lambda *_: None)[:200], {}, 422, "damaged_file"),
        (b"", {}, 400, "empty_file"),
        (ONE, {"pages": "2"}, 422, "bad_page_range"),
        (ONE, {"pages": "x"}, 422, "bad_page_range"),
        (ONE, {"model_name": "nope"}, 404, "unknown_model"),
        (ONE, {"no_such_option": "1"}, 422, "bad_option"),
        (ONE, {"return_confidence": "perhaps"}, 422, "bad_option"),
        (ONE, {"webhook_url": "https://example.com/"}, 403, "webhook_not_allowed"),
    ],
)
def test_what_is_wrong_is_said_at_once(
    jobs_server: Server, mine: httpx2.Client, document: bytes, fields: dict[str, str], status: int, code: str
) -> None:
    with nothing_left(jobs_server):
        assert_problem(jobs.post(mine, document, **fields), status, code)


def test_bodies_that_are_none(jobs_server: Server, mine: httpx2.Client) -> None:
    with nothing_left(jobs_server):
        assert_problem(mine.post("/jobs"), 400, "no_input")
        assert_problem(mine.post("/jobs", json={"image_url": "https://example.com/a.pdf"}), 403, "url_input_disabled")
        assert_problem(mine.post("/jobs", json={"image_base64": "!"}), 400, "bad_base64")
        assert_problem(jobs.post(mine, *[ONE] * 11), 400, "too_many_files")
        for key in ("", "a b", "x" * 256, "\u00e9"):
            reply = mine.post("/jobs", files={"file": ONE}, headers={"Idempotency-Key": key.encode("latin-1")})
            assert_problem(reply, 400, "bad_request")


def test_a_caller_who_hangs_up_while_sending_leaves_nothing(jobs_server: Server, mine: httpx2.Client) -> None:
    def half() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        yield ONE
        raise ConnectionError("hung up")

    with nothing_left(jobs_server):
        headers = {"Content-Type": "multipart/form-data; boundary=x", "X-Request-ID": "hung-up"}
        with jobs_server.new_client() as client, pytest.raises(ConnectionError):
            client.post("/jobs", content=half(), headers=headers)
        wait_for(lambda: '"hung-up"' in jobs_server.output(), "it is noticed")
        wait_for(lambda: mine.get("/health").json()["queue_pages"] == 0, "its place is free")
        wait_for(lambda: not list((jobs_server.folder / "data" / "jobs").glob("*/body")), "what came of it is gone")


# --- the same again


def test_the_same_key_and_body_make_one_job(jobs_server: Server, mine: httpx2.Client) -> None:
    key = next(_keys)
    job = jobs.hand_in(mine, TWO, key=key, pages="1")
    jobs.ended(mine, job)
    with nothing_left(jobs_server):
        again = [jobs.hand_in(mine, TWO, key=key, pages="1") for _ in range(2)]  # each has a boundary of its own
        assert [each["id"] for each in again] == [job["id"]] * 2
        assert again[0]["state"] == "done"
        for documents, fields in (((TWO,), {"pages": "2"}), ((TWO,), {}), ((ONE,), {"pages": "1"}), ((TWO, TWO), {})):
            problem = assert_problem(jobs.post(mine, *documents, key=key, **fields), 409, "idempotency_conflict")
            assert job["id"] in problem["detail"]


def test_in_json_order_and_space_make_no_other_body(mine: httpx2.Client) -> None:
    key, text = next(_keys), base64.b64encode(ONE).decode()
    bodies = [
        json.dumps({"image_base64": text, "pages": "1", "return_confidence": False}),
        json.dumps({"return_confidence": False, "pages": "1", "image_base64": [text]}, indent=2),
    ]
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    ids = {mine.post("/jobs", content=body, headers=headers).json()["id"] for body in bodies}
    assert len(ids) == 1
    # the same document as a file is another body: the reply tells how it came, and by which name
    reply = jobs.post(mine, ONE, key=key, pages="1", return_confidence="false")
    assert_problem(reply, 409, "idempotency_conflict")


def test_twins_at_the_same_time_make_one_job(jobs_server: Server, mine: httpx2.Client) -> None:
    key = next(_keys)
    files, before = _kept(jobs_server)
    with ThreadPoolExecutor(6) as threads, jobs_server.new_client() as client:
        ids = set(threads.map(lambda _: jobs.hand_in(client, TWO, key=key)["id"], range(6)))
    assert len(ids) == 1
    assert len(_all(mine)) == before + 1
    wait_for(
        lambda: {path.name for path in _files(jobs_server) - files if path.is_dir()} <= ids,
        "the twins' documents are gone",
    )


def test_a_key_belongs_to_its_token(mine: httpx2.Client, theirs: httpx2.Client) -> None:
    key = next(_keys)
    assert jobs.hand_in(mine, ONE, key=key)["id"] != jobs.hand_in(theirs, TWO, key=key)["id"]


# --- whose it is


def test_nobody_else_sees_a_job(mine: httpx2.Client, theirs: httpx2.Client) -> None:
    job = jobs.hand_in(mine, ONE)
    jobs.ended(mine, job)
    self = job["links"]["self"]
    for method, path in (("GET", ""), ("GET", "?wait=50"), ("GET", "/events"), ("GET", "/result"), ("DELETE", "")):
        assert_problem(theirs.request(method, self + path), 404, "not_found")
        assert_problem(mine.request(method, "/jobs/job_0123456789abcdef01234567" + path), 404, "not_found")
    assert job["id"] not in {each["id"] for each in _all(theirs)}
    assert job["id"] in {each["id"] for each in _all(mine)}


def test_paging(mine: httpx2.Client, theirs: httpx2.Client) -> None:
    made = [jobs.hand_in(theirs, ONE)["id"] for _ in range(5)]
    for each in _all(theirs):
        jobs.ended(theirs, each, each["state"] if each["state"] in jobs.FINISHED else "done")
    expected = [each["id"] for each in theirs.get("/jobs", params={"limit": "100"}).json()["jobs"]]
    assert expected[:5] == made[::-1]
    found, cursor = [], None
    for _ in range(len(expected)):
        page = theirs.get("/jobs", params={"limit": "2"} | ({"cursor": cursor} if cursor else {})).json()
        found += [each["id"] for each in page["jobs"]]
        assert len(page["jobs"]) == 2 or page["next"] is None
        if (cursor := page["next"]) is None:
            break
    assert found == expected
    assert _all(theirs, state="queued") == []
    assert [each["id"] for each in _all(theirs, state="done")] == expected
    for query in ({"cursor": "nonsense"}, {"cursor": "x" * 300}, {"cursor": "%00"}, {"limit": "0"}, {"limit": "101"}):
        assert_problem(mine.get("/jobs", params=query), 422, "bad_option")
    assert_problem(mine.get("/jobs", params={"state": "lost"}), 422, "bad_option")


# --- waiting


def test_waiting_for_the_end(mine: httpx2.Client, jobs_server: Server) -> None:
    job = jobs.hand_in(mine, jobs.small_pages(8))
    with jobs_server.new_client() as client:
        waiting = Later(lambda: client.get(job["links"]["self"], params={"wait": "60"}).json())
        assert waiting.result()["state"] == "done"
    assert mine.get(job["links"]["self"], params={"wait": "60"}).json()["state"] == "done"  # at once
    for wait in ("-1", "60.1", "nan", "x"):
        assert_problem(mine.get(job["links"]["self"], params={"wait": wait}), 422, "bad_option")


# --- a long job beside others


@pytest.fixture(scope="module")
def long_job(jobs_server: Server, mine: httpx2.Client) -> Iterator[dict[str, Any]]:
    """A job that takes longer than any test beside it; two of them, as many as run at once."""
    jobs.wait_for_all(jobs_server)
    document = samples.repeated(jobs.small_pages(12), _VERY_LONG)
    pair = [jobs.hand_in(mine, document) for _ in range(2)]
    for job in pair:
        jobs.under_way(mine, job)
    yield pair[0]
    for job in pair:
        mine.delete(job["links"]["self"])


def _in_line(server: Server) -> float:
    """Pages that wait for the engine, or are in work."""
    return server.metric("ocr_model_pages_waiting") + server.metric("ocr_model_pages_in_work")


def _pages_meanwhile(jobs_server: Server, do: Callable[[], object]) -> float:
    """Pages read from the moment that its own one is in the line, with those of two long jobs, to its end."""
    of_the_long = 2 * (PAGES_AT_ONCE + 1)
    with jobs_server.engine_stopped():
        wait_for(lambda: _in_line(jobs_server) == of_the_long, "the long jobs' pages are in the line")
        before = jobs.counted_pages(jobs_server)
        doing = Later(do)
        wait_for(lambda: _in_line(jobs_server) == of_the_long + 1, "its own page is, too")
    doing.result()
    return jobs.counted_pages(jobs_server) - before


def test_a_request_does_not_wait_for_long_jobs(jobs_server: Server, long_job: dict[str, Any]) -> None:
    """Pages beside it: those in work when it comes, and those beside its own and until its reply is here."""
    documents = [jobs.small_pages(1, f"Urgent {number}") for number in range(4)]
    replies: list[httpx2.Response] = []
    pages = [_pages_meanwhile(jobs_server, lambda d=d: replies.append(jobs_server.ocr(d))) for d in documents]
    assert [reply.json()["pages"][0]["text"] for reply in replies] == [f"Urgent {number} 1" for number in range(4)]
    print(f"pages while a request is served: {pages}")
    assert min(pages) <= 3 * PAGES_AT_ONCE


def test_a_short_job_does_not_wait_for_long_ones(
    jobs_server: Server, theirs: httpx2.Client, mine: httpx2.Client, long_job: dict[str, Any]
) -> None:
    for client in (theirs, mine):
        pages = _pages_meanwhile(jobs_server, lambda client=client: jobs.ended(client, jobs.hand_in(client, ONE)))
        print(f"pages while a short job is served: {pages}")
        assert pages <= 16


def test_a_third_long_job_waits_for_its_turn(mine: httpx2.Client, long_job: dict[str, Any]) -> None:
    third = jobs.hand_in(mine, jobs.small_pages(40))
    found = mine.get(third["links"]["self"], params={"wait": "1"}).json()  # it answers when the time is over
    assert (found["state"], found["queue_position"], found["processed_pages"]) == ("queued", 0, 0)
    ended = mine.delete(third["links"]["self"])
    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert_problem(mine.get(third["links"]["result"]), 409, "no_result_yet")


def test_cancelling_frees_the_engine(jobs_server: Server, mine: httpx2.Client, long_job: dict[str, Any]) -> None:
    """It comes last of those with `long_job`: afterwards both are cancelled."""
    running = [each for each in _all(mine, state="running") if each["total_pages"] == _VERY_LONG]
    assert len(running) == 2
    for job in running:
        reply = mine.delete(job["links"]["self"])
        assert (reply.status_code, reply.json()["state"]) == (200, "cancelled")
    after = jobs.counted_pages(jobs_server)
    assert jobs_server.ocr(jobs.small_pages(1, "Next")).json()["pages"][0]["text"] == "Next 1"
    # its own, and what the engine had begun
    assert jobs.counted_pages(jobs_server) - after <= 1 + (1 + PAGES_AT_ONCE)
    wait_for(lambda: jobs_server.spooled() == [], "the spool is empty")
    for job in running:
        partial = mine.get(job["links"]["result"])
        assert partial.status_code == 200
        assert (partial.headers["x-job-state"], partial.headers["x-document-status"]) == ("cancelled", "partial")
        found = jobs.job_of(mine, job)
        assert found["processed_pages"] == len(partial.json()["pages"]) > 0
        assert partial.json()["elapsed_sec"] > 0
        assert not (jobs_server.folder / "data" / "jobs" / job["id"]).exists()


def test_deleting_a_finished_job_removes_all_of_it(jobs_server: Server, mine: httpx2.Client) -> None:
    with nothing_left(jobs_server):
        job = jobs.hand_in(mine, ONE)
        jobs.ended(mine, job)
        gone = mine.delete(job["links"]["self"])
        assert (gone.status_code, gone.content) == (204, b"")
        for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/result"), ("DELETE", "")):
            assert_problem(mine.request(method, job["links"]["self"] + path), 404, "not_found")
    with jobs.database(jobs_server.folder / "data") as database:
        own = ("files", "pages", "events", "figures", "corrections")
        for table in ("jobs WHERE id", *(f"{name} WHERE job" for name in own)):
            assert database.execute(f"SELECT count(*) FROM {table} = ?", (job["id"],)).fetchone() == (0,)


def test_the_document_of_the_interface_knows_the_jobs(mine: httpx2.Client) -> None:
    document = mine.get("/openapi.json").json()
    paths = document["paths"]
    assert {path: set(operations) for path, operations in paths.items() if path.startswith("/jobs")} == {
        "/jobs": {"get", "post"},
        "/jobs/{job_id}": {"get", "delete"},
        "/jobs/{job_id}/events": {"get"},
        "/jobs/{job_id}/result": {"get"},
        "/jobs/{job_id}/document": {"get"},
        "/jobs/{job_id}/pages": {"get"},
        "/jobs/{job_id}/pages/{page}": {"get"},
        "/jobs/{job_id}/pages/{page}/image": {"get"},
        "/jobs/{job_id}/pages/{page}/blocks/{order}": {"put", "delete"},
    }

    def named(path: str, method: str) -> set[str]:
        return {parameter["name"].lower() for parameter in paths[path][method].get("parameters", [])}

    assert named("/jobs", "post") == {"idempotency-key"}
    assert named("/jobs", "get") == {"state", "limit", "cursor"}
    assert named("/jobs/{job_id}", "get") == {"job_id", "wait"}
    assert named("/jobs/{job_id}/events", "get") == {"job_id", "last-event-id"}
    assert named("/jobs/{job_id}/result", "get") == {"job_id", "format", "file"}
    assert paths["/jobs"]["post"]["requestBody"] == {"$ref": "#/components/requestBodies/Job"}
    body = document["components"]["requestBodies"]["Job"]["content"]
    assert set(body) == {"multipart/form-data", "application/json", "application/x-www-form-urlencoded"}
    assert body["multipart/form-data"]["schema"]["properties"]["file"]["type"] == "array"
    assert "text/event-stream" in paths["/jobs/{job_id}/events"]["get"]["responses"]["200"]["content"]
    for path, method, status in (("/jobs", "post", "202"), ("/jobs/{job_id}", "delete", "204")):
        assert status in paths[path][method]["responses"]
