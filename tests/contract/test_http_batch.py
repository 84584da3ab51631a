"""`/ocr/batch`: several documents, each with its result or its problem."""

import base64
import io
import json
import zipfile
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from tests.contract import samples
from tests.contract.running import Later, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract

GARBAGE = b"this is no document"
Files = list[tuple[str, tuple[str, bytes]]]


def files(*named: tuple[str, bytes]) -> Files:
    return [("file", each) for each in named]


def three() -> Files:
    return files(("long.pdf", samples.pdf(3)), ("bad.png", GARBAGE), ("a.png", samples.png()))


def assert_three(results: list[dict[str, Any]]) -> None:
    first, second, third = results
    assert [each["index"] for each in results] == [0, 1, 2]
    assert [each["filename"] for each in results] == ["long.pdf", "bad.png", "a.png"]
    assert [page["text"] for page in first["result"]["pages"]] == ["Sheet 1", "Sheet 2", "Sheet 3"]
    assert (second["problem"]["status"], second["problem"]["code"]) == (415, "unsupported_type")
    assert "result" not in second
    assert third["result"]["text"] == samples.WORDS


def test_each_document_has_its_result_or_its_problem_in_order(client: httpx2.Client) -> None:
    reply = client.post("/ocr/batch", files=three())
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.headers["x-document-status"] == reply.json()["status"] == "partial"
    assert_three(reply.json()["results"])
    assert reply.json()["results"][1]["problem"]["request_id"] == reply.headers["x-request-id"]


def test_a_result_is_what_ocr_gives_for_the_same_document(client: httpx2.Client) -> None:
    data = samples.pdf(2)
    alone = client.post("/ocr", files={"file": ("x.pdf", data)}, data={"pages": "2", "formats": "md"}).json()
    reply = client.post("/ocr/batch", files=files(("x.pdf", data)), data={"pages": "2", "formats": "md"}).json()
    [each] = reply["results"]
    assert reply["status"] == "success"
    changing = {"timing", "elapsed_sec", "timestamp", "request_id", "pages"}
    assert {k: v for k, v in each["result"].items() if k not in changing} == {
        k: v for k, v in alone.items() if k not in changing
    }
    assert each["result"]["pages"][0]["blocks"] == alone["pages"][0]["blocks"]


def test_lines_come_as_documents_end(server: Server, client: httpx2.Client) -> None:
    headers = {"Accept": "application/x-ndjson"}
    with ExitStack() as stack:
        with server.engine_stopped():
            reply = stack.enter_context(client.stream("POST", "/ocr/batch", files=three(), headers=headers))
            assert (reply.status_code, reply.headers["content-type"]) == (200, "application/x-ndjson")
            received = reply.iter_lines()
            lines = [json.loads(next(received))]
        assert lines[0]["index"] == 1  # the bad one is known at once
        lines += map(json.loads, received)
    assert_three(sorted(lines, key=lambda line: line["index"]))


def test_a_line_is_there_before_the_next_document_is_read(client: httpx2.Client) -> None:
    named = files(("a.png", samples.png()), ("long.pdf", samples.pdf(200)))
    headers = {"Accept": "application/x-ndjson"}
    with client.stream("POST", "/ocr/batch", files=named, headers=headers) as reply:
        lines = reply.iter_lines()
        assert json.loads(next(lines))["index"] == 0
        assert client.get("/health").json()["queue_pages"] > 1  # the long one is in work
    wait_for(lambda: client.get("/health").json()["queue_pages"] == 0, "who leaves ends the work")


def test_a_zip_holds_everything(client: httpx2.Client) -> None:
    reply = client.post("/ocr/batch", files=three(), headers={"Accept": "application/zip"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(reply.content))
    assert archive.testzip() is None
    assert_three(json.loads(archive.read("results.json"))["results"])
    assert archive.read("03_a/document.md").decode() == samples.WORDS
    assert json.loads(archive.read("02_bad/problem.json"))["code"] == "unsupported_type"
    assert "01_long/document.html" in archive.namelist()


def test_json_carries_several(client: httpx2.Client) -> None:
    png = base64.b64encode(samples.png()).decode()
    reply = client.post("/ocr/batch", json={"image_base64": [png, "?!", png]}).json()
    assert [each.get("problem", {}).get("code") for each in reply["results"]] == [None, "bad_base64", None]


def test_when_nothing_can_be_read_it_says_so(client: httpx2.Client) -> None:
    reply = client.post("/ocr/batch", files=files(("a", GARBAGE), ("b", b"")))
    assert (reply.status_code, reply.json()["status"]) == (200, "failed")
    assert [each["problem"]["code"] for each in reply.json()["results"]] == ["unsupported_type", "empty_file"]


def test_what_is_wrong_with_the_request_as_a_whole_is_a_problem_of_its_own(client: httpx2.Client) -> None:
    assert_problem(client.post("/ocr/batch"), 400, "no_input")
    many = files(*[(f"{number}.png", b"x") for number in range(11)])
    assert "10" in assert_problem(client.post("/ocr/batch", files=many), 400, "too_many_files")["detail"]
    assert_problem(client.post("/ocr/batch", files=three(), data={"pages": "1-", "colour": "red"}), 422, "bad_option")
    assert_problem(client.post("/ocr/batch", files=three(), data={"model_name": "none"}), 404, "unknown_model")


def test_save_keeps_each(client: httpx2.Client) -> None:
    reply = client.post("/ocr/batch", files=three(), data={"save": "true"}).json()
    for index in (0, 2):
        result = reply["results"][index]["result"]
        saved = client.get(result["local_files"]["json"]).json()
        assert saved["text"] == result["text"]


def test_a_batch_longer_than_the_queue_waits_for_its_turns(start: Any) -> None:
    server: Server = start(QUEUE_MAX_PAGES="2", PDF_DPI="72").ready()
    named = files(*[(f"{number}.pdf", samples.pdf(4)) for number in range(6)])
    reply = server.client.post("/ocr/batch", files=named).json()
    assert reply["status"] == "success"
    assert [each["result"]["processed_pages"] for each in reply["results"]] == [4] * 6
    assert server.health()["queue_pages"] == 0
    assert server.spooled() == []


def test_when_time_is_over_what_was_read_is_not_lost(start: Any) -> None:
    server: Server = start(REQUEST_TIMEOUT_S="20", PDF_DPI="72").ready()
    sent = files(("a.png", samples.png()), ("b.pdf", samples.pdf(100)))
    request = Later(lambda: server.client.post("/ocr/batch", files=sent).json())
    wait_for(lambda: server.metric('ocr_stage_seconds_count{stage="reply"}') == 1, "the first document is read")
    with server.engine_stopped():
        first, second = request.result()["results"]
    assert first["result"]["text"] == samples.WORDS
    assert second["problem"]["code"] == "deadline_exceeded"
