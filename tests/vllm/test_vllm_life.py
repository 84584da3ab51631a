"""vLLM killed, frozen, left alone and left behind; who waits for it meanwhile gets an answer."""

import os
import signal
from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.contract.running import Later, Server, frozen, wait_for
from tests.paddle.documents import encoded, page
from tests.paddle.patience import LOAD_S, loaded, ocr
from tests.vllm.conftest import tiny
from tests.vllm.groups import group, titled, vllm_metric

MODEL = "deepseek-ocr"
PAGE = encoded(page("a", size=(500, 700)))
API, CORE = "vllm_main serve", "EngineCore"
SHORT = {"model_name": MODEL, "max_new_tokens": "24"}
ENDLESS = {"model_name": MODEL, "max_new_tokens": "600", "repetition_penalty": "0.05"}  # a reward: it never ends


@pytest.fixture(scope="module")
def server(weights: object) -> Iterator[Server]:
    """A server of this module's own, whose vLLM may be done anything to."""
    with Server(**tiny(weights), PRELOAD=MODEL, PAGE_TIMEOUT_S="40") as running:  # type: ignore[arg-type]
        yield loaded(running)


def ask(server: Server, **fields: str) -> httpx2.Response:
    return ocr(server, PAGE, **fields)


def pid_of(server: Server, other_than: int = 0) -> int:
    def look() -> int | None:
        found = server.worker(MODEL)
        return found["pid"] if found and found["pid"] != other_than else None

    return wait_for(look, "another worker", LOAD_S) or 0


def test_a_caller_who_leaves_takes_his_page_out_of_vllm(server: Server) -> None:
    """The core is frozen until he has left: of hundreds of tokens hardly one is generated afterwards."""

    def is_ready() -> bool:
        return bool(server.health()["models"][MODEL] == "ready")

    def over() -> float:
        """Requests of vLLM that are answered, or whose caller has left."""
        return vllm_metric(server, 'http_requests_total{handler="/v1/chat/completions"')

    generated, before = vllm_metric(server, "vllm:generation_tokens_total"), over()
    for patience_s in (2, 8, 20):  # for vLLM to have been asked, however slow the machine
        with frozen(titled(pid_of(server), CORE)):
            with server.new_client(timeout_s=patience_s) as client, pytest.raises(httpx2.TimeoutException):
                client.post("/ocr", files={"file": ("x", PAGE)}, data=ENDLESS)
            wait_for(lambda: server.health()["queue_pages"] == 0, "the server notices")
            wait_for(lambda: over() > before or is_ready(), "and so does vLLM, where it has been asked")
        wait_for(is_ready, "the page is in work no more")
        if over() > before:
            break
    assert over() > before
    wait_for(lambda: vllm_metric(server, "vllm:num_requests_running") == 0, "vLLM has left it")
    assert vllm_metric(server, "vllm:generation_tokens_total") < generated + 200
    assert ask(server, **SHORT).status_code == 200


@pytest.mark.parametrize("victim", [CORE, API, None], ids=["the engine's core", "the API", "frozen"])
def test_a_page_in_work_is_read_by_the_next_one(server: Server, victim: str | None) -> None:
    """The core is frozen, so that the page is sure to be in work when the victim is killed; or nothing more is done."""
    expected = ask(server, **SHORT).json()["markdown"]
    before = pid_of(server)
    os.kill(titled(before, CORE), signal.SIGSTOP)
    reading = Later(lambda: ask(server, **SHORT))
    wait_for(lambda: server.health()["models"][MODEL] == "busy", "the page is in work")
    if victim:
        os.kill(titled(before, victim), signal.SIGKILL)
    wait_for(lambda: not group(before), "nothing is left of the one before", LOAD_S)
    wait_for(lambda: reading.done, "the reply", LOAD_S)
    reply = reading.result()
    assert reply.status_code == 200, reply.text
    assert reply.json()["markdown"] == expected
    assert pid_of(server, before)


def test_one_that_does_nothing_and_answers_nobody_is_found_and_replaced(server: Server) -> None:
    before = pid_of(server)
    os.kill(titled(before, CORE), signal.SIGSTOP)
    assert pid_of(server, before)
    wait_for(lambda: not group(before), "nothing is left of the one before")
    assert "did not answer a request of one token" in server.output()
    assert ask(server, **SHORT).status_code == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_server(serve: Callable[..., Server], how: signal.Signals) -> None:
    server = serve(PRELOAD=MODEL)
    worker = pid_of(server)
    assert len(group(worker)) >= 4  # the worker, vLLM's API, its core, its own worker
    server.process.send_signal(how)
    code = server.process.wait(60)
    assert code == (0 if how is signal.SIGTERM else -signal.SIGKILL)
    wait_for(lambda: not group(worker), "all of it ends")


def test_while_vllm_loads_it_can_be_ended_at_any_time(serve: Callable[..., Server]) -> None:
    server = serve(PRELOAD="none")
    server.client.post(f"/models/{MODEL}/load")
    worker = wait_for(lambda: server.processes_of("server.worker"), "a worker")[0]
    wait_for(lambda: any(CORE in title for title in group(worker).values()), "vLLM's core", LOAD_S)
    assert server.client.post(f"/models/{MODEL}/unload").json()["state"] == "idle"
    wait_for(lambda: not group(worker), "all of it ends")
