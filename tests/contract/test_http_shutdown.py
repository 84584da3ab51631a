"""SIGTERM: what is in work is finished, newcomers are sent elsewhere, and nothing is left behind."""

import signal
from collections.abc import Callable

import pytest

from tests.contract import samples
from tests.contract.running import Later, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


def test_what_is_in_work_is_finished(start: Start) -> None:
    server = start(PDF_DPI="72", SHUTDOWN_GRACE_S="100").ready()
    with server.engine_stopped():
        request = Later(lambda: server.ocr(samples.pdf(14), save="true"))
        wait_for(server.is_busy, "a page is in work")
        server.process.send_signal(signal.SIGTERM)

        ready = wait_for(lambda: _if_draining(server), "it drains")
        assert (ready["status"], ready["waiting_for"]) == ("not_ready", {})
        assert server.client.get("/health/live").status_code == 200
        assert server.health()["status"] == "draining"
        assert server.client.get("/models").status_code == 200
        problem = assert_problem(server.ocr(samples.png()), 503, "draining")  # over a new connection: the port is open
        assert problem["retry_after"] >= 1
        assert not request.done  # all this was while it worked

    reply = request.result()
    assert reply.status_code == 200
    assert [page["verdict"] for page in reply.json()["pages"]] == ["ok"] * 14
    assert server.process.wait(60) == 0
    server.assert_nothing_left()
    assert len(list((server.folder / "data").glob("results/*/json/*.json"))) == 1


def _if_draining(server: Server) -> dict[str, object] | None:
    reply = server.client.get("/health/ready")
    if reply.json()["phase"] != "draining":
        return None
    assert reply.status_code == 503
    body: dict[str, object] = reply.json()
    return body


@pytest.mark.parametrize("signals", [1, 2])
def test_what_is_not_finished_in_time_is_told_so(start: Start, signals: int) -> None:
    """Without a grace time, or by a second signal."""
    server = start(SHUTDOWN_GRACE_S="0" if signals == 1 else "3000").ready()
    with server.engine_stopped():
        request = Later(lambda: server.ocr(samples.pdf(60)))
        wait_for(server.is_busy, "a page is in work")
        server.process.send_signal(signal.SIGTERM)
        if signals == 2:
            wait_for(lambda: _if_draining(server), "it drains")
            server.process.send_signal(signal.SIGTERM)
        problem = assert_problem(request.result(), 503, "draining")
        assert problem["retry_after"] >= 1
    assert server.process.wait(60) == 0
    server.assert_nothing_left()


def test_an_idle_server_ends_by_sigint_too(start: Start) -> None:
    server = start(PRELOAD="none").live()
    with server.new_client() as kept_alive:
        kept_alive.get("/health/live")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 0
    server.assert_nothing_left()
