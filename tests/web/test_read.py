"""A document read at the page: image and text linked, searched, corrected, downloaded."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Download, Route, expect

from tests.contract import samples
from tests.contract.jobs import ended
from tests.contract.running import Server
from tests.web.documents import handed_in, report
from tests.web.person import PHONE, TABLET, Person, places

pytestmark = pytest.mark.web

Make = Callable[..., Person]


FORMS = {
    "Markdown (.md)": "md",
    "Plain text (.txt)": "txt",
    "Web page (.html)": "html",
    "Tables for Excel (.xlsx)": "xlsx",
    "Tables as CSV (.csv)": "csv",
    "Everything as JSON (.json)": "json",
    "All of it, with pictures (.zip)": "zip",
}


LETTERS = (
    "3) third\n__init__.py\n- 500 EUR\n    indented  twice\n~~x~~ `code`\n# not heading\n*Brown* $5$ &amp; <b>bold</b>"
)
"""What would be something else, were it Markdown or HTML."""


@pytest.fixture(scope="module")
def job(web_server: Server) -> str:
    """A document that tests look at and do not change."""
    return handed_in(web_server, report())


def picks(someone: Person, menu: str, entry: str) -> None:
    """An entry of a menu of the toolbar."""
    someone.main.get_by_role("button", name=menu).click()
    someone.page.get_by_role("menuitem", name=entry).or_(someone.main.get_by_role("button", name=entry)).click()


def downloads(someone: Person, form: str) -> Download:
    """A form of the menu, kept by the browser."""
    with someone.page.expect_download() as waiting:
        picks(someone, "Download", form)
    return waiting.value


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def test_boxes_and_blocks_are_linked_both_ways(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}")
    first = someone.main.get_by_role("article", name="Page 1")
    boxes = first.get_by_role("button", name=re.compile("^Block [0-9]+,"))
    blocks = first.get_by_role("region", name="Text of page 1").get_by_role("listitem")
    expect(boxes).to_have_count(3)
    expect(blocks).to_have_count(3)
    boxes.nth(1).hover()
    expect(someone.page.locator(".blocks .lit")).to_have_count(1)
    expect(blocks.nth(1)).to_have_class(re.compile("lit"))
    blocks.nth(0).hover()
    expect(boxes.nth(0)).to_have_class(re.compile("lit"))
    boxes.nth(0).focus()
    someone.page.keyboard.press("Tab")
    expect(boxes.nth(1)).to_be_focused()
    expect(blocks.nth(1)).to_have_class(re.compile("lit"))


def test_boxes_lie_where_the_text_stands(person: Make, job: str) -> None:
    """In the image's own coordinates, at any zoom."""
    someone = person().opens(f"#/jobs/{job}")
    page = someone.server.client.get(f"/jobs/{job}/pages/1").json()
    for _ in range(2):
        image = someone.main.get_by_role("img", name="Page 1 as an image")
        expect(image).to_be_visible()
        sheet, box = places(image, someone.main.get_by_role("button", name=re.compile("^Block 3, table")))
        scale = sheet["width"] / page["width"]
        x0, y0, x1, y1 = (edge * scale for edge in page["blocks"][2]["bbox"])
        assert abs(box["x"] - sheet["x"] - x0) < 5
        assert abs(box["y"] - sheet["y"] - y0) < 5
        assert abs(box["width"] - (x1 - x0)) < 8
        assert abs(box["height"] - (y1 - y0)) < 8
        someone.main.get_by_role("button", name="Larger").click()


def test_the_table_is_a_table_in_every_showing(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}")
    panel = someone.main.get_by_role("region", name="Text of page 1")
    expect(panel.get_by_role("cell", name="Apples")).to_be_visible()
    expect(panel.get_by_role("heading", name="Harbour Report")).to_be_visible()
    someone.main.get_by_role("button", name="Markdown", exact=True).click()
    expect(panel).to_contain_text("# Harbour Report")
    someone.main.get_by_role("button", name="JSON", exact=True).click()
    expect(panel).to_contain_text('"page_number"')
    shown = json.loads(panel.inner_text())
    assert shown["page_number"] == 1
    assert len(shown["blocks"]) == 3


def test_what_is_searched_for_is_found_and_marked(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}")
    search = someone.main.get_by_role("searchbox", name="Search the text")
    room = someone.main.get_by_role("group", name="Reading tools").bounding_box()
    search.fill("harbour")
    expect(someone.main.get_by_text("2 places on 2 pages")).to_be_visible()
    assert someone.main.get_by_role("group", name="Reading tools").bounding_box() == room
    expect(someone.main.get_by_role("article", name="Page 1").get_by_role("mark").first).to_have_text("Harbour")
    search.fill("lighthouse")
    expect(someone.main.get_by_text("not found")).to_be_visible()


@pytest.mark.parametrize(("locale", "download"), [("en-GB", "Download"), ("ru-RU", "Скачать")])
def test_the_tools_have_room_in_one_row(person: Make, job: str, locale: str, download: str) -> None:
    someone = person(size=TABLET, locale=locale).opens(f"#/jobs/{job}")
    last, search = places(someone.main.get_by_role("button", name=download), someone.main.get_by_role("searchbox"))
    assert last["y"] == search["y"]
    assert search["width"] > 100


def test_every_form_is_downloaded(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}")
    expect(someone.main.get_by_role("img", name="Page 1 as an image")).to_be_visible()
    for form, ending in FORMS.items():
        download = downloads(someone, form)
        assert download.suggested_filename == f"report.{ending}"
        assert len(content(download)) > 40


def test_the_page_is_copied(person: Make, job: str) -> None:
    someone = person(permissions=["clipboard-read", "clipboard-write"]).opens(f"#/jobs/{job}?page=2")
    expect(someone.main.get_by_text("Signed by the harbour master.").first).to_be_visible()
    picks(someone, "Copy page", "Plain text")
    someone.page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('Signed by')")


def test_a_correction_goes_into_every_download(person: Make, web_server: Server) -> None:
    own = handed_in(web_server, report())
    someone = person().opens(f"#/jobs/{own}")
    panel = someone.main.get_by_role("region", name="Text of page 1")
    panel.get_by_role("button", name=re.compile("^Edit block 2,")).click()
    field = panel.get_by_role("textbox", name="Text of block 2")
    expect(field).to_be_focused()
    field.fill("The ferry Borealis arrived at night.")
    someone.page.keyboard.press("Control+Enter")
    expect(panel.get_by_text("The ferry Borealis arrived at night.")).to_be_visible()
    expect(panel.get_by_text("corrected")).to_have_count(1)
    expect(someone.main.get_by_text("1 correction; downloads carry it")).to_be_visible()

    table = panel.get_by_role("button", name=re.compile("^Edit block 3,"))
    table.click()
    panel.get_by_role("textbox", name="Row 2, column 2").fill("26 <b>")
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_role("textbox")).to_have_count(0)
    expect(panel.get_by_role("cell", name="26 <b>")).to_be_visible()

    someone.page.reload()
    expect(panel.get_by_text("The ferry Borealis arrived at night.")).to_be_visible()
    markdown = downloads(someone, "Markdown (.md)")
    assert markdown.suggested_filename == "report_corrected.md"
    written = content(markdown).decode()
    assert "Borealis" in written
    assert "Aurora" not in written
    assert "correct" in written.lower()
    with zipfile.ZipFile(io.BytesIO(content(downloads(someone, "All of it, with pictures (.zip)")))) as archive:
        [markdown_name] = [name for name in archive.namelist() if name.endswith(".md")]
        assert "Borealis" in archive.read(markdown_name).decode()

    panel.get_by_role("button", name=re.compile("^Edit block 2,")).click()
    panel.get_by_role("button", name="Back to what was recognised").click()
    expect(panel.get_by_text("The ferry Aurora arrived at noon with forty crates.")).to_be_visible()
    expect(someone.main.get_by_text("1 correction; downloads carry it")).to_be_visible()


def test_what_was_typed_is_not_lost_by_a_failure(person: Make, web_server: Server) -> None:
    own = handed_in(web_server, report())
    someone = person().opens(f"#/jobs/{own}")
    panel = someone.main.get_by_role("region", name="Text of page 1")
    panel.get_by_role("button", name=re.compile("^Edit block 1,")).click()
    panel.get_by_role("textbox", name="Text of block 1").fill("x" * 200_001)
    with someone.expecting(422):
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_role("alert")).to_be_visible()
    expect(panel.get_by_role("textbox", name="Text of block 1")).to_have_value("x" * 200_001)
    panel.get_by_role("textbox", name="Text of block 1").press("Escape")
    expect(panel.get_by_role("heading", name="Harbour Report")).to_be_visible()


def test_on_a_phone_image_or_text(person: Make, job: str) -> None:
    someone = person(size=PHONE).opens(f"#/jobs/{job}")
    expect(someone.main.get_by_role("img", name="Page 1 as an image")).to_be_visible()
    someone.main.get_by_role("group", name="Image or text").get_by_text("Text").click()
    expect(someone.main.get_by_role("cell", name="Apples")).to_be_visible()
    expect(someone.main.get_by_role("img", name="Page 1 as an image")).to_be_hidden()


def test_the_page_in_the_address_is_come_back_to(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}")
    someone.main.get_by_role("button", name="Next page", exact=True).click()
    someone.page.wait_for_url("**page=2**")
    someone.page.reload()
    expect(someone.main.get_by_role("article", name="Page 2")).to_be_in_viewport(ratio=0.3)


def test_what_was_handed_in_without_being_kept_is_text_alone(person: Make, web_server: Server) -> None:
    own = handed_in(web_server, report(), keep_document="false")
    someone = person().opens(f"#/jobs/{own}")
    expect(someone.main.get_by_role("cell", name="Apples")).to_be_visible()
    for way in ("Compare models", "Ask about the page"):
        someone.main.get_by_role("link", name=way).click()
        expect(someone.main.get_by_text("Only what was read of this document is kept")).to_be_visible()


def test_documents_of_one_job_are_chosen_from(person: Make, web_server: Server) -> None:
    sent = [("file", (f"{word}.pdf", samples.pdf(1, word))) for word in ("First", "Second")]
    reply = web_server.client.post("/jobs", files=sent, data={"keep_document": "true"})
    someone = person().opens(f"#/jobs/{ended(web_server.client, reply.json())['id']}")
    expect(someone.main.get_by_role("region", name="Text of page 1")).to_contain_text("First 1")
    someone.main.get_by_role("combobox", name="Documents of this job").select_option("Second.pdf")
    expect(someone.main.get_by_role("region", name="Text of page 1")).to_contain_text("Second 1")
    expect(someone.main.get_by_role("heading", name="Second.pdf", level=1)).to_be_visible()


def test_a_page_that_failed_is_asked_for_again_only_when_told_to(person: Make, job: str) -> None:
    someone = person()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503, json={"code": "internal_error", "title": "Down", "detail": "It is down."})

    someone.page.route(re.compile("/pages/1[?]"), refuse)
    with someone.expecting(503):
        someone.opens(f"#/jobs/{job}")
        first = someone.main.get_by_role("article", name="Page 1")
        expect(first.get_by_role("alert")).to_be_visible()
        expect(first.get_by_role("img", name="Page 1 as an image")).to_be_visible()
        someone.page.wait_for_timeout(1000)
    assert len(asked) == 1
    someone.page.unroute_all()
    first.get_by_role("button", name="Try again").click()
    expect(first.get_by_role("cell", name="Apples")).to_be_visible()
    expect(first.get_by_role("alert")).to_have_count(0)


def test_a_document_removed_elsewhere_is_told_of_once(person: Make, web_server: Server) -> None:
    own = handed_in(web_server, samples.pdf(9, "Sheet"))
    someone = person().opens(f"#/jobs/{own}")
    expect(someone.main.get_by_role("region", name="Text of page 1")).to_contain_text("Sheet 1")
    with someone.expecting(404):  # from here on: the next page may be on its way
        assert web_server.client.delete(f"/jobs/{own}").status_code == 204
        field = someone.main.get_by_role("textbox", name="Page", exact=True)
        field.fill("8")
        field.press("Enter")
        expect(someone.main.get_by_text("It is not here")).to_have_count(1)
        someone.page.wait_for_timeout(500)
        expect(someone.main.get_by_role("alert")).to_have_count(1)


def test_plain_text_is_shown_letter_by_letter(person: Make, web_server: Server) -> None:
    own = handed_in(web_server, report())
    for order in (0, 1):  # a heading and a paragraph
        address = f"/jobs/{own}/pages/1/blocks/{order}"
        assert web_server.client.put(address, json={"content": LETTERS}).status_code == 200
    someone = person().opens(f"#/jobs/{own}")
    shown = someone.main.get_by_role("region", name="Text of page 1").locator(".rendered")
    assert shown.nth(0).inner_text() == LETTERS
    assert shown.nth(1).inner_text() == LETTERS
    assert LETTERS in content(downloads(someone, "Plain text (.txt)")).decode()
    someone.main.get_by_role("searchbox", name="Search the text").fill("- 500")
    expect(shown.nth(1).get_by_role("mark")).to_have_text("- 500")


def test_a_table_without_a_table_is_refused_in_words_of_its_own(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}")
    panel = someone.main.get_by_role("region", name="Text of page 1")
    panel.get_by_role("button", name=re.compile("^Edit block 3,")).click()
    panel.get_by_role("group", name="How to correct it").get_by_role("button", name="As HTML").click()
    panel.get_by_role("textbox", name="HTML of block 3").fill("just words")
    asks_before_leaving = "!dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert someone.page.evaluate(asks_before_leaving)
    with someone.expecting(422):
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_role("alert")).to_contain_text("A table is written as <table>")
    panel.get_by_role("button", name="Cancel").click()
    assert not someone.page.evaluate(asks_before_leaving)
