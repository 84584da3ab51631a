"""Pictures of the page for the documentation: `python -m tests.web.pictures` writes docs/pictures/VIEW-WIDTH-THEME.png."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.contract.running import ROOT, Server
from tests.web.documents import handed_in, report
from tests.web.person import DESK, PHONE, TABLET, Person, chromium, dropped

FOLDER = ROOT / "docs/pictures"
VIEWS = {
    "recognise": "#/",
    "documents": "#/jobs",
    "read": "#/jobs/{job}",
    "compare": "#/jobs/{job}/compare?page=2",
    "chat": "#/jobs/{job}/chat",
    "models": "#/models",
}
COLOURS = 128


def main() -> None:
    """Every view in three widths and both themes."""
    FOLDER.mkdir(exist_ok=True)
    with Server(MODELS="pp-ocr,tesseract,glm-ocr", PRELOAD="pp-ocr,tesseract") as server, chromium() as browser:
        server.ready()
        handed_in(server, report(), "harbour.pdf")
        job = handed_in(server, (ROOT / "demo/document.pdf").read_bytes(), "keepers-books.pdf")
        for size in (PHONE, TABLET, DESK):
            for theme in ("light", "dark"):
                _take(browser, server, job, size, theme)


def _take(browser: Browser, server: Server, job: str, size: tuple[int, int], theme: str) -> None:
    with Person(browser, server, size, color_scheme=theme) as someone:
        someone.opens()
        for view, address in VIEWS.items():
            someone.page.goto(f"{server.url}/{address.format(job=job)}")
            someone.page.wait_for_load_state("networkidle")
            if view == "recognise":
                dropped(someone.page, ("contract.pdf", "application/pdf", report()))
            if view == "compare":
                someone.main.get_by_role("button", name="Compare", exact=True).click()
                someone.main.get_by_role("table").wait_for(timeout=60_000)
            if view in {"read", "chat"}:
                someone.main.get_by_role("img").first.wait_for()
            someone.page.mouse.move(0, 0)
            someone.page.wait_for_timeout(500)
            _keep(someone.page.screenshot(), FOLDER / f"{view}-{size[0]}-{theme}.png")


def _keep(png: bytes, path: Path) -> None:
    """Few colours are enough, and make a small file."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
