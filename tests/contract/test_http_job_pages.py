"""A job's pages one by one: its document as it was sent, its pages at a glance, as they read, and as pictures."""

import io
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests import makers
from tests.contract import jobs, samples
from tests.contract.running import TOKEN, Later, Server, assert_problem, held_port, wait_for

pytestmark = pytest.mark.contract

DOCUMENT = samples.joined(jobs.small_pages(2, "Leaf"), samples.pdf(1, "Broad", (480, 240)))
ADDRESSES = ("/document", "/pages", "/pages/1", "/pages/1/image")


@pytest.fixture(scope="module")
def kept(mine: httpx2.Client) -> dict[str, Any]:
    """A finished job whose document stays. No test may change it."""
    return jobs.ended(mine, jobs.hand_in(mine, DOCUMENT, keep_document="yes"))


@pytest.fixture(scope="module")
def bare(mine: httpx2.Client) -> dict[str, Any]:
    """A finished job whose document is gone."""
    return jobs.ended(mine, jobs.hand_in(mine, jobs.small_pages(1)))


def _get(client: httpx2.Client, job: dict[str, Any], address: str, **query: str) -> httpx2.Response:
    return client.get(job["links"]["self"] + address, params=query)


def _picture(client: httpx2.Client, job: dict[str, Any], page: int, **query: str) -> Image.Image:
    reply = _get(client, job, f"/pages/{page}/image", **query)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/webp"), reply.text
    assert reply.headers["cache-control"] == "private, max-age=3600"
    assert reply.headers["x-content-type-options"] == "nosniff"
    picture = Image.open(io.BytesIO(reply.content))
    assert picture.format == "WEBP"
    return picture


def _darkest(picture: Image.Image) -> tuple[int, int, int, int]:
    """The box around what is printed."""
    box = picture.convert("L").point(lambda value: 255 * (value < 128)).getbbox()
    assert box is not None
    return box


def _is_gone(client: httpx2.Client, address: str) -> bool:
    return client.get(address).status_code == 404


def _size(jobs_server: Server, job: dict[str, Any]) -> int:
    with jobs.database(jobs_server.folder / "data") as database:
        return int(database.execute("SELECT size FROM jobs WHERE id = ?", (job["id"],)).fetchone()[0])


# --- the document


def test_a_kept_document_is_had_as_it_was_sent(jobs_server: Server, mine: httpx2.Client, kept: dict[str, Any]) -> None:
    assert kept["keep_document"] is True
    reply = _get(mine, kept, "/document")
    assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, "application/pdf", DOCUMENT)
    assert reply.headers["content-disposition"] == "attachment; filename*=UTF-8''0.pdf"
    assert reply.headers["content-security-policy"] == "sandbox"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert _size(jobs_server, kept) > len(DOCUMENT)  # and what was read


def test_a_part_of_a_document_is_had_as_well(mine: httpx2.Client, kept: dict[str, Any]) -> None:
    reply = mine.get(kept["links"]["self"] + "/document", headers={"Range": "bytes=0-4"})
    assert (reply.status_code, reply.content) == (206, DOCUMENT[:5])


@pytest.mark.parametrize(
    ("sent", "kept_as"),
    [
        ("отчёт 1.pdf", "%D0%BE%D1%82%D1%87%D1%91%D1%82%201.pdf"),
        ("../../etc/pass wd", "pass%20wd"),
        ('a"b;c=d.pdf', "ab%3Bc%3Dd.pdf"),
        ("<svg onload=x>.html", "%3Csvg%20onload%3Dx%3E.html"),
    ],
)
def test_a_hostile_name_stays_a_name(mine: httpx2.Client, sent: str, kept_as: str) -> None:
    form = {"keep_document": "true"}
    job = mine.post("/jobs", files={"file": (sent.replace('"', "%22"), jobs.small_pages(1))}, data=form).json()
    reply = _get(mine, job, "/document")
    named = reply.headers["content-disposition"]
    assert named.startswith("attachment; filename*=UTF-8''")
    assert named.removeprefix("attachment; filename*=UTF-8''") in {kept_as, kept_as.replace("ab", "a%2522b")}
    mine.delete(job["links"]["self"])


def test_of_several_documents_each_is_kept(mine: httpx2.Client) -> None:
    picture, nothing = samples.png("One"), b"this is no document"
    job = jobs.ended(mine, jobs.hand_in(mine, picture, nothing, keep_document="on"))
    first, second = (_get(mine, job, "/document", file=str(number)) for number in range(2))
    assert (first.headers["content-type"], first.content) == ("image/png", picture)
    assert (second.headers["content-type"], second.content) == ("application/octet-stream", nothing)
    assert_problem(_get(mine, job, "/document", file="2"), 422, "bad_option")
    assert _get(mine, job, "/pages", file="1").json() == {"pages": []}
    assert_problem(_get(mine, job, "/pages/1/image", file="1"), 415, "unsupported_type")


def test_without_the_option_the_document_goes(jobs_server: Server, mine: httpx2.Client, bare: dict[str, Any]) -> None:
    assert bare["keep_document"] is False
    for address in ("/document", "/pages/1/image"):
        assert "keep_document" in assert_problem(_get(mine, bare, address), 404, "not_found")["detail"]
    assert _get(mine, bare, "/pages/1").json()["text"] == "Sheet 1"
    wait_for(lambda: not (jobs_server.folder / "data/jobs" / bare["id"]).exists(), "what was sent is gone")


def test_a_cancelled_job_keeps_its_document(jobs_server: Server, mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, document := jobs.small_pages(60, "Cancelled"), keep_document="true")
    with jobs.held(jobs_server, job):
        assert _get(mine, job, "/document").content == document
        assert mine.delete(job["links"]["self"]).json()["state"] == "cancelled"
    assert _get(mine, job, "/document").content == document
    assert _picture(mine, job, 60).width > 0
    assert mine.delete(job["links"]["self"]).status_code == 204


def test_a_failed_job_keeps_its_document(mine: httpx2.Client) -> None:
    document = b"no document"
    job = jobs.ended(mine, jobs.hand_in(mine, document, b"nor this", keep_document="true"), "failed")
    assert _get(mine, job, "/document").content == document


def test_it_is_an_option_of_jobs_only(mine: httpx2.Client) -> None:
    for address in ("/ocr", "/ocr/batch"):
        reply = mine.post(address, files={"file": ("x.pdf", jobs.small_pages(1))}, data={"keep_document": "true"})
        assert_problem(reply, 422, "bad_option")
    assert (
        "keep_document" in assert_problem(jobs.post(mine, b"x", keep_document="perhaps"), 422, "bad_option")["detail"]
    )
    text = {"image_base64": "eA==", "keep_document": "true"}  # in JSON a switch is true or false
    assert_problem(mine.post("/jobs", json=text), 422, "bad_option")


def test_it_is_a_part_of_what_is_asked(mine: httpx2.Client) -> None:
    document = jobs.small_pages(1, "Twice")
    first = jobs.hand_in(mine, document, key="kept-once", keep_document="true")
    assert jobs.hand_in(mine, document, key="kept-once", keep_document="true")["id"] == first["id"]
    for other in ({"keep_document": "false"}, {}):
        assert_problem(jobs.post(mine, document, key="kept-once", **other), 409, "idempotency_conflict")


# --- the pages


def test_pages_at_a_glance(mine: httpx2.Client, kept: dict[str, Any]) -> None:
    rows = _get(mine, kept, "/pages").json()["pages"]
    read = jobs.result(mine, kept)["pages"]
    for name in ("page_number", "width", "height", "verdict", "confidence"):
        assert [row[name] for row in rows] == [page[name] for page in read]
    assert [row["found"] for row in rows] == [None, None, None]


@pytest.mark.parametrize(
    ("words", "found"),
    [("LEAF", [1, 1, 0]), ("leaf  2", [0, 1, 0]), ("1", [1, 0, 1]), ("nowhere", [0, 0, 0]), (" ", [None] * 3)],
)
def test_words_are_found(mine: httpx2.Client, kept: dict[str, Any], words: str, found: list[int | None]) -> None:
    rows = _get(mine, kept, "/pages", find=words).json()["pages"]
    assert [row["found"] for row in rows] == found


def test_a_page_is_that_of_the_result(mine: httpx2.Client, kept: dict[str, Any]) -> None:
    read = jobs.result(mine, kept)["pages"]
    assert [_get(mine, kept, f"/pages/{number}").json() for number in (1, 2, 3)] == read


def test_an_image_is_a_page(mine: httpx2.Client) -> None:
    job = jobs.ended(mine, jobs.hand_in(mine, samples.png(), return_confidence="false"))
    page, whole = _get(mine, job, "/pages/1").json(), jobs.result(mine, job)
    same = ("text", "markdown", "blocks", "width", "height", "verdict")
    assert {name: page[name] for name in same} == {name: whole[name] for name in same}
    assert (page["page_number"], page["confidence"]) == (1, None)
    assert _get(mine, job, "/pages").json()["pages"][0]["confidence"] is None


def test_what_was_not_asked_for_is_not_there_but_can_be_seen(mine: httpx2.Client) -> None:
    job = jobs.ended(mine, jobs.hand_in(mine, samples.pdf(3), pages="2", keep_document="true"))
    assert [row["page_number"] for row in _get(mine, job, "/pages").json()["pages"]] == [2]
    assert "not been read" in assert_problem(_get(mine, job, "/pages/1"), 404, "not_found")["detail"]
    assert "has 3" in assert_problem(_get(mine, job, "/pages/4"), 404, "not_found")["detail"]
    assert _picture(mine, job, 3).size == (240, 240)


# --- the pictures


def test_a_picture_has_the_pixels_of_the_boxes(mine: httpx2.Client, kept: dict[str, Any]) -> None:
    page = _get(mine, kept, "/pages/3").json()
    [block] = page["blocks"]
    picture = _picture(mine, kept, 3)
    assert picture.size == (page["width"], page["height"]) == (480, 240)
    ink = _darkest(picture)
    assert all(abs(ours - theirs) < 12 for ours, theirs in zip(block["bbox"], ink, strict=True)), (block, ink)
    half = _picture(mine, kept, 3, width="240")
    assert half.size == (240, 120)
    assert all(abs(ours - theirs / 2) < 3 for ours, theirs in zip(_darkest(half), ink, strict=True))


def test_a_page_is_not_enlarged(mine: httpx2.Client, kept: dict[str, Any]) -> None:
    assert _picture(mine, kept, 1, width="4000").size == _picture(mine, kept, 1).size


def test_a_picture_is_that_of_the_page_as_sent(mine: httpx2.Client) -> None:
    """Turned upside down by the caller, and read upright by `preprocess`."""
    turned = Image.open(io.BytesIO(samples.png("Invoice 2024\nTotal 17"))).rotate(180)
    sent = makers.encode(turned, "PNG")
    job = jobs.ended(mine, jobs.hand_in(mine, sent, preprocess="orientation", keep_document="true"))
    picture = _picture(mine, job, 1)
    assert picture.size == turned.size
    assert all(abs(a - b) < 3 for a, b in zip(_darkest(picture), _darkest(turned), strict=True))


def test_the_longest_page_has_a_picture(mine: httpx2.Client) -> None:
    strip = makers.encode(Image.new("L", (900, 20_000), "white"), "PNG")
    job = jobs.hand_in(mine, strip, keep_document="true")
    picture = _picture(mine, job, 1)
    assert picture.height == 16_383
    assert abs(picture.width - 900 * 16_383 / 20_000) < 1
    mine.delete(job["links"]["self"])


def test_a_page_is_shown_while_others_are_read(mine: httpx2.Client) -> None:
    job = jobs.hand_in(mine, jobs.small_pages(jobs.LONG, "Waiting"), keep_document="true")
    last = jobs.LONG
    try:
        pictures = [Later(partial(_picture, mine, job, number)) for number in range(last - 20, last)]
        assert all(each.result().width > 0 for each in pictures)
        assert jobs.job_of(mine, job)["state"] not in jobs.FINISHED
        assert_problem(_get(mine, job, f"/pages/{last}"), 404, "not_found")
    finally:
        mine.delete(job["links"]["self"])


def test_a_page_that_cannot_be_drawn_says_so(mine: httpx2.Client) -> None:
    job = jobs.ended(mine, jobs.hand_in(mine, makers.damaged_page_pdf(), keep_document="true"))
    assert_problem(_get(mine, job, "/pages/2/image"), 422, "damaged_file")
    assert _picture(mine, job, 1).width > 0


# --- whose they are, and how long


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_else_sees_them(theirs: httpx2.Client, kept: dict[str, Any], address: str) -> None:
    assert_problem(_get(theirs, kept, address), 404, "not_found")


@pytest.mark.parametrize(
    ("address", "query", "status"),
    [
        ("/pages/0", {}, 404),
        ("/pages/-1", {}, 404),
        ("/pages/x", {}, 404),
        ("/pages/99999999999999999999999", {}, 404),
        ("/pages/x/image", {}, 404),
        ("/pages/4", {}, 404),
        ("/pages/1/image", {"width": "63"}, 422),
        ("/pages/1/image", {"width": "4001"}, 422),
        ("/pages/4/image", {}, 404),
        ("/pages/1", {"file": "1"}, 422),
        ("/pages", {"file": "-1"}, 422),
        ("/pages", {"file": "9" * 30}, 422),
        ("/pages", {"find": "x" * 201}, 422),
        ("/document", {"file": "one"}, 422),
    ],
)
def test_a_request_that_cannot_be_met(
    mine: httpx2.Client, kept: dict[str, Any], address: str, query: dict[str, str], status: int
) -> None:
    assert_problem(_get(mine, kept, address, **query), status, "bad_option" if status == 422 else "not_found")


def test_deleting_a_job_deletes_its_document(jobs_server: Server, mine: httpx2.Client) -> None:
    job = jobs.ended(mine, jobs.hand_in(mine, jobs.small_pages(1), keep_document="true"))
    folder = jobs_server.folder / "data/jobs" / job["id"]
    assert folder.exists()
    assert mine.delete(job["links"]["self"]).status_code == 204
    assert not folder.exists()
    for address in ADDRESSES:
        assert_problem(_get(mine, job, address), 404, "not_found")


@pytest.mark.timeout(300)
def test_kept_documents_stay_over_a_restart_and_go_with_their_job(tmp_path: Path) -> None:
    """Of a job that is finished, and of one that the server's end found at work."""
    folder = str(tmp_path / "data")
    short, long = jobs.small_pages(1), jobs.small_pages(40, "Long")
    with Server(DATA_DIR=folder, PDF_DPI="72") as first:
        done = jobs.ended(first.ready().client, jobs.hand_in(first.client, short, keep_document="true"))
        bare = jobs.ended(first.client, jobs.hand_in(first.client, short))
        at_work = jobs.hand_in(first.client, long, keep_document="true")
        jobs.under_way(first.client, at_work)
        first.process.kill()
    (tmp_path / "data/jobs" / bare["id"]).mkdir(exist_ok=True)  # as a server leaves it that ends at the wrong moment
    with Server(DATA_DIR=folder, PDF_DPI="72") as second:
        client = second.ready().client
        wait_for(lambda: not (tmp_path / "data/jobs" / bare["id"]).exists(), "what is not needed is swept away")
        assert _get(client, done, "/document").content == short
        jobs.ended(client, at_work)
        assert _get(client, at_work, "/document").content == long
        assert _picture(client, at_work, 40).width > 0
    with jobs.database(tmp_path / "data") as database:
        database.execute("UPDATE jobs SET finished = finished - 1e9")
    with Server(DATA_DIR=folder, PRELOAD="none") as third:
        client = third.live().client
        over = (done, at_work)
        wait_for(lambda: all(_is_gone(client, job["links"]["self"]) for job in over), "their time is over")
        wait_for(
            lambda: not any((tmp_path / "data/jobs" / job["id"]).exists() for job in over), "their folders are gone"
        )


def test_kept_documents_take_room_and_make_room() -> None:
    def document(width: int) -> bytes:  # of 350 kB, and with nothing on it to be stored
        return makers.encode(Image.new("RGB", (width, 350), "white"), "BMP")

    with Server(JOBS_MAX_MB="1", MAX_UPLOAD_MB="1") as server:
        client = server.ready().client
        first = jobs.ended(client, jobs.hand_in(client, document(340), keep_document="true"))
        second = jobs.ended(client, jobs.hand_in(client, document(344), keep_document="true"))
        assert _get(client, first, "/document").status_code == 200
        third = jobs.ended(client, jobs.hand_in(client, document(348), keep_document="true"))
        assert_problem(client.get(first["links"]["self"]), 404, "not_found")
        assert {_get(client, job, "/document").status_code for job in (second, third)} == {200}
        assert not (server.folder / "data/jobs" / first["id"]).exists()


def test_a_document_that_never_came_is_not_there() -> None:
    """One that is fetched is kept: tests/contract/test_http_jobs_s3.py."""
    with held_port() as port, Server(ALLOW_URL_INPUT="true") as server:
        form = {"image_url": f"http://127.0.0.1:{port}/x.pdf", "keep_document": "true"}
        reply = server.ready().client.post("/jobs", data=form)
        job = jobs.ended(server.client, reply.json(), "failed")
        for address in ("/document", "/pages/1/image"):
            assert "fetched" in assert_problem(_get(server.client, job, address), 404, "not_found")["detail"]


def test_a_file_of_an_older_server_is_brought_up_to_date(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    with Server(DATA_DIR=folder, PDF_DPI="72") as first:
        job = jobs.ended(first.ready().client, jobs.hand_in(first.client, jobs.small_pages(2)))
        first.stop()
    with sqlite3.connect(tmp_path / "data/jobs/jobs.sqlite3") as database:  # back to its first version
        for table, column in (("jobs", "kept_bytes"), ("files", "media_type"), ("pages", "width"), ("pages", "height")):
            database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        database.execute("DROP TABLE corrections")
        database.execute("PRAGMA user_version = 1")
    database.close()
    with Server(DATA_DIR=folder, PDF_DPI="72") as second:
        client = second.ready().client
        assert jobs.job_of(client, job)["keep_document"] is False
        read = jobs.result(client, job)["pages"]
        rows = _get(client, job, "/pages").json()["pages"]
        assert [(row["width"], row["height"]) for row in rows] == [(page["width"], page["height"]) for page in read]
        jobs.ended(client, jobs.hand_in(client, jobs.small_pages(1), keep_document="true"))


def test_the_token_is_needed(jobs_server: Server, kept: dict[str, Any]) -> None:
    with jobs_server.new_client(None) as nobody:
        for address in ADDRESSES:
            assert_problem(_get(nobody, kept, address), 401, "unauthorized")
    assert TOKEN != jobs.OTHER_TOKEN
