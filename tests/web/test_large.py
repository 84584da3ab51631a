"""Three hundred pages: a few of them in the page at a time, and the first is there long before the last."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.contract import samples
from tests.web.person import Person, dropped

pytestmark = [pytest.mark.web, pytest.mark.long, pytest.mark.timeout(900)]

PAGES = 300
MOST_ROWS = 8
MOST_MB = 80


def test_three_hundred_pages(person: Callable[..., Person]) -> None:
    someone = person().opens()
    view = someone.main
    dropped(someone.page, ("large.pdf", "application/pdf", samples.pdf(PAGES, size=(200, 150))))
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    expect(view.get_by_role("article", name="Page 1", exact=True)).to_contain_text("Sheet 1")
    job = someone.page.url.split("/jobs/")[1].split("?")[0]
    assert someone.server.client.get(f"/jobs/{job}").json()["state"] == "running"
    expect(view.get_by_text(f"Done: {PAGES} pages")).to_be_visible(timeout=600_000)

    protocol = someone.context.new_cdp_session(someone.page)

    def megabytes() -> float:
        protocol.send("HeapProfiler.collectGarbage")
        used: float = protocol.send("Runtime.getHeapUsage")["usedSize"]
        return used / 1e6

    rows = view.get_by_role("article")
    number = view.get_by_role("textbox", name="Page", exact=True)
    for page in (1, 75, 150, 225, PAGES):
        number.fill(str(page))
        number.press("Enter")
        expect(view.get_by_role("article", name=f"Page {page}", exact=True)).to_contain_text(f"Sheet {page}")
        assert rows.count() <= MOST_ROWS
        assert megabytes() < MOST_MB
    before = megabytes()
    box = view.bounding_box()
    assert box
    someone.page.mouse.move(box["x"] + 200, 600)
    for _ in range(150):
        someone.page.mouse.wheel(0, -4000)
    expect(view.get_by_role("article", name="Page 1", exact=True)).to_contain_text("Sheet 1")
    assert rows.count() <= MOST_ROWS
    assert megabytes() < before + 20, "what was scrolled past is kept"
