"""Two models on one page, side by side."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.contract.running import Server
from tests.web.documents import handed_in, report
from tests.web.person import Person

pytestmark = pytest.mark.web

Make = Callable[..., Person]


@pytest.fixture(scope="module")
def job(web_server: Server) -> str:
    return handed_in(web_server, report())


def test_what_differs_is_marked_with_time_and_confidence_of_each(person: Make, job: str) -> None:
    """In Russian the second model sees letters where there are none."""
    someone = person().opens(f"#/jobs/{job}/compare?page=1")
    view = someone.main
    view.get_by_role("button", name="Compare", exact=True).click()
    for name in ("First model", "Second model"):
        side = view.get_by_role("group", name=name).or_(view.get_by_role("region", name=name))
        expect(side).to_contain_text("%")
        expect(side).to_contain_text(" s")
    expect(view.get_by_text("the same")).to_be_visible()
    expect(view.get_by_role("table")).to_contain_text("Harbour Report")


def test_another_page_is_chosen_and_kept_in_the_address(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}/compare?page=1")
    someone.main.get_by_role("button", name="Next page").click()
    expect(someone.page).to_have_url(re.compile("page=2"))
    someone.page.reload()
    expect(someone.main.get_by_role("textbox", name="Page", exact=True)).to_have_value("2")
    someone.main.get_by_role("button", name="Compare", exact=True).click()
    expect(someone.main.get_by_text("harbour master").first).to_be_visible()


def test_a_page_that_is_not_there_cannot_be_compared(person: Make, job: str) -> None:
    someone = person().opens(f"#/jobs/{job}/compare?page=77")
    expect(someone.main.get_by_text("The document does not have this page")).to_be_visible()
    expect(someone.main.get_by_role("button", name="Compare", exact=True)).to_be_disabled()
    someone.main.get_by_role("button", name="Previous page").click()
    expect(someone.main.get_by_role("button", name="Compare", exact=True)).to_be_enabled()
