"""A chat whose engine dies, whose server is full, or whose model is not loaded yet."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.contract.running import Later, Server, frozen, wait_for
from tests.vllm.chatting import ENDLESS, IMAGES, ask, said, streamed, user
from tests.vllm.conftest import LOAD_S, tiny

MODEL = "glm-ocr"
ASKED = user(IMAGES[0], "a")


@pytest.fixture(scope="module")
def server(weights: Path) -> Iterator[Server]:
    """A server of this module's own, which has room for three and loads nothing before it is asked."""
    variables = {"RECOGNISER": "transformers", "PRELOAD": "none", "QUEUE_MAX_PAGES": "3"}
    with Server(**tiny(weights), **variables) as running:
        yield running.live()


def worker(server: Server, other_than: int = 0) -> int:
    def look() -> int | None:
        found = server.worker(MODEL)
        return found["pid"] if found and found["pid"] != other_than else None

    return wait_for(look, "a worker", LOAD_S) or 0


def test_a_chat_has_its_model_loaded(server: Server) -> None:
    assert server.worker(MODEL) is None
    assert said(ask(server, MODEL, ASKED))
    assert worker(server)


def test_a_chat_that_has_been_heard_is_not_begun_again_after_a_crash(server: Server) -> None:
    assert said(ask(server, MODEL, ASKED))
    before = worker(server)
    with streamed(server, MODEL, ASKED, **ENDLESS) as events:
        next(events)
        assert next(events).choices[0].delta.content
        os.kill(before, signal.SIGKILL)
        with pytest.raises(openai.APIError, match=rf"^{MODEL} stopped on a chat: killed by SIGKILL\.$") as raised:
            list(events)
    assert (raised.value.code, raised.value.type) == ("engine_crashed", "server_error")
    assert worker(server, before)
    assert said(ask(server, MODEL, ASKED))


def test_one_that_nobody_has_heard_is_answered_by_the_next_worker(server: Server) -> None:
    expected = said(ask(server, MODEL, ASKED))
    before = worker(server)
    os.kill(before, signal.SIGSTOP)
    asking = Later(lambda: ask(server, MODEL, ASKED))
    wait_for(lambda: server.health()["models"][MODEL] == "busy", "the chat is in work")
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: asking.done, "the answer", LOAD_S)
    assert said(asking.result()) == expected
    assert worker(server, before)


def test_a_full_queue_says_when_to_come_again(server: Server) -> None:
    """The worker stands still meanwhile: nobody's turn is over before the last one has come."""
    assert said(ask(server, MODEL, ASKED))
    pid = worker(server)
    with streamed(server, MODEL, ASKED, **ENDLESS) as events:
        next(events)
        with frozen(pid):
            waiting = [Later(lambda: ask(server, MODEL, ASKED)) for _ in range(2)]
            wait_for(lambda: server.health()["queue_pages"] == 3, "the others wait")
            with pytest.raises(openai.RateLimitError) as raised:
                ask(server, MODEL, ASKED)
    assert raised.value.code == "queue_full"
    assert int(raised.value.response.headers["retry-after"]) >= 1
    wait_for(lambda: all(each.done for each in waiting), "the others are answered", LOAD_S)
    assert said(waiting[0].result()) == said(waiting[1].result())
    wait_for(lambda: server.health()["queue_pages"] == 0, "all places are free")
    wait_for(lambda: not server.spooled(), "the spool is empty")
