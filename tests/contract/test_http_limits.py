"""What a caller must not be able to use up: memory by headers, the disk by documents; and what a partial result says."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests import makers
from tests.contract import samples
from tests.contract.disks import Disk
from tests.contract.running import Server, assert_problem

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


def test_headers_without_end_are_refused(server: Server) -> None:
    before = server.rss_mb()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n")
        sent = 0
        try:
            while sent < 40_000_000:
                sent += line.send(b"X-Filler: " + b"f" * 8000 + b"\r\n")
            answer = b""
        except OSError:  # it hung up
            answer = b"HTTP/1.1 400"
    assert answer.startswith(b"HTTP/1.1 400")
    assert sent < 10_000_000
    assert server.rss_mb() < before + 10
    assert server.client.get("/health/live").status_code == 200


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 3 MB."""
    with Disk(3) as disk:
        yield disk.folder


def test_a_full_spool_is_said_and_passes(small_disk: Path) -> None:
    with Server(tmp=small_disk, PDF_DPI="72") as server:
        server.ready()
        problem = assert_problem(server.ocr(b"%PDF-" + bytes(8_000_000)), 503, "out_of_space")
        assert problem["retry_after"] >= 1
        assert server.ocr(samples.pdf(1)).status_code == 200
        assert server.spooled() == []


def test_a_full_folder_of_results_does_not_cost_the_result(small_disk: Path, tmp_path: Path) -> None:
    with Server(DATA_DIR=str(small_disk), PDF_DPI="72") as server:
        server.ready()
        (small_disk / "filler").write_bytes(bytes(3 * 1024 * 1024 - 150_000))
        noisy = makers.encode(samples.noise(400, 400), "PNG")  # a figure that makes the zip larger than what is left
        reply = server.ocr(noisy, save="true", formats="zip,html")
        assert reply.status_code == 200
        assert "could not be saved" in reply.json()["local_files"]["error"]
        assert server.client.get("/files").json()["files"] == []


@pytest.mark.parametrize("accept", ["text/plain", "text/html", "text/markdown", "text/csv", "application/json"])
def test_no_form_of_a_result_hides_a_page_that_failed(client: httpx2.Client, accept: str) -> None:
    document = makers.damaged_tiff(["white", "black", "white"], 1)
    reply = client.post("/ocr", files={"file": ("scan.tiff", document)}, headers={"Accept": accept})
    assert (reply.status_code, reply.headers["x-document-status"]) == (200, "partial")
    assert reply.headers["content-type"].startswith(accept)
    if accept != "text/csv":  # which holds the tables only
        assert "could not be" in reply.text


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html;q=0, application/json", "application/json"),
        ("application/json;q=0.5, text/markdown;q=0.9", "text/markdown"),
        ("text/html;q=0.1", "text/html"),
        ("image/png, */*", "application/json"),
        ("text/markdown;q=nonsense", "application/json"),
    ],
)
def test_the_form_that_is_liked_best(client: httpx2.Client, accept: str, kind: str) -> None:
    reply = client.post("/ocr", files={"file": ("x.png", samples.png())}, headers={"Accept": accept})
    assert reply.headers["content-type"].startswith(kind)
    assert reply.headers["x-document-status"] == "success"


def test_an_unloaded_model_is_not_said_to_be_loading(start: Start) -> None:
    server = start(PDF_DPI="72").ready()
    assert server.client.post("/models/pp-ocr/unload").json()["state"] == "idle"
    ready = server.client.get("/health/ready")
    assert (ready.status_code, ready.json()["phase"]) == (503, "idle")
    assert server.health()["status"] == "degraded"
    assert server.ocr(samples.pdf(1)).status_code == 200  # a request loads it again
    assert server.client.get("/health/ready").status_code == 200
