"""`PADDLE_VL_RECOGNISER=vllm`: PaddleX's pipeline with a vLLM server of its own as its recogniser."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.contract.running import Later, Server, wait_for
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.patience import LOAD_S, PATIENT, loaded, ocr
from tests.vllm.chatting import IMAGES, ask, client, said, streamed, user
from tests.vllm.groups import group, titled

pytestmark = pytest.mark.vllm

MODEL = "paddleocr-vl"
PAGES = [page("a"), page("b", ("title", "table", "in_table")), page("c", ("in_table",)), page("d", ("left", "right"))]
SHORT = {"model_name": MODEL, "max_new_tokens": "12"}


@pytest.fixture(scope="module")
def served(weights: Path) -> Iterator[Server]:
    """A server whose regions are read by vLLM."""
    variables = {"PADDLE_VL_RECOGNISER": "vllm", "VLLM_CPU_KVCACHE_SPACE": "1", **PATIENT}
    with Server(PADDLEX_HOME=str(weights), PRELOAD=MODEL, **variables) as server:
        yield loaded(server)


def read(server: Server, data: bytes, **options: str) -> dict[str, Any]:
    reply = ocr(server, data, **{**SHORT, **options})
    assert reply.status_code == 200, reply.text
    result: dict[str, Any] = reply.json()
    return result


def test_the_regions_are_those_that_paddlepaddle_itself_reads(served: Server, server: Server) -> None:
    """Not their text: PaddleX sends JPEG to its server, and these weights hear every grain of it."""
    ours = [read(served, encoded(each)) for each in PAGES]
    native = [read(server, encoded(each)) for each in PAGES]
    for one, other in zip(ours, native, strict=True):
        assert [block["type"] for block in one["blocks"]] == [block["type"] for block in other["blocks"]]
        assert [block["bbox"] for block in one["blocks"]] == [block["bbox"] for block in other["blocks"]]
        assert [bool(block["content"]) for block in one["blocks"]] == [
            bool(block["content"]) for block in other["blocks"]
        ]


def test_many_pages_together_come_out_as_one_by_one(served: Server) -> None:
    """A figure inside a table hides none at the same place on another page, too."""
    alone = [read(served, encoded(each)) for each in PAGES]
    with ThreadPoolExecutor(8) as callers:
        together = list(callers.map(lambda number: read(served, encoded(PAGES[number % 4])), range(16)))
    assert [each["markdown"] for each in together] == [each["markdown"] for each in alone] * 4
    document = read(served, pdf(*PAGES))
    assert (document["status"], document["processed_pages"]) == ("success", 4)


def test_what_is_idle_natively_has_its_effect_here(served: Server) -> None:
    data = encoded(page("a", ("title", "left")))
    plain, warm = read(served, data), read(served, data, temperature="1.9", repetition_penalty="1.3")
    assert warm["text"] != plain["text"]
    assert "warnings" not in warm
    assert read(served, data, max_new_tokens="3")["verdict"] == "truncated"


def test_chats_are_answered_by_vllm_beside_the_pages(served: Server) -> None:
    with client(served) as openai:
        assert MODEL in {each.id for each in openai.models.list()}
    asked = user(IMAGES[0], "OCR:")
    whole = ask(served, MODEL, asked, logprobs=True, top_logprobs=1)
    assert said(ask(served, MODEL, user(IMAGES[0]))) == said(whole) != said(ask(served, MODEL, user(IMAGES[1])))
    with streamed(served, MODEL, asked) as events:
        assert "".join(event.choices[0].delta.content or "" for event in events) == said(whole)
    page_alone = read(served, encoded(PAGES[0]))["markdown"]
    with ThreadPoolExecutor(4) as callers:
        pages = [callers.submit(read, served, encoded(PAGES[0])) for _ in range(2)]
        chats = [callers.submit(ask, served, MODEL, asked) for _ in range(2)]
        assert [each.result()["markdown"] for each in pages] == [page_alone] * 2
        assert [said(each.result()) for each in chats] == [said(whole)] * 2


def test_a_page_in_work_survives_the_end_of_vllm(served: Server) -> None:
    data = encoded(PAGES[0])
    expected = read(served, data)["markdown"]
    before = wait_for(lambda: served.worker(MODEL), "a worker")["pid"]
    os.kill(titled(before, "EngineCore"), signal.SIGSTOP)
    reading = Later(lambda: read(served, data))
    wait_for(lambda: served.health()["models"][MODEL] == "busy", "the page is in work")
    os.kill(titled(before, "EngineCore"), signal.SIGKILL)
    wait_for(lambda: not group(before), "nothing is left of the one before", LOAD_S)
    wait_for(lambda: reading.done, "the reply", LOAD_S)
    assert reading.result()["markdown"] == expected
