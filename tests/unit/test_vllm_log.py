"""vLLM's lines in our log. The lines are vLLM's own."""

import logging

import pytest

from server.engines.vllm_log import LogForwarder

LINES = """\
(APIServer pid=7647) WARNING 11-21 09:50:10 [system_utils.py:255] Found ulimit of 20000
(VllmWorker-0 pid=7707) ERROR 11-21 09:50:31 [multiproc_executor.py:953] Traceback (most recent call last):
(VllmWorker-0 pid=7707) ERROR 11-21 09:50:31 [multiproc_executor.py:953] ValueError: Available memory on node 0 is less

(EngineCore pid=7700) RuntimeError: Engine core initialization failed.
(APIServer pid=7647) INFO:     Waiting for application startup.
INFO 11-21 09:50:35 [api_server.py:1] bye
nanobind: leaked 514 functions!
""".splitlines(keepends=True)


def test_lines_keep_their_level_and_the_first_exception_is_the_cause(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    forwarder = LogForwarder()
    forwarder.forward(LINES)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "Found ulimit of 20000"),
        ("ERROR", "Traceback (most recent call last):"),
        ("ERROR", "ValueError: Available memory on node 0 is less"),
        ("ERROR", "RuntimeError: Engine core initialization failed."),
        ("INFO", "Waiting for application startup."),
        ("INFO", "bye"),
        ("INFO", "nanobind: leaked 514 functions!"),
    ]
    assert forwarder.cause == "ValueError: Available memory on node 0 is less"


def test_what_is_said_while_it_is_told_to_end_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    forwarder = LogForwarder()
    forwarder.closing = True
    forwarder.forward(LINES)
    assert not caplog.records
