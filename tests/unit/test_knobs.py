"""What reaches an engine worker of the settings."""

import pytest

from server.knobs import Knobs


def test_a_worker_reads_what_the_server_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    knobs = Knobs(True, "transformers", "vllm", 0.25, {"max_model_len": 4096})
    for name, value in knobs.variables().items():
        monkeypatch.setenv(name, value)
    assert Knobs.read() == knobs


def test_one_started_by_hand_reads_the_settings_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Knobs.read() == Knobs()
    monkeypatch.setenv("ALLOW_CPU", "1")
    monkeypatch.setenv("RECOGNISER", "vllm")
    monkeypatch.setenv("PADDLE_VL_RECOGNISER", "vllm")
    assert Knobs.read() == Knobs(True, "vllm", "vllm")
