"""What the processes hold and what the log tells: little memory, no engine library, no secret."""

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests import makers
from tests.contract import samples
from tests.contract.routes import HIDDEN
from tests.contract.running import TOKEN, Server, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]

MB = 1_000_000
HEAVY = (
    "torch",
    "paddle",
    "vllm",
    "onnxruntime",
    "openvino",
    "cv2",
    "opencv",
    "numpy",
    "PIL",
    "pillow",
    "pdfium",
    "shapely",
)


def test_the_http_process_stays_small(server: Server, client: httpx2.Client) -> None:
    assert client.post("/ocr", files={"file": ("x", samples.pdf(3))}).status_code == 200
    big = makers.text_png(samples.WORDS) + bytes(20 * MB)  # bytes after a PNG's end are nobody's concern
    reply = client.post("/ocr", json={"image_base64": base64.b64encode(big).decode()})
    assert (reply.status_code, reply.json()["text"]) == (200, samples.WORDS)
    print(f"RSS of the HTTP process: {server.rss_mb():.1f} MB")
    assert server.rss_mb() < 120
    mapped = Path(f"/proc/{server.pid}/maps").read_text()
    assert "pydantic_core" in mapped  # compiled modules do show up here
    for name in HEAVY:
        assert not re.search(rf"/{name}[^/\n]*(/|\.so)", mapped, re.IGNORECASE), name


def test_no_child_knows_a_token(server: Server) -> None:
    children = [pid for pid in server.processes() if pid != server.pid]
    assert len(children) >= 3
    for pid in children:
        assert TOKEN.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        assert TOKEN.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_no_reply_and_no_log_line_tells_a_token(server: Server, client: httpx2.Client) -> None:
    with server.new_client(token=None) as anyone:
        anyone.get("/models", headers={"X-API-Key": TOKEN})
        anyone.get("/models", headers={"Authorization": "Bearer not-" + TOKEN})
    client.get("/nope", params={"token": TOKEN})
    for path in (
        "/debug/info",
        "/debug/logs",
        "/metrics",
        "/health",
        "/",
        "/models",
        *(route.path for route in HIDDEN),
    ):
        assert TOKEN not in client.get(path).text, path
    assert TOKEN not in server.output()
    assert "**" in client.get("/debug/info").json()["settings"]["api_tokens"]


def test_debug_info_and_logs(server: Server, client: httpx2.Client) -> None:
    info = client.get("/debug/info").json()
    assert set(info) == {"version", "revision", "python", "packages", "settings", "models", "workers"}
    assert info["settings"]["pdf_dpi"] == 72
    assert info["packages"]["fastapi"]
    worker = info["workers"]["pp-ocr"]
    assert worker["pid"] in server.processes()
    assert worker["rss_bytes"] > 50 * MB
    client.get("/files", headers={"X-Request-ID": "find-me"})
    assert any('"find-me"' in line for line in client.get("/debug/logs").json()["lines"])


def test_every_line_of_the_log_is_json(server: Server, client: httpx2.Client) -> None:
    client.post("/ocr", files={"file": ("x", samples.png())}, headers={"X-Request-ID": "logged-1"})
    [line] = wait_for(
        lambda: [line for line in server.log() if (line["event"], line.get("request_id")) == ("request", "logged-1")],
        "the request's line",
    )
    for each in server.log():
        assert {"event", "level", "logger", "timestamp"} <= set(each)
    assert {key: line[key] for key in ("method", "path", "status")} == {"method": "POST", "path": "/ocr", "status": 200}
    model_ready = next(line for line in server.log() if line["event"] == "model ready")
    assert "request_id" not in model_ready


def test_a_path_in_the_log_is_cut(server: Server, client: httpx2.Client) -> None:
    assert client.get("/" + "x" * 30_000, headers={"X-Request-ID": "cut-1"}).status_code == 404
    wait_for(lambda: "cut-1" in server.output(), "the request's line in the log")
    assert max(map(len, server.output().splitlines())) < 5000


def test_metrics(server: Server, client: httpx2.Client) -> None:
    client.post("/ocr", files={"file": ("x", samples.png())})
    wait_for(lambda: not server.is_busy(), "the engine has nothing to do")
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    samples_of = dict(line.rsplit(" ", 1) for line in reply.text.splitlines() if not line.startswith("#"))
    assert float(samples_of['ocr_http_requests_total{method="POST",route="/ocr",status="200"}']) >= 1
    assert float(samples_of['ocr_pages_total{model="pp-ocr",verdict="ok"}']) >= 1
    assert samples_of['ocr_model_state{model="pp-ocr",state="ready"}'] == "1.0"
    assert float(samples_of["ocr_queue_pages"]) == 0
    client.get("/never-seen-before")
    assert "never-seen-before" not in client.get("/metrics").text  # or callers could make metrics without end


def test_a_log_for_people_and_files(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    server = start(PRELOAD="none", LOG_FORMAT="console", LOG_DIR=str(folder), LOG_LEVEL="debug").live()
    server.client.get("/nope", headers={"X-Request-ID": "seen-1"})
    wait_for(lambda: "seen-1" in server.output(), "the request's line in the log")
    assert not server.output().startswith("{")
    [file] = folder.iterdir()
    wait_for(lambda: '"seen-1"' in file.read_text(), "the request's line in the file")
    lines = file.read_text().splitlines()
    assert all(line.startswith("{") for line in lines)
    assert any("/health/live" in line for line in lines)  # probes are logged at this level only
    assert server.stop() == 0
    assert TOKEN not in file.read_text() + server.output()


def test_probes_do_not_fill_the_log(server: Server, client: httpx2.Client) -> None:
    client.get("/health/live", headers={"X-Request-ID": "quiet-1"})
    client.get("/files", headers={"X-Request-ID": "loud-1"})
    wait_for(lambda: "loud-1" in server.output(), "the other call is logged")
    assert "quiet-1" not in server.output()


def test_workers_are_polite(server: Server) -> None:
    """They go first when memory runs out, and leave the processor to the HTTP process."""
    [pid] = server.processes_of("server.worker pp-ocr")
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, server.pid)
