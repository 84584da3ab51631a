"""The log: one shape for every line, whoever wrote it; no secret in it; on disk three files of 3 MB at most."""

import json
import logging
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import pytest
import structlog

from server import telemetry
from server.settings import SettingsError
from server.telemetry import RecentLines
from tests.unit.fakes import settings_of

LIBRARIES = ("uvicorn", "uvicorn.access", "uvicorn.error", "httpx2", "some.package")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, level = before
    root.setLevel(level)
    for name, each in levels.items():
        logging.getLogger(name).setLevel(each)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def set_up(**environment: str) -> RecentLines:
    """The log of a server with these settings."""
    return telemetry.set_up(settings_of({"AUTH_MODE": "platform", **environment}))


def logger(name: str) -> Any:
    """A logger as the server's modules have it."""
    return structlog.get_logger(name)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was written to stdout, and nothing to stderr."""
    out, err = capsys.readouterr()
    assert err == ""
    return [json.loads(line) for line in out.splitlines()]


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    structlog.contextvars.bind_contextvars(request_id="req_1")
    logger("server.a").info("страница\nготова", pages=3)

    [line] = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "страница\nготова",
        "level": "info",
        "logger": "server.a",
        "pages": 3,
        "request_id": "req_1",
    }


def test_text_is_written_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    logger("server.b").info("ёж")

    assert '"ёж"' in capsys.readouterr().out


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "some.package"])
def test_lines_of_libraries_go_the_same_way(capsys: pytest.CaptureFixture[str], name: str) -> None:
    recent = set_up()
    logging.getLogger(name).warning("took %d s", 5, extra={"model": "pp-ocr"})

    [line] = lines(capsys)
    assert line.pop("timestamp")
    assert line == {"event": "took 5 s", "level": "warning", "logger": name, "model": "pp-ocr"}
    assert [json.loads(kept)["event"] for kept in recent.lines] == ["took 5 s"]


def test_the_chatter_of_libraries_about_requests_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    logging.getLogger("uvicorn.access").error("GET /")
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("httpx2").info("GET https://example.com/?signature=secret")

    assert lines(capsys) == []


def test_a_handler_that_uvicorn_brought_is_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.handlers, uvicorn.propagate = [logging.StreamHandler()], False
    set_up()
    uvicorn.error("once")

    assert [line["event"] for line in lines(capsys)] == ["once"]


def test_an_exception_is_one_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    try:
        raise ZeroDivisionError("ours")
    except ZeroDivisionError:
        logger("server.c").exception("unexpected error")
        logging.getLogger("some.package").exception("theirs")

    ours, theirs = lines(capsys)
    for line in (ours, theirs):
        assert line["level"] == "error"
        assert line["exception"].startswith("Traceback")
        assert line["exception"].endswith("ZeroDivisionError: ours")


@pytest.mark.parametrize("key", ["authorization", "Authorization", "token", "api_key", "X_API_KEY", "password"])
def test_what_is_named_as_a_secret_is_not_written(capsys: pytest.CaptureFixture[str], key: str) -> None:
    recent = set_up()
    logger("server.d").info("hello", **{key: "s3cret"}, pages=1)
    logging.getLogger("some.package").warning("hello", extra={key: "s3cret"})

    for line in lines(capsys):
        assert line[key] == "[redacted]"
    assert "s3cret" not in "".join(recent.lines)
    assert len(recent.lines) == 2


@pytest.mark.parametrize(("level", "written"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_only_lines_of_the_level_are_written(capsys: pytest.CaptureFixture[str], level: str, written: int) -> None:
    set_up(LOG_LEVEL=level)
    for name in ("debug", "info", "warning", "error"):
        getattr(logger("server.e." + level), name)(name)
        getattr(logging.getLogger("some.package"), name)(name)

    assert len(lines(capsys)) == 2 * written


def test_for_a_person_lines_are_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    recent = set_up(LOG_FORMAT="console")
    logger("server.f").info("page done", pages=3)

    out = capsys.readouterr().out
    assert "page done" in out
    assert not out.startswith("{")
    assert json.loads(recent.lines[0])["pages"] == 3  # what /debug/logs shows stays JSON


def test_the_newest_lines_are_kept_and_no_more() -> None:
    recent = set_up()
    log = logger("server.g")
    for number in range(1005):
        log.info("line", number=number)

    assert [json.loads(line)["number"] for line in recent.lines] == list(range(5, 1005))


# --- files


def _file_handler() -> RotatingFileHandler:
    [handler] = [handler for handler in logging.getLogger().handlers if isinstance(handler, RotatingFileHandler)]
    return handler


def test_without_a_folder_there_is_no_file() -> None:
    set_up()

    assert not any(isinstance(handler, logging.FileHandler) for handler in logging.getLogger().handlers)


def test_files_are_three_of_3_mb(tmp_path: Path) -> None:
    set_up(LOG_DIR=str(tmp_path / "logs"))

    handler = _file_handler()
    assert (handler.maxBytes, handler.backupCount + 1) == (3_000_000, 3)


def test_files_take_turns_and_the_oldest_goes(tmp_path: Path) -> None:
    set_up(LOG_DIR=str(tmp_path))
    _file_handler().maxBytes = 1000
    for number in range(100):
        logger("server.h").info("x" * 50, number=number)

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["offline-ocr.log", "offline-ocr.log.1", "offline-ocr.log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    newest = (tmp_path / "offline-ocr.log").read_text("utf-8").splitlines()[-1]
    assert json.loads(newest)["number"] == 99


def test_the_file_has_the_same_lines_as_the_console(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    set_up(LOG_DIR=str(tmp_path))
    logger("server.i").info("ёж")
    logging.getLogger("uvicorn.error").error("их", extra={"token": "s3cret"})

    on_disk = [json.loads(line) for line in (tmp_path / "offline-ocr.log").read_text("utf-8").splitlines()]
    shown = lines(capsys)
    assert [line["event"] for line in shown] == ["ёж", "их"]
    assert [line | {"timestamp": ""} for line in on_disk] == [line | {"timestamp": ""} for line in shown]


@pytest.mark.parametrize("name", ["file", "file/logs"])
def test_a_folder_that_cannot_be_had_stops_the_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(SettingsError, match=rf"^LOG_DIR: {tmp_path / name} cannot be written \([^\n]+\)$"):
        set_up(LOG_DIR=str(tmp_path / name))
