"""Every view for everyone: axe-core finds nothing serious, and the keyboard alone is enough."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.contract import samples
from tests.contract.running import TOKEN, Server
from tests.web.documents import handed_in, report
from tests.web.person import DESK, PHONE, Person, dropped

pytestmark = pytest.mark.web

Make = Callable[..., Person]
VIEWS = ("#/", "#/jobs", "#/models", "#/jobs/{job}", "#/jobs/{job}/compare", "#/jobs/{job}/chat")


@pytest.fixture(scope="module")
def job(web_server: Server) -> str:
    return handed_in(web_server, report())


@pytest.mark.parametrize(("size", "theme", "language"), [(PHONE, "dark", "ru-RU"), (DESK, "light", "en-GB")], ids=str)
def test_nothing_serious_on_any_view(person: Make, job: str, size: tuple[int, int], theme: str, language: str) -> None:
    someone = person(size=size, color_scheme=theme, locale=language).opens(token=None)
    assert someone.serious_problems() == []
    someone.enters(TOKEN)
    for view in VIEWS:
        someone.turns_to(view.format(job=job))
        assert someone.serious_problems() == [], view
        wide = someone.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{view} is {wide} px wider than the screen"


def test_a_document_is_handed_in_with_the_keyboard_alone(person: Make) -> None:
    someone = person().opens()
    dropped(someone.page, ("keys.png", "image/png", samples.png("Keys")))
    expect(someone.page.get_by_role("button", name="Recognise", exact=True)).to_be_focused()
    someone.page.keyboard.press("Enter")
    expect(someone.page.get_by_role("heading", name="keys.png", level=1)).to_be_visible()


def test_tab_reaches_everything_that_can_be_used(person: Make, job: str) -> None:
    someone = person().opens()
    for view in VIEWS:
        someone.turns_to(view.format(job=job))
        someone.page.evaluate("document.activeElement?.blur(); window.reached = new Set()")
        missed = _a_round(someone)
        for _ in range(4):  # what comes late, or can be used only where the reader has got to, is reached in another
            missed = missed and _a_round(someone)
        assert missed == [], view


def _a_round(someone: Person) -> list[str]:
    """Tabs to the page's beginning; what can be used there by then and has not been reached in any round."""
    at_the_beginning = False
    while not at_the_beginning:
        someone.page.keyboard.press("Tab")
        at_the_beginning = someone.page.evaluate(
            "reached.add(document.activeElement) && document.activeElement.matches('.skip')"
        )
    missed: list[str] = someone.page.evaluate(
        """[...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
            .filter(each => each.checkVisibility({visibilityProperty: true}) && !each.disabled && each.type !== 'radio')
            .filter(each => !reached.has(each))
            .map(each => each.outerHTML.slice(0, 120))"""
    )
    return missed
