"""The page's chat with models that answer: streamed by vLLM, and by transformers."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.contract.running import Server
from tests.paddle.documents import page, pdf
from tests.web.documents import handed_in
from tests.web.person import Person, chromium

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=30_000)
    with chromium() as started:
        yield started


@pytest.mark.parametrize("way", ["everything", "in_process"])
def test_a_conversation_about_a_page(browser: Browser, request: pytest.FixtureRequest, way: str) -> None:
    server: Server = request.getfixturevalue(way)
    job = handed_in(server, pdf(page("a", ("title",))), model_name="glm-ocr", max_new_tokens="8")
    with Person(browser, server) as someone:
        view = someone.opens(f"#/jobs/{job}/chat").main
        view.get_by_role("combobox", name="Model").select_option("glm-ocr")
        view.get_by_role("spinbutton", name="Most tokens").fill("24")
        question = view.get_by_role("textbox", name="Your question about this page")
        for number, words in enumerate(("What is the total?", "And the date?"), start=1):
            question.fill(words)
            question.press("Enter")
            turns = view.get_by_role("list", name="Conversation").get_by_role("listitem")
            expect(turns).to_have_count(number)
            expect(turns.last).to_contain_text("tokens written", timeout=300_000)
            expect(turns.last).to_contain_text(words)
        assert someone.serious_problems() == []

        view.get_by_role("spinbutton", name="Most tokens").fill("4000")
        question.fill("Tell me everything")
        view.get_by_role("button", name="Send").click()
        view.get_by_role("button", name="Stop").click()
        expect(view.get_by_text("Stopped").first).to_be_visible()
        someone.page.reload()
        expect(question).to_be_visible()
