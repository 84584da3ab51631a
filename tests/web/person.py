"""Someone at the page in Debian's Chromium: finds things by role and name, and keeps whatever goes wrong on the way.

Every host but the server is blocked; a request to one is a trouble like a failed request or an error in the console.
"""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    FloatRect,
    Locator,
    Page,
    Request,
    Response,
    Route,
    expect,
    sync_playwright,
)

from tests.contract.running import ROOT, TOKEN, Server, wait_for

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
PHONE, TABLET, DESK = (390, 844), (1024, 768), (1600, 1000)
LIMIT_MS = 60_000  # for what the page is awaited to do: never reached on a sound page, however busy the machine is

expect.set_options(timeout=LIMIT_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser."""
    assert (ROOT / "web/dist/index.html").exists(), "make setup builds the page"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield started
        started.close()


class Person:
    """A tab of its own; as a context manager it ends with the troubles told, if there were any."""

    def __init__(self, browser: Browser, server: Server, size: tuple[int, int] = (1280, 900), **options: Any) -> None:
        self.server = server
        self.troubles: list[str] = []
        self.given_up: list[str] = []
        self._expected: set[int] = set()
        self._asked: set[Request] = set()
        width, height = size
        defaults = {"locale": "en-GB", "color_scheme": "light", "accept_downloads": True}
        self.context = browser.new_context(viewport={"width": width, "height": height}, **{**defaults, **options})
        self.context.route("**/*", self._let_through)
        self.context.set_default_timeout(LIMIT_MS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("request", self._asks)
        self.page.on("requestfinished", self._came)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)
        self.page.on("dialog", self._dialog)

    def __enter__(self) -> Self:
        return self

    @property
    def main(self) -> Locator:
        """The view, without the page's frame and what screen readers alone are told."""
        return self.page.get_by_role("main")

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.is_calm()
        finally:
            self.context.close()

    def opens(self, address: str = "", token: str | None = TOKEN) -> Self:
        """The page at an address after #, with the token entered as a person does where there is none yet."""
        self.page.goto(f"{self.server.url}/{address}")
        if token is not None:
            self.enters(token)
        return self

    def turns_to(self, address: str) -> None:
        """A view, loaded afresh, when all of it has come."""
        self.page.goto("about:blank")
        self._asked.clear()  # of the document before; nobody tells what came of that
        self.page.goto(f"{self.server.url}/{address}")
        self.main.get_by_role("heading", level=1).wait_for()
        self.page.wait_for_load_state("networkidle")
        self.has_its_replies()

    def has_its_replies(self) -> None:
        """Wait until all that the page has asked for has come; the events of a job at work go on."""

        def came() -> bool:
            self.page.wait_for_timeout(20)  # Playwright tells of replies only while something is asked of it
            return not self._asked

        wait_for(came, "the page has its replies")

    def enters(self, token: str) -> None:
        """The token, into its field."""
        field = self.page.locator("input[type=password]")
        field.fill(token)
        self.page.keyboard.press("Enter")
        field.wait_for(state="detached")

    def is_calm(self) -> None:
        """Nothing has gone wrong so far."""
        assert not self.troubles, self.troubles

    @contextmanager
    def expecting(self, status: int) -> Iterator[None]:
        """Replies with this status are what the test is about."""
        self._expected.add(status)
        yield
        self.has_its_replies()  # one that says the same may still be on its way
        self._expected.discard(status)

    def serious_problems(self) -> list[str]:
        """What axe-core finds serious or critical on what is shown, when no colour is changing any more."""
        self.page.evaluate("Promise.allSettled(document.getAnimations().map(each => each.finished))")
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {each['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]

    def looks(self, path: Path) -> None:
        """A picture of what is shown."""
        self.page.screenshot(path=path)

    def _let_through(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in {"blob", "data"} or parts.netloc == urlsplit(self.server.url).netloc:
            route.continue_()
        else:
            self.troubles.append(f"asked elsewhere: {route.request.url}")
            route.abort()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(
            f"status of {each}" in message.text for each in self._expected
        ):
            self.troubles.append(f"{message.type}: {message.text}")

    def _asks(self, request: Request) -> None:
        path = urlsplit(request.url).path
        if request.url.startswith(self.server.url) and not path.endswith("/events"):
            self._asked.add(request)

    def _came(self, request: Request) -> None:
        self._asked.discard(request)

    def _failed(self, request: Request) -> None:
        self._came(request)
        if request.failure == "net::ERR_ABORTED":  # the page itself gave up on it
            self.given_up.append(request.url)
        else:
            self.troubles.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected:
            self.troubles.append(f"{response.status}: {response.request.method} {response.url}")

    def _dialog(self, dialog: Any) -> None:
        self.troubles.append(f"a script's dialog: {dialog.message}")
        dialog.dismiss()


def places(*shown: Locator) -> list[FloatRect]:
    """Where they are in the window, all at the same moment."""
    there = [each.element_handle() for each in shown]
    found: list[FloatRect] = shown[0].page.evaluate(
        "there => there.map(each => each.getBoundingClientRect().toJSON())", there
    )
    return found


def takes_files(page: Page) -> None:
    """Wait until the page hears of what is dropped or pasted, which it does from when it has its name on."""
    expect(page).to_have_title("Recognise · offline-ocr")


def dropped(page: Page, *files: tuple[str, str, bytes]) -> None:
    """Files (name, media type, content) dragged from elsewhere onto the page, and let go."""
    takes_files(page)
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, type, content] of files) {
                const bytes = Uint8Array.from(atob(content), each => each.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type }));
            }
            return transfer;
        }""",
        [[name, kind, base64.b64encode(content).decode()] for name, kind, content in files],
    )
    target = page.get_by_text("Drop PDFs and images here")
    for event in ("dragenter", "dragover", "drop"):
        target.dispatch_event(event, {"dataTransfer": transfer})
