"""From the start to readiness: what a platform's probes see, and what a wrong environment is told."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.contract import samples
from tests.contract.running import ROOT, Later, Server, assert_problem, free_port, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


_GATED = """
import asyncio, runpy, sys
from pathlib import Path
from server.child import Worker

begin, gate = Worker.start, Path(sys.argv[1])

async def later(*arguments, **options):
    while not gate.exists():
        await asyncio.sleep(0.02)
    return await begin(*arguments, **options)

Worker.start = later
runpy.run_module("server", run_name="__main__")
"""
"""The server, which loads no model before there is a file."""


def test_alive_before_the_model_is_loaded_then_ready_then_gone(start: Start, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    server = start(command=(sys.executable, "-c", _GATED, str(gate))).live()
    first = server.client.get("/health/ready")
    assert first.status_code == 503
    assert int(first.headers["retry-after"]) >= 1
    body = first.json()
    assert body.pop("elapsed_seconds") >= 0
    assert body == {"status": "not_ready", "phase": "loading", "waiting_for": {"pp-ocr": "loading"}}
    summary = server.health()
    assert (summary["status"], summary["paddleocr"]) == ("loading", "loading")
    assert server.metric("ocr_ready") == 0

    waiting = Later(lambda: server.ocr(samples.png()))  # for the model
    opened = 'ocr_stage_seconds_count{stage="open"} 1.0'
    wait_for(lambda: opened in server.client.get("/metrics").text, "its document is open, and the model is next")
    assert not waiting.done
    gate.touch()
    reply = waiting.result()
    assert (reply.status_code, reply.json()["text"]) == (200, samples.WORDS)

    ready = server.client.get("/health/ready")
    assert ready.status_code == 200
    assert server.metric("ocr_ready") == 1
    assert 'ocr_stage_seconds_count{stage="load"} 1.0' in server.client.get("/metrics").text
    assert ready.json()["elapsed_seconds"] >= body.get("elapsed_seconds", 0)
    assert {**ready.json(), "elapsed_seconds": 0} == {
        "status": "ready",
        "phase": "ready",
        "elapsed_seconds": 0,
        "waiting_for": {},
    }
    assert server.stop() == 0
    server.assert_nothing_left()


def test_sigterm_while_loading_ends_at_once(start: Start, tmp_path: Path) -> None:
    """However long its model, which here asks a program that never answers, would take."""
    _program(tmp_path, "exec sleep 600")
    server = start(PRELOAD="tesseract", PATH=f"{tmp_path}:{os.environ['PATH']}").live()
    wait_for(lambda: server.processes_of("server.worker"), "a worker starts")
    assert server.stop() == 0
    assert not any(line["event"] == "model ready" for line in server.log())
    server.assert_nothing_left()


def test_health_summary(client: httpx2.Client) -> None:
    body = client.get("/health").json()
    assert set(body) == {
        *("status", "version", "revision", "uptime_seconds", "models", "gpu"),
        *("queue_pages", "queue_max_pages", "paddleocr", "s3_storage"),
    }
    assert (body["status"], body["paddleocr"], body["s3_storage"]) == ("healthy", "ready", "disabled")
    assert body["models"]["pp-ocr"] in {"ready", "busy"}
    assert body["gpu"] is None or isinstance(body["gpu"], str)


def test_probes_need_no_token(server: Server) -> None:
    with server.new_client(token=None) as anyone:
        assert anyone.get("/health/live").json() == {"status": "alive"}
        assert anyone.get("/health/ready").status_code == 200
        assert anyone.get("/health").status_code == 200


def test_root_tells_the_true_version(client: httpx2.Client) -> None:
    body = client.get("/").json()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (body["service"], body["version"]) == (project["name"], project["version"])
    for endpoint in body["endpoints"]:
        if "{id}" in endpoint:
            continue  # there is none yet
        method, path = endpoint.replace("{name}", "pp-ocr").replace("/files/{type}/pp-ocr", "/files").split()
        assert client.request("GET" if method == "GET" else "HEAD", path).status_code != 404


@pytest.mark.skipif(not (ROOT / ".git").exists() or (ROOT / "REVISION").exists(), reason="not run from a git checkout")
def test_root_tells_the_revision(client: httpx2.Client) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert client.get("/").json()["revision"] == head.stdout.strip()


def test_nothing_preloaded(start: Start) -> None:
    server = start(PRELOAD="none").live()
    assert server.client.get("/health/ready").json()["phase"] == "ready"
    assert set(server.health()["models"].values()) <= {"idle", "absent"}
    assert server.worker() is None

    assert server.ocr(samples.png()).json()["text"] == samples.WORDS  # loads the model
    assert server.client.get("/models").json()["loaded_models"] == ["pp-ocr"]
    assert server.client.post("/models/pp-ocr/unload").json() == {"name": "pp-ocr", "state": "idle"}
    assert not any("server.worker" in command for command in server.processes().values())
    again = server.client.post("/models/pp-ocr/load")
    assert (again.status_code, again.json()["state"]) == (202, "loading")


def test_a_model_without_its_program(start: Start, tmp_path: Path) -> None:
    server = start(PRELOAD="tesseract", DEFAULT_MODEL="tesseract", PATH=str(tmp_path)).live()
    reply = server.client.get("/health/ready")
    assert (reply.status_code, reply.json()["phase"]) == (503, "failed")
    assert "tesseract not installed" in reply.json()["waiting_for"]["tesseract"]
    assert server.client.get("/health/live").status_code == 200
    summary = server.health()
    assert (summary["status"], summary["models"]["tesseract"]) == ("degraded", "absent")
    assert "tesseract" not in server.client.get("/models").json()["available_models"]
    problem = assert_problem(server.ocr(samples.png()), 503, "model_unavailable")
    assert "not installed" in problem["detail"]
    assert_problem(server.client.post("/models/tesseract/load"), 503, "model_unavailable")


def test_a_model_that_fails_to_load(start: Start, tmp_path: Path) -> None:
    _program(tmp_path, "echo no language data here >&2\nexit 1")
    server = start(PRELOAD="tesseract", PATH=f"{tmp_path}:{os.environ['PATH']}").live()
    reply = wait_for(lambda: _if_failed(server), "loading is given up")
    assert "no language data here" in reply["waiting_for"]["tesseract"]
    assert server.client.get("/health/live").status_code == 200
    assert server.health()["models"]["tesseract"] == "failed"
    problem = assert_problem(server.ocr(samples.png(), model_name="tesseract"), 503, "model_unavailable")
    assert "no language data here" in problem["detail"]


def _program(folder: Path, script: str) -> None:
    """What is taken for Tesseract."""
    program = folder / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def _if_failed(server: Server) -> dict[str, dict[str, str]] | None:
    reply: dict[str, dict[str, str]] = server.client.get("/health/ready").json()
    return reply if reply["phase"] == "failed" else None


BAD = {
    "PORT": "many",
    "HOST": "256.1.1.1",
    "AUTH_MODE": "maybe",
    "API_TOKENS": "se cret",
    "API_TOKENS_FILE": "/nowhere/tokens",
    "RATE_LIMIT_PER_MINUTE": "-1",
    "CORS_ORIGINS": "example.com",
    "DATA_DIR": "/proc/nowhere",
    "MODELS": "pp-ocr,nope",
    "DEFAULT_MODEL": "nope",
    "PRELOAD": "nope",
    "MAX_LOADED_MODELS": "-1",
    "GPU_MEMORY_SHARE": "1.1",
    "MAX_UPLOAD_MB": "0",
    "MAX_PAGES": "0",
    "MAX_PIXELS": "lots",
    "PDF_DPI": "2400",
    "ALLOW_URL_INPUT": "perhaps",
    "QUEUE_MAX_PAGES": "0",
    "PAGE_TIMEOUT_S": "0",
    "SHUTDOWN_GRACE_S": "-1",
    "LOG_LEVEL": "loud",
    "LOG_FORMAT": "xml",
    "LOG_DIR": "/proc/nowhere",
}


def _refusal(**variables: str) -> str:
    """The one line of a server that does not start."""
    environment = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(free_port()), "API_TOKENS": "abc"}
    done = subprocess.run(
        [sys.executable, "-m", "server"],
        cwd=ROOT,
        env={name: value for name, value in (environment | variables).items() if value},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, (variables, done.stdout, done.stderr)
    [line] = done.stderr.splitlines()
    assert line.startswith("offline-ocr: ")
    return line


@pytest.mark.timeout(600)  # some two dozen starts
def test_a_wrong_environment_stops_the_start_with_one_line(tmp_path: Path) -> None:
    data = {"DATA_DIR": str(tmp_path / "data")}
    with ThreadPoolExecutor(4) as threads:
        lines = {name: threads.submit(_refusal, **data | {name: value}) for name, value in BAD.items()}
    for name, line in lines.items():
        assert name in line.result(), name
        assert "se cret" not in line.result()


def test_no_way_to_check_callers(tmp_path: Path) -> None:
    line = _refusal(API_TOKENS="")
    assert "API_TOKENS=" in line
    assert "API_TOKENS_FILE" in line
    assert "AUTH_MODE=platform" in line
    empty = tmp_path / "tokens"
    empty.write_text("# none\n")
    assert "API_TOKENS" in _refusal(API_TOKENS="", API_TOKENS_FILE=str(empty))


def test_port_in_use(server: Server) -> None:
    line = _refusal(PORT=str(server.port))
    assert "PORT" in line
    assert str(server.port) in line
