"""The client against a real server, and against what is none: status, exit codes, one line for each thing that is wrong."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.contract import samples
from tests.contract.command import Command
from tests.contract.running import ROOT, Server, held_port, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


@pytest.fixture
def ocr(server: Server) -> Command:
    """The client for the shared server."""
    return Command(server.url)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(samples.png())
    return path


@dataclass(frozen=True)
class Said:
    """A reply of somebody who is not our server."""

    status: int
    body: str = ""
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)


def _problem(status: int, code: str, **headers: str) -> Said:
    problem = {"type": "x", "title": "No", "status": status, "detail": "Not now.", "code": code}
    return Said(status, json.dumps(problem), "application/problem+json", headers)


@contextmanager
def stranger(*replies: Said) -> Iterator[tuple[Command, list[str]]]:
    """The client for a server that gives these replies in turn, the last one for ever, and the paths asked for so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = replies[min(len(asked), len(replies) - 1)]
            asked.append(self.path)
            body = said.body.encode()
            self.send_response(said.status)
            head = {"Content-Type": said.content_type, "Content-Length": str(len(body)), **said.headers}
            for name, value in head.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 http.server's names

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        yield Command(f"http://127.0.0.1:{gateway.server_port}"), asked
        gateway.shutdown()


def _one_line(done: "subprocess.CompletedProcess[str]", code: int, *words: str) -> None:
    assert (done.returncode, done.stdout) == (code, ""), done
    [line] = done.stderr.splitlines()
    for word in words:
        assert word in line, line


def test_models(ocr: Command, server: Server) -> None:
    wait_for(lambda: not server.is_busy(), "the engine has nothing to do")
    done = ocr("models")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].split() == ["model", "state", "engine", "licence", "languages", "reason"]
    assert any(line.startswith("pp-ocr *") and " ready " in line for line in done.stdout.splitlines())
    reply = json.loads(ocr("models", "--json").stdout)
    assert reply["default_model"] == "pp-ocr"


def test_health_of_a_server_that_is_ready(ocr: Command) -> None:
    done = ocr("health")
    assert done.returncode == 0
    assert "healthy" in done.stdout
    assert "model pp-ocr" in done.stdout
    reply = json.loads(ocr("health", "--json").stdout)
    assert (reply["ready"]["status"], reply["health"]["status"]) == ("ready", "healthy")


def test_health_of_a_server_that_is_not_ready(start: Start) -> None:
    server = start(PRELOAD="paddleocr-vl").live()  # its weights are not there
    done = Command(server.url)("health")
    assert done.returncode == 1
    assert "waits for paddleocr-vl" in done.stdout
    assert json.loads(Command(server.url)("health", "--json").stdout)["ready"]["status"] == "not_ready"


def test_a_token_that_is_refused(server: Server) -> None:
    _one_line(Command(server.url, "wrong")("models"), 4, "does not take the token", "OFFLINE_OCR_TOKEN")
    _one_line(Command(server.url, "")("models"), 4, "OFFLINE_OCR_TOKEN is empty")


def test_nobody_there(document: Path, tmp_path: Path) -> None:
    with held_port() as port:
        nobody = Command(f"http://127.0.0.1:{port}")
        for words in (("models",), ("ocr", document), ("compare", document), ("jobs", "show", "job_1", "--follow")):
            _one_line(nobody(*words), 3, "No answer from http://127.0.0.1", "OFFLINE_OCR_URL")
        done = nobody("batch", tmp_path, "--out", tmp_path / "out", "--patience", "1")
    assert done.returncode == 3
    assert done.stdout == "1 documents: 0 read, 0 failed, 0 skipped (read before), 1 left\n"


@pytest.mark.parametrize(
    ("status", "content_type", "body", "word"),
    [
        (502, "text/html", "<h1>Bad Gateway</h1>", "502"),
        (503, "text/html", "<h1>Unavailable</h1>", "503"),
        (404, "text/html", "<h1>Nothing</h1>", "404"),
        (302, "text/html", "", "302"),
        (200, "text/html", "<h1>Please log in</h1>", "no JSON"),
        (200, "application/json", "[]", "not offline-ocr"),
        (200, "application/json", "{}", "not offline-ocr"),
        (500, "application/problem+json", "{}", "500"),
    ],
)
def test_somebody_else_answers(status: int, content_type: str, body: str, word: str) -> None:
    with stranger(Said(status, body, content_type)) as (command, _):
        for words in (("models",), ("jobs",), ("health",)):
            _one_line(command(*words), 3, word)


def test_a_document_sent_to_somebody_else(document: Path) -> None:
    for said, word in (
        (Said(200, "{}", "application/json"), "not offline-ocr"),
        (Said(404), "Is OFFLINE_OCR_URL right?"),
    ):
        with stranger(said) as (command, asked):
            _one_line(command("ocr", document), 3, word)
            assert asked == ["/jobs"]
    with stranger(_problem(404, "not_found")) as (command, asked):
        _one_line(command("ocr", document), 3, "without jobs")


@pytest.mark.parametrize("said", [Said(502), _problem(429, "queue_full", Retry_After="1")])
def test_a_server_that_stays_away_is_waited_for_as_long_as_patience_has_it(
    tmp_path: Path, document: Path, said: Said
) -> None:
    with stranger(said) as (command, asked):
        done = command("batch", document.parent, "--out", tmp_path / "out", "--patience", "4")
        assert done.returncode == 3
        assert len(asked) > 1


def test_somebody_who_waits_for_a_document_waits_for_a_busy_server_too(document: Path) -> None:
    with stranger(_problem(429, "queue_full", Retry_After="1"), Said(404)) as (command, asked):
        _one_line(command("ocr", document), 3, "404")
        assert len(asked) == 2


@pytest.mark.parametrize(
    ("said", "times"), [(_problem(503, "model_unavailable"), 1), (_problem(500, "internal_error"), 4)]
)
def test_what_does_not_pass_is_not_waited_for(document: Path, said: Said, times: int) -> None:
    with stranger(said) as (command, asked):
        _one_line(command("ocr", document), 1, "a.png: No: Not now.")
        assert len(asked) == times


def test_what_a_user_may_get_wrong_with_files(ocr: Command, document: Path, tmp_path: Path) -> None:
    _one_line(ocr("ocr", tmp_path / "none.pdf"), 1, "none.pdf: No such file")
    _one_line(ocr("ocr", tmp_path), 1, "batch")
    _one_line(ocr("compare", tmp_path / "none.pdf"), 1, "none.pdf")
    _one_line(ocr("batch", tmp_path / "none", "--out", tmp_path / "out"), 1, "cannot be listed")
    (tmp_path / "empty").mkdir()
    _one_line(ocr("batch", tmp_path / "empty", "--out", tmp_path / "out"), 1, "no document")
    _one_line(ocr("batch", tmp_path, "--out", document), 1, str(document))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("url", ["localhost:8081", "ftp://host", "http://me:pw@host"])
def test_an_address_that_is_none(url: str) -> None:
    _one_line(Command(url)("models"), 2, "OFFLINE_OCR_URL")


def test_the_launcher_runs_from_any_folder(server: Server, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server/__init__.py").write_text("raise SystemExit('a package of the user that is called as ours')")
    (tmp_path / "offline-ocr").symlink_to(ROOT / "scripts/offline-ocr")
    environment = {"PATH": "/usr/bin:/bin", "OFFLINE_OCR_URL": server.url, "OFFLINE_OCR_TOKEN": "wrong"}
    done = subprocess.run(
        ["./offline-ocr", "models"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
