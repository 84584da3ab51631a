"""Models and the service at a glance."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.contract.running import Server
from tests.web.person import Person

pytestmark = pytest.mark.web


def test_a_model_is_unloaded_and_loaded_again(browser: Browser) -> None:
    with (
        Server(MODELS="pp-ocr,tesseract,glm-ocr", PRELOAD="pp-ocr") as server,
        Person(browser, server.ready()) as someone,
    ):
        someone.opens("#/models")
        row = someone.main.get_by_role("row").filter(has_text="tesseract")
        expect(row).to_contain_text("not loaded")
        row.get_by_role("button", name="Load: ").click()
        expect(row).to_contain_text("ready")
        row.get_by_role("button", name="Unload: ").click()
        expect(row).to_contain_text("not loaded")
        someone.main.get_by_text("Not in this image (1)").click()
        expect(someone.main.get_by_text("GLM-OCR 0.9B").first).to_be_visible()


def test_the_service_is_told_of(person: Callable[..., Person]) -> None:
    someone = person().opens("#/models")
    said = someone.server.health()
    expect(someone.main).to_contain_text(said["version"])
    expect(someone.main).to_contain_text("Everything works")
    expect(someone.main.get_by_role("row").filter(has_text="pp-ocr")).to_contain_text("Apache-2.0")
    expect(someone.main.get_by_role("row").filter(has_text="tesseract")).to_contain_text("Russian")
