"""Corrections of what a job has read: in every form of its result, said there, taken back, nobody else's."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openpyxl import load_workbook
from reportlab.pdfgen.canvas import Canvas

from tests import makers
from tests.contract import jobs, samples
from tests.contract.running import Server, assert_problem, wait_for

pytestmark = pytest.mark.contract

HOSTILE = "<script>alert(1)</script> =HYPERLINK(1) [x](javascript:alert(1)) <!-- --> *Ж* 😀"


@pytest.fixture
def job(mine: httpx2.Client) -> dict[str, Any]:
    """A finished job of three pages with one line each."""
    return jobs.ended(mine, jobs.hand_in(mine, jobs.small_pages(3, "Leaf")))


def _put(
    client: httpx2.Client, job: dict[str, Any], content: object, page: int = 1, order: int = 0, **query: str
) -> httpx2.Response:
    address = f"{job['links']['self']}/pages/{page}/blocks/{order}"
    return client.put(address, json={"content": content}, params=query)


def _corrected(
    client: httpx2.Client, job: dict[str, Any], content: str, page: int = 1, order: int = 0
) -> dict[str, Any]:
    reply = _put(client, job, content, page, order)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def _page(client: httpx2.Client, job: dict[str, Any], page: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{job['links']['self']}/pages/{page}").json()
    return found


def _first_page_is_read(client: httpx2.Client, job: dict[str, Any]) -> None:
    """Which need not be the first one to be."""
    wait_for(lambda: client.get(job["links"]["self"] + "/pages/1").status_code == 200, "the first page is read")


def _form(client: httpx2.Client, job: dict[str, Any], form: str, **query: str) -> httpx2.Response:
    reply = client.get(job["links"]["result"], params={"format": form, **query})
    assert reply.status_code == 200, reply.text
    return reply


def test_a_block_is_corrected_and_keeps_the_rest(mine: httpx2.Client, job: dict[str, Any]) -> None:
    before = _page(mine, job, 2)
    after = _corrected(mine, job, "Blatt *zwei*", page=2)
    assert after == _page(mine, job, 2) == jobs.result(mine, job)["pages"][1]
    assert (after["text"], after["markdown"]) == (
        "Blatt *zwei*",
        before["markdown"].replace("Leaf 2", "Blatt \\*zwei\\*"),
    )
    [was], [block] = before["blocks"], after["blocks"]
    assert was["original"] is None
    assert block == {**was, "content": "Blatt *zwei*", "original": "Leaf 2"}
    same = ("width", "height", "confidence", "confidence_basis", "verdict", "timing_seconds", "page_number")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert _page(mine, job, 1)["blocks"][0]["original"] is None
    rows = mine.get(job["links"]["self"] + "/pages", params={"find": "blatt"}).json()["pages"]
    assert [(row["corrections"], row["found"]) for row in rows] == [(0, 0), (1, 1), (0, 0)]


def test_it_may_be_corrected_again_and_taken_back(mine: httpx2.Client, job: dict[str, Any]) -> None:
    before = _page(mine, job)
    first = _corrected(mine, job, "one")
    assert _corrected(mine, job, "one") == first
    assert _corrected(mine, job, "two")["blocks"][0] | {"content": "one"} == first["blocks"][0]
    assert _corrected(mine, job, "Leaf 1") == before  # what was recognised
    assert "corrections" not in jobs.result(mine, job)
    _corrected(mine, job, "three")
    address = job["links"]["self"] + "/pages/1/blocks/0"
    for _ in range(2):
        reply = mine.delete(address)
        assert (reply.status_code, reply.json()) == (200, before)


def test_lines_end_with_a_line_feed(mine: httpx2.Client, job: dict[str, Any]) -> None:
    assert _corrected(mine, job, "a\r\nb")["text"] == "a\nb"


# --- what exports say


def test_without_a_correction_nothing_is_said(mine: httpx2.Client, job: dict[str, Any]) -> None:
    for form, suffix in (
        ("md", "md"),
        ("text", "txt"),
        ("html", "html"),
        ("json", "json"),
        ("csv", "csv"),
        ("zip", "zip"),
    ):
        reply = _form(mine, job, form)
        assert reply.headers["x-corrections"] == "0"
        assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''0.{suffix}"
        assert form == "zip" or "orrected" not in reply.text


def test_every_form_has_the_correction_and_says_so(mine: httpx2.Client, job: dict[str, Any]) -> None:
    _corrected(mine, job, "Blatt 1")
    _corrected(mine, job, "Blatt 3", page=3)
    note = "Corrected by hand: page 1, block 1; page 3, block 1. Blocks are counted in reading order, from 1."
    forms = {form: _form(mine, job, form) for form in ("md", "text", "html", "json", "csv", "xlsx", "zip")}
    for form, reply in forms.items():
        suffix = {"text": "txt"}.get(form, form)
        assert reply.headers["x-corrections"] == "2"
        assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''0_corrected.{suffix}"
    assert forms["md"].text.endswith(f"\n\n<!-- {note} -->\n")
    assert forms["text"].text == f"Blatt 1\n\fLeaf 2\n\fBlatt 3\n\n[{note}]\n"
    assert f'<body>\n<p role="note">{note}</p>\n<section' in forms["html"].text
    for form in ("md", "text", "html"):
        assert "Blatt 1" in forms[form].text
        assert "Leaf 1" not in forms[form].text
    found = forms["json"].json()
    assert (found["corrections"], found["text"]) == (2, "Blatt 1\n\fLeaf 2\n\fBlatt 3")
    assert "Blatt 1" in found["combined_text"]
    assert "Corrected" not in found["markdown"]
    book = load_workbook(io.BytesIO(forms["xlsx"].content))
    assert list(book["corrections"].values) == [
        ("page", "block", "recognised", "corrected"),
        (1, 1, "Leaf 1", "Blatt 1"),
        (3, 1, "Leaf 3", "Blatt 3"),
    ]
    with zipfile.ZipFile(io.BytesIO(forms["zip"].content)) as archive:
        assert {name: archive.read(name) for name in ("document.md", "document.txt", "document.html")} == {
            "document.md": forms["md"].content,
            "document.txt": forms["text"].content,
            "document.html": forms["html"].content,
        }
        assert json.loads(archive.read("document.json"))["corrections"] == 2
        assert "corrections" in load_workbook(io.BytesIO(archive.read("tables.xlsx"))).sheetnames


def test_of_several_documents_each_says_so(mine: httpx2.Client) -> None:
    several = jobs.ended(mine, jobs.hand_in(mine, jobs.small_pages(1), jobs.small_pages(1, "Leaf")))
    assert _put(mine, several, "Blatt", file="1").status_code == 200
    reply = _form(mine, several, "json")
    results = [each["result"] for each in reply.json()["results"]]
    assert [(each["text"], each.get("corrections")) for each in results] == [("Sheet 1", None), ("Blatt", 1)]
    assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''{several['id']}_corrected.json"
    assert reply.headers["x-corrections"] == "1"
    assert _form(mine, several, "md", file="0").headers["x-corrections"] == "0"
    assert "_corrected" in _form(mine, several, "md", file="1").headers["content-disposition"]


def test_a_hostile_name_stays_a_name(mine: httpx2.Client) -> None:
    sent = {"file": ("../a;b\r\nSet-Cookie: x=1.ж.pdf", jobs.small_pages(1))}
    job = jobs.ended(mine, mine.post("/jobs", files=sent).json())
    reply = _form(mine, job, "md")
    named = reply.headers["content-disposition"]
    assert named.startswith("attachment; filename*=UTF-8''")
    assert named.endswith(".%D0%B6.md")
    assert not set('/\\"\r\n; ') & set(named.removeprefix("attachment; filename*="))
    assert "set-cookie" not in reply.headers


def test_hostile_text_stays_text(mine: httpx2.Client, job: dict[str, Any]) -> None:
    page = _corrected(mine, job, HOSTILE)
    assert page["blocks"][0]["content"] == page["text"] == HOSTILE
    assert "\\<script>" in page["markdown"]
    shown = _form(mine, job, "html").text
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    [_, row] = load_workbook(io.BytesIO(_form(mine, job, "xlsx").content))["corrections"].iter_rows()
    assert (row[3].value, row[3].data_type) == (HOSTILE, "s")
    _corrected(mine, job, "-->")
    assert _form(mine, job, "md").text.count("-->") == 2  # that, and the end of the comment


# --- tables, pictures, fields


@pytest.fixture(scope="module")
def invoice(mine: httpx2.Client) -> dict[str, Any]:
    """A job of a page with a title, a ruled table and a line below it."""

    def draw(canvas: Canvas, _: int) -> None:
        canvas.setFont("Helvetica", 20)
        canvas.drawString(60, 560, "Invoice No: 17")
        rows = [["Name", "Sum"], ["Paper", "12.50"], ["Ink", "7.00"]]
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                canvas.rect(60 + 200 * column, 440 - 40 * number, 200, 40)
                canvas.drawString(80 + 200 * column, 452 - 40 * number, cell)
        canvas.drawString(60, 200, "Thank you very much")

    return jobs.ended(mine, jobs.hand_in(mine, makers.pdf(1, (520, 640), draw)))


def test_a_table_is_corrected_as_a_table(mine: httpx2.Client, invoice: dict[str, Any]) -> None:
    page = _page(mine, invoice)
    table = next(block for block in page["blocks"] if block["format"] == "table-html")
    html = table["content"].replace("7.00", "8.00 <b onclick=x>|</b><script>x</script>")
    after = _corrected(mine, invoice, html, order=table["order"])
    assert "| Ink | 8.00 \\|x |" in after["markdown"]
    assert after["markdown"].replace("8.00 \\|x", "7.00") == page["markdown"]
    assert after["text"] == page["text"].replace("7.00", "8.00 |x")
    assert ["Ink", "8.00 |x"] in list(csv.reader(io.StringIO(_form(mine, invoice, "csv").text)))
    shown = _form(mine, invoice, "html").text
    assert "<td>8.00 |x</td>" in shown
    assert "<script" not in shown
    book = load_workbook(io.BytesIO(_form(mine, invoice, "xlsx").content))
    assert ("Ink", "8.00 |x") in list(book["p1 t1"].values)
    refused = assert_problem(_put(mine, invoice, "no table", order=table["order"]), 422, "bad_option")
    assert "table" in refused["detail"]
    _corrected(mine, invoice, "", order=table["order"])
    assert "Ink" not in _form(mine, invoice, "md").text
    mine.delete(f"{invoice['links']['self']}/pages/1/blocks/{table['order']}")
    assert _page(mine, invoice) == page


def test_fields_are_found_in_what_was_corrected(mine: httpx2.Client, invoice: dict[str, Any]) -> None:
    [block] = [each for each in _page(mine, invoice)["blocks"] if "17" in each["content"]]
    _corrected(mine, invoice, "Invoice No: 71", order=block["order"])
    found = {field["name"]: field["value"] for field in jobs.result(mine, invoice)["fields"]}
    assert found["Invoice No"] == "71"


def test_a_picture_cannot_be_corrected(mine: httpx2.Client) -> None:
    def draw(canvas: Canvas, _: int) -> None:
        canvas.setFont("Helvetica", 20)
        canvas.drawString(40, 560, "Above the picture")
        canvas.drawInlineImage(samples.noise(200, 200), 100, 200, 240, 240)
        canvas.drawString(40, 100, "Below the picture")

    job = jobs.ended(mine, jobs.hand_in(mine, makers.pdf(1, (480, 640), draw)))
    page = _page(mine, job)
    [figure] = [block for block in page["blocks"] if block["format"] == "image"]
    assert "picture" in assert_problem(_put(mine, job, "x", order=figure["order"]), 422, "bad_option")["detail"]
    below = next(block for block in page["blocks"] if block["content"].startswith("Below"))
    after = _corrected(mine, job, "Under it", order=below["order"])
    assert after["markdown"] == page["markdown"].replace("Below the picture", "Under it")
    with zipfile.ZipFile(io.BytesIO(_form(mine, job, "zip").content)) as archive:
        assert figure["content"] in archive.namelist()


# --- bad requests


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b"{", 400, "bad_request"),
        (b"[]", 400, "bad_request"),
        (b'"text"', 400, "bad_request"),
        (b'{"content": "\xff"}', 400, "bad_request"),
        (b'{"content": "a", "content": "b"}', 400, "bad_request"),
        (b"[" * 100_000, 400, "bad_request"),
        (b"{}", 422, "bad_option"),
        (b'{"content": null}', 422, "bad_option"),
        (b'{"content": 1}', 422, "bad_option"),
        (b'{"content": "a", "more": 1}', 422, "bad_option"),
        (b'{"content": "a\\u0000b"}', 422, "bad_option"),
        (b'{"content": "\\ud800"}', 422, "bad_option"),
        (json.dumps({"content": "x" * 200_001}).encode(), 422, "bad_option"),
        (json.dumps({"content": "x" * 4_000_000}).encode(), 413, "upload_too_large"),
    ],
)
def test_a_body_that_will_not_do(mine: httpx2.Client, job: dict[str, Any], body: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    reply = mine.put(job["links"]["self"] + "/pages/1/blocks/0", content=body, headers=headers)
    assert_problem(reply, status, code)
    assert _page(mine, job)["blocks"][0]["original"] is None


def test_the_longest_content(mine: httpx2.Client, job: dict[str, Any]) -> None:
    for content in ("😀" * 200_000, ("a " * 100_000)[:200_000], "*" * 200_000):
        assert _corrected(mine, job, content)["blocks"][0]["content"] == content
        assert _form(mine, job, "xlsx").status_code == 200


def test_another_media_type(mine: httpx2.Client, job: dict[str, Any]) -> None:
    address = job["links"]["self"] + "/pages/1/blocks/0"
    assert_problem(mine.put(address, data={"content": "x"}), 415, "unsupported_type")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/pages/1/blocks/1", 404),
        ("/pages/4/blocks/0", 404),
        ("/pages/0/blocks/0", 404),
        ("/pages/1/blocks/-1", 404),
        ("/pages/1/blocks/first", 404),
        ("/pages/1/blocks/99999999999999999999", 404),
        ("/pages/1/blocks/0?file=1", 422),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_block_that_is_not_there(
    mine: httpx2.Client, job: dict[str, Any], method: str, address: str, status: int
) -> None:
    reply = mine.request(method, job["links"]["self"] + address, json={"content": "x"})
    assert_problem(reply, status, "not_found" if status == 404 else "bad_option")


def test_a_page_that_failed_has_nothing_to_correct(mine: httpx2.Client) -> None:
    job = jobs.ended(mine, jobs.hand_in(mine, makers.damaged_page_pdf()))
    assert "it has 0" in assert_problem(_put(mine, job, "x", page=2), 404, "not_found")["detail"]


# --- whose they are, and how long


def test_nobody_else_corrects(mine: httpx2.Client, theirs: httpx2.Client, job: dict[str, Any]) -> None:
    address = job["links"]["self"] + "/pages/1/blocks/0"
    assert_problem(_put(theirs, job, "x"), 404, "not_found")
    _corrected(mine, job, "mine")
    assert_problem(theirs.delete(address), 404, "not_found")
    assert _page(mine, job)["text"] == "mine"


def test_a_job_at_work_is_corrected_and_one_that_was_cancelled(jobs_server: Server, mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, jobs.small_pages(80, "Long"))
    _first_page_is_read(mine, job)
    with jobs.held(jobs_server, job):
        _corrected(mine, job, "While it runs")
        partial = _form(mine, job, "json")
        assert (partial.headers["x-job-state"], partial.json()["pages"][0]["text"]) == ("running", "While it runs")
        assert_problem(_put(mine, job, "x", page=80), 404, "not_found")
        assert mine.delete(job["links"]["self"]).json()["state"] == "cancelled"
    assert _page(mine, job)["text"] == "While it runs"
    assert _corrected(mine, job, "When it is over")["text"] == "When it is over"


def test_what_is_saved_at_the_end_has_the_corrections_up_to_then(jobs_server: Server, mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, jobs.small_pages(60, "Saved"), save="true", formats="text")
    _first_page_is_read(mine, job)
    with jobs.held(jobs_server, job):
        _corrected(mine, job, "Corrected in time")
    files = jobs.ended(mine, job)["local_files"]
    assert mine.get(files["text"]).text.startswith("Corrected in time")
    assert "Corrected in time" in mine.get(files["markdown"]).text
    assert mine.get(files["json"]).json()["corrections"] == 1


def test_corrections_count_and_go_with_their_job(jobs_server: Server, mine: httpx2.Client, job: dict[str, Any]) -> None:
    def look(what: str) -> int:
        with jobs.database(jobs_server.folder / "data") as database:
            return int(database.execute(what, (job["id"],)).fetchone()[0])

    size, number = "SELECT size FROM jobs WHERE id = ?", "SELECT count(*) FROM corrections WHERE job = ?"
    before = look(size)
    _corrected(mine, job, "ж" * 1000)
    assert (look(size), look(number)) == (before + 2000, 1)
    _corrected(mine, job, "x" * 10, page=2)
    _corrected(mine, job, "Leaf 1")
    assert (look(size), look(number)) == (before + 10, 1)
    assert mine.delete(job["links"]["self"]).status_code == 204
    assert look(number) == 0
    assert_problem(_put(mine, job, "x"), 404, "not_found")


def test_corrections_have_a_limit_and_older_jobs_make_room() -> None:
    with Server(PDF_DPI="72", JOBS_MAX_MB="1", MAX_UPLOAD_MB="1") as server:
        client = server.ready().client
        older = jobs.ended(client, jobs.hand_in(client, jobs.small_pages(1)))
        job = jobs.ended(client, jobs.hand_in(client, jobs.small_pages(3)))
        for page in (1, 2):
            _corrected(client, job, "ж" * 200_000, page=page)
        assert client.get(older["links"]["self"]).status_code == 200
        assert_problem(_put(client, job, "ж" * 200_000, page=3), 429, "queue_full")
        assert client.get(older["links"]["self"]).status_code == 200
        _corrected(client, job, "x" * 200_000, page=3)
        assert _page(client, job, 1)["text"] == "ж" * 200_000


def test_corrections_stay_over_a_restart(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    with Server(DATA_DIR=folder, PDF_DPI="72") as first:
        client = first.ready().client
        at_work = jobs.hand_in(client, jobs.small_pages(40, "Long"))
        _first_page_is_read(client, at_work)
        page = _corrected(client, at_work, "Corrected before")
        first.process.kill()
    with Server(DATA_DIR=folder, PDF_DPI="72") as second:
        assert _page(second.ready().client, at_work) == page
        jobs.ended(second.client, at_work)
        whole = jobs.result(second.client, at_work)
        assert (whole["corrections"], whole["pages"][0]) == (1, page)


def test_the_content_is_asked_for_or_not(mine: httpx2.Client) -> None:
    job = jobs.ended(mine, jobs.hand_in(mine, jobs.small_pages(1), return_content="false"))
    assert _corrected(mine, job, "x")["blocks"] is None
    assert _form(mine, job, "text").text.startswith("x\n")


def test_an_image_is_corrected_as_well(mine: httpx2.Client) -> None:
    job = jobs.ended(mine, jobs.hand_in(mine, samples.png()))
    _corrected(mine, job, "Invoice 2025")
    found = jobs.result(mine, job)
    assert (found["text"], found["markdown"], found["corrections"]) == (
        "Invoice 2025",
        found["markdown"].replace("2024", "2025"),
        1,
    )
    assert found["blocks"][0]["original"] == samples.WORDS
