"""A browser for the tests of the page, and servers to look at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.contract.running import Server
from tests.web.person import Person, chromium

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Servers, workers and a browser take their time where others are at work as well."""
    for item in items:
        if _HERE in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module's tests; each person has a profile of their own.

    Not for the session: Playwright's event loop runs for as long, and other modules' tests have loops of their own.
    """
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def web_server() -> Iterator[Server]:
    """A server with two models, which all tests of the page share."""
    with Server(PDF_DPI="100", MODELS="pp-ocr,tesseract", PRELOAD="pp-ocr,tesseract") as running:
        yield running.ready()


@pytest.fixture
def person(browser: Browser, web_server: Server) -> Iterator[Callable[..., Person]]:
    """Make someone at the page; at the end none of them may have met trouble."""
    with ExitStack() as held:

        def made(server: Server = web_server, **options: Any) -> Person:
            return held.enter_context(Person(browser, server, **options))

        yield made
