"""Documents handed in at the page, by every way there is, and followed to their end."""

import base64
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.contract import samples
from tests.contract.running import Server, wait_for
from tests.web.person import Person, dropped, takes_files

pytestmark = pytest.mark.web

Make = Callable[..., Person]
PDF = "application/pdf"


def chooses(someone: Person, *files: tuple[str, str, bytes]) -> None:
    """Files of the dialog that the button opens."""
    with someone.page.expect_file_chooser() as opening:
        someone.page.get_by_text("Choose files").click()
    opening.value.set_files([{"name": name, "mimeType": kind, "buffer": content} for name, kind, content in files])


def test_a_dropped_pdf_is_read_page_by_page(person: Make) -> None:
    someone = person().opens()
    dropped(someone.page, ("two sheets.pdf", PDF, samples.pdf(2)))
    expect(someone.page.get_by_role("heading", name="1 file to recognise")).to_be_visible()
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    expect(someone.page.get_by_role("heading", name="two sheets.pdf", level=1)).to_be_visible()
    expect(someone.main.get_by_text("Done: 2 pages")).to_be_visible()
    someone.has_its_replies()
    assert someone.given_up == []


def test_a_job_is_followed_to_its_end_without_giving_up_on_any_request(person: Make) -> None:
    someone = person()
    reply = someone.server.client.post("/jobs", files={"file": ("later.pdf", samples.pdf(12))})
    someone.opens(f"#/jobs/{reply.json()['id']}")
    expect(someone.main.get_by_text("Done: 12 pages")).to_be_visible(timeout=120_000)
    someone.has_its_replies()
    assert someone.given_up == []


def test_several_are_chosen_and_one_is_taken_out(person: Make) -> None:
    someone = person().opens()
    chooses(someone, *((f"{word}.png", "image/png", samples.png(word)) for word in ("One", "Two", "Three")))
    someone.page.get_by_role("button", name="Take out Two.png").click()
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    for name in ("One.png", "Three.png"):
        expect(someone.page.get_by_role("listitem").filter(has_text=name).get_by_text("Done: 1 page")).to_be_visible()
    expect(someone.page.get_by_text("Two.png")).to_have_count(0)


def test_an_image_is_pasted(person: Make) -> None:
    someone = person(permissions=["clipboard-read", "clipboard-write"]).opens()
    someone.page.evaluate(
        """async content => {
            const bytes = Uint8Array.from(atob(content), each => each.charCodeAt(0));
            await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
        }""",
        base64.b64encode(samples.png("Pasted")).decode(),
    )
    takes_files(someone.page)
    someone.page.keyboard.press("Control+v")
    expect(someone.page.get_by_role("heading", name="1 file to recognise")).to_be_visible()
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    expect(someone.main.get_by_text("Done: 1 page")).to_be_visible()


def test_what_cannot_be_read_is_said_in_plain_words(person: Make) -> None:
    someone = person().opens()
    dropped(someone.page, ("letter.docx", "application/msword", b"PK"), ("broken.pdf", PDF, b"%PDF-1.7 and no more"))
    expect(someone.page.get_by_text("only PDFs and images can be read: letter.docx")).to_be_visible()
    with someone.expecting(422):
        someone.page.get_by_role("button", name="Recognise", exact=True).click()
        expect(someone.page.get_by_role("alert")).to_contain_text("The file is damaged")


def test_pages_and_options_reach_the_model(person: Make) -> None:
    someone = person().opens()
    dropped(someone.page, ("three.pdf", PDF, samples.pdf(3)))
    someone.page.get_by_role("textbox", name="Pages").fill("3-")
    expect(someone.page.get_by_text("Write page numbers and ranges")).to_be_visible()
    someone.page.get_by_role("textbox", name="Pages").fill("2-3")
    someone.page.get_by_role("combobox", name="Model").select_option("tesseract")
    someone.page.get_by_text("Options", exact=True).click()
    someone.page.get_by_role("checkbox", name="Straighten it").check()
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    expect(someone.page.get_by_role("heading", name="three.pdf", level=1)).to_be_visible()
    expect(someone.main.get_by_text("Done: 2 pages")).to_be_visible()
    expect(someone.page.get_by_text("tesseract")).to_be_visible()
    job = someone.page.url.split("/jobs/")[1].split("?")[0]
    result = someone.server.client.get(f"/jobs/{job}/result").json()
    assert [each["page_number"] for each in result["pages"]] == [2, 3]
    assert [each["step"] for each in result["pages"][0]["preprocessing"]] == ["deskew"]


def test_a_job_is_found_again_after_a_reload_and_another_is_cancelled(person: Make) -> None:
    someone = person().opens()
    dropped(someone.page, ("again.pdf", PDF, samples.pdf(300)))
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    expect(someone.page.get_by_role("heading", name="again.pdf", level=1)).to_be_visible()
    someone.page.reload()
    expect(someone.page.get_by_role("heading", name="again.pdf", level=1)).to_be_visible()
    someone.page.get_by_role("button", name="Cancel again.pdf").click()
    expect(someone.main.get_by_text("Cancelled")).to_be_visible()
    someone.page.get_by_role("link", name="Documents").click()
    row = someone.page.get_by_role("listitem").filter(has_text="again.pdf")
    expect(row).to_contain_text("Cancelled")
    row.get_by_role("button", name="Remove again.pdf").click()
    row.get_by_role("button", name="Yes, remove").click()
    expect(someone.main.get_by_text("again.pdf")).to_have_count(0)


def test_a_document_goes_on_when_the_server_is_there_again(browser: Browser) -> None:
    with Server(PDF_DPI="100", MODELS="pp-ocr", PRELOAD="pp-ocr") as server, Person(browser, server.ready()) as someone:
        someone.opens()
        chooses(someone, ("long.pdf", PDF, samples.pdf(60)), ("short.pdf", PDF, samples.pdf(1)))
        someone.page.get_by_role("button", name="Recognise", exact=True).click()
        card = someone.page.get_by_role("listitem").filter(has=someone.page.get_by_role("heading", name="long.pdf"))
        expect(card.get_by_role("link", name="Open: long.pdf")).to_be_visible()
        server.process.kill()
        server.process.wait()
        wait_for(lambda: not server.processes(), "the server's processes end")
        someone.page.get_by_role("link", name="Documents", exact=True).click()
        someone.page.get_by_role("link", name="Recognise", exact=True).click()
        expect(card.get_by_role("alert")).to_contain_text("The server does not answer")
        chooses(someone, *((name, "image/png", samples.png(name)) for name in ("later.png", "last.png")))
        someone.page.get_by_role("button", name="Recognise", exact=True).click()
        later = someone.page.get_by_role("listitem").filter(has_text="later.png")
        expect(later).to_contain_text("It is sent again by itself")
        server.client.close()
        server.__enter__()
        expect(card.get_by_text("Done: 60 pages")).to_be_visible(timeout=120_000)
        expect(card.get_by_role("alert")).to_have_count(0)
        expect(later).to_contain_text("Done: 1 page")
        someone.troubles.clear()  # the connections that the kill broke, which is what the test is about


def test_whoever_cancels_or_changes_keeps_the_place(person: Make) -> None:
    someone = person().opens()
    chooses(someone, ("long.pdf", PDF, samples.pdf(300)), ("other.pdf", PDF, samples.pdf(1)))
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    card = someone.page.get_by_role("listitem").filter(has=someone.page.get_by_role("heading", name="long.pdf"))
    card.get_by_role("button", name="Cancel long.pdf").press("Enter")
    expect(card.locator(":focus")).to_contain_text("Cancelled")
    card.get_by_role("button", name="Change and send again").press("Enter")
    expect(someone.page.get_by_role("textbox", name="Pages")).to_be_focused()


def test_images_of_other_kinds_are_left_out(person: Make) -> None:
    someone = person().opens()
    dropped(someone.page, ("a.svg", "image/svg+xml", b"<svg/>"), ("b.heic", "", b"x"), ("c.png", "image/png", b"x"))
    expect(someone.page.get_by_text("only PDFs and images can be read: a.svg, b.heic")).to_be_visible()
    expect(someone.page.get_by_role("heading", name="1 file to recognise")).to_be_visible()
