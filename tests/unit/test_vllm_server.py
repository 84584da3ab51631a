"""When vLLM counts as dead. What it answers is a script."""

import http.client
from pathlib import Path

import pytest

from server.engines.vllm_server import VllmServer


@pytest.mark.parametrize(
    ("outcome", "heard", "dead"),
    [
        (200, False, False),
        (500, True, True),
        (503, True, True),
        (ConnectionRefusedError(), True, True),
        (FileNotFoundError(), True, True),
        (http.client.RemoteDisconnected(), True, True),
        (TimeoutError(), False, True),
        (TimeoutError(), True, False),  # it waits behind others, of which something is heard
        (OSError(24, "Too many open files"), False, False),  # our own trouble
    ],
)
def test_who_does_not_answer_is_dead_unless_there_is_another_reason(
    outcome: int | Exception, heard: bool, dead: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ended: list[str] = []
    monkeypatch.setattr(VllmServer, "_ask", lambda *_: outcome)
    monkeypatch.setattr(VllmServer, "_give_up", lambda _, why: ended.append(why))
    server = VllmServer(tmp_path, "m", {}, None)
    if heard:
        server.heard()
    server.prove_alive()
    assert bool(ended) is dead


def test_plugins_reach_vllm_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "PYTHONPATH" not in VllmServer(tmp_path, "m", {}, None)._variables
    monkeypatch.setenv("OFFLINE_OCR_VLLM_PLUGINS", "/plugins")
    assert VllmServer(tmp_path, "m", {}, None)._variables["PYTHONPATH"] == "/plugins"
