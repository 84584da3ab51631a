"""What is around the views: the token, the two languages, the themes, the addresses."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.contract import samples
from tests.contract.running import TOKEN, Server
from tests.web.documents import handed_in, report
from tests.web.person import Person, dropped

pytestmark = pytest.mark.web

Make = Callable[..., Person]


def test_nothing_is_asked_before_the_token_is_entered(person: Make) -> None:
    someone = person()
    asked: list[str] = []
    someone.page.on("request", lambda request: asked.append(request.url.removeprefix(someone.server.url)))
    someone.opens(token=None)
    expect(someone.page.get_by_label("Token")).to_be_focused()
    someone.page.wait_for_load_state("networkidle")
    assert asked[0] == "/"
    assert all(each.startswith("/web/") for each in asked[1:])


def test_a_wrong_token_is_said_to_be_wrong(person: Make) -> None:
    someone = person().opens(token=None)
    with someone.expecting(401):
        someone.page.get_by_label("Token").fill("not one")
        someone.page.keyboard.press("Enter")
        expect(someone.page.get_by_role("alert")).to_contain_text("does not know this token")
    someone.enters(TOKEN)
    expect(someone.page.get_by_role("alert")).to_have_count(0)


def test_the_token_is_kept_for_the_tab_only(person: Make) -> None:
    someone = person().opens()
    someone.page.reload()
    expect(someone.page.get_by_role("button", name="Sign out")).to_be_visible()
    other = someone.context.new_page()
    other.goto(someone.server.url)
    expect(other.get_by_label("Token")).to_be_visible()
    stored = other.evaluate("JSON.stringify(localStorage)")
    assert TOKEN not in stored
    someone.page.get_by_role("button", name="Sign out").click()
    expect(someone.page.get_by_label("Token")).to_be_visible()
    assert TOKEN not in someone.page.evaluate("JSON.stringify(sessionStorage)")


def test_behind_a_gateway_there_is_no_token_to_enter(browser: Browser) -> None:
    with Server(AUTH_MODE="platform", API_TOKENS="", PRELOAD="none") as server:
        server.live()
        with Person(browser, server) as someone:
            someone.opens(token=None)
            expect(someone.page.get_by_role("heading", level=1)).to_be_visible()
            expect(someone.page.get_by_label("Token")).to_have_count(0)


def _colour(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_language_and_theme_are_chosen_and_kept(person: Make) -> None:
    someone = person().opens()
    light = _colour(someone.page)
    someone.page.get_by_label("Theme").select_option("dark")
    assert _colour(someone.page) != light
    someone.page.get_by_label("Language").select_option("ru")
    expect(someone.page.get_by_role("link", name="Распознать")).to_be_visible()
    someone.page.reload()
    expect(someone.page.get_by_role("link", name="Распознать")).to_be_visible()
    expect(someone.page.locator("html")).to_have_attribute("lang", "ru")
    assert _colour(someone.page) != light


def test_a_russian_reader_in_the_dark_need_not_choose(person: Make) -> None:
    light = _colour(person().opens().page)
    someone = person(locale="ru-RU", color_scheme="dark").opens(token=None)
    expect(someone.page.get_by_label("Токен")).to_be_visible()
    assert _colour(someone.page) != light


def test_a_document_that_is_not_there(person: Make) -> None:
    someone = person()
    with someone.expecting(404):
        someone.opens("#/jobs/job_000000000000000000000000")
        expect(someone.page.get_by_role("alert")).to_contain_text("not here")
        expect(someone.main.get_by_role("heading", level=1)).to_have_text("Document")
        someone.main.get_by_role("link", name="All documents").click()
        expect(someone.page).to_have_title("Documents · offline-ocr")


def test_a_job_has_no_such_document(person: Make, web_server: Server) -> None:
    job = handed_in(web_server, report())
    someone = person().opens(f"#/jobs/{job}?file=9")
    expect(someone.main).to_contain_text("it has only one")
    someone.main.get_by_role("link", name="Open the first").click()
    expect(someone.main.get_by_role("heading", name="report.pdf", level=1)).to_be_visible()


def test_the_tab_is_called_after_what_it_shows(person: Make, web_server: Server) -> None:
    job = handed_in(web_server, report())
    someone = person().opens()
    expect(someone.page).to_have_title("Recognise · offline-ocr")
    someone.page.goto(f"{web_server.url}/#/models")
    expect(someone.page).to_have_title("Models · offline-ocr")
    someone.page.get_by_label("Language").select_option("ru")
    expect(someone.page).to_have_title("Модели · offline-ocr")
    for view in ("", "/compare"):
        someone.page.goto(f"{web_server.url}/#/jobs/{job}{view}")
        expect(someone.page).to_have_title("report.pdf · offline-ocr")
    someone.page.get_by_role("button", name="Выйти").click()
    expect(someone.page).to_have_title("Распознавание документов · offline-ocr")


def test_who_signs_out_leaves_nothing_to_the_next(browser: Browser) -> None:
    settings = {"API_TOKENS": f"{TOKEN},another", "MODELS": "pp-ocr", "PRELOAD": "pp-ocr"}
    with Server(**settings) as server, Person(browser, server.ready()) as someone:
        job = handed_in(server, report())
        someone.opens(f"#/jobs/{job}")
        someone.page.get_by_role("button", name="Edit block 1, title").click()
        someone.page.get_by_role("textbox", name="Text of block 1").fill("a secret draft")
        someone.page.get_by_role("link", name="Documents", exact=True).click()
        expect(someone.main).to_contain_text("report.pdf")
        someone.page.get_by_role("link", name="Recognise", exact=True).click()
        png = ("image/png", samples.png("Mine"))
        dropped(someone.page, ("one.png", *png), ("two.png", *png))
        someone.page.get_by_role("button", name="Recognise", exact=True).click()
        expect(someone.main.get_by_text("Done: 1 page")).to_have_count(2)
        dropped(someone.page, ("three.png", *png))
        expect(someone.main).to_contain_text("three.png")
        someone.page.get_by_role("button", name="Sign out").click()
        someone.enters("another")
        expect(someone.main.get_by_role("heading", name="Recognise documents")).to_be_visible()
        expect(someone.main).not_to_contain_text(".png")
        someone.page.get_by_role("link", name="Documents", exact=True).click()
        expect(someone.main).to_contain_text("Nothing here yet")
        someone.page.get_by_role("button", name="Sign out").click()
        someone.enters(TOKEN)
        someone.page.goto(f"{server.url}/#/jobs/{job}")
        expect(someone.main.get_by_role("button", name="Edit block 1, title")).to_be_visible()
        expect(someone.main.get_by_role("textbox", name="Text of block 1")).to_have_count(0)
