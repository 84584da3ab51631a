"""The image for machines without a GPU: small, locked down, whole, and without what has no business in it."""

import json
import re
from pathlib import Path

import pytest

from scripts.verify.known import digest
from tests.contract.running import Later, wait_for
from tests.image.conftest import NAME
from tests.image.docker import Docker

CLIENT = (Path(__file__).parent / "client.py").read_text()
READY_S = "600"
LOCKED_DOWN = ("--network", "none", "--read-only", "--tmpfs", "/tmp", "--user", "12345:0", "--cap-drop", "ALL")
TOKEN = ("-e", "API_TOKENS=token-of-the-image-tests")
MOST_BYTES = 700e6
PACKAGES = "/opt/offline-ocr/web/dist/packages.json"  # of the web page
TO_THE_WORKERS = """
import contextlib, os, pathlib, signal, sys
for process in pathlib.Path("/proc").glob("[0-9]*"):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if b"server.worker" in (process / "cmdline").read_bytes():
            os.kill(int(process.name), getattr(signal, sys.argv[1]))
"""
"""Sends them a signal, from inside."""


def test_it_is_small(docker: Docker, cpu: str) -> None:
    size = docker.inspect(cpu)["Size"]
    print(f"the image cpu has {size / 1e6:.0f} MB")
    assert size < MOST_BYTES


@pytest.mark.parametrize(("caps", "kind"), [(None, "swallows packets"), ("", "packets without a route")])
def test_it_is_proved_offline(docker: Docker, cpu: str, caps: str | None, kind: str) -> None:
    variables = {} if caps is None else {"VERIFY_CAPS": caps}
    code, said, found = docker.verify(cpu, **variables)
    assert (code, found["problems"]) == (0, [])
    assert kind in found["network"]["kind"]
    assert (found["network"]["attempts"], found["writes"]) == (0, [])
    assert found["network"]["deliberate"] >= 3
    assert found["models"].keys() == {"pp-ocr", "tesseract"}
    assert set(found["times"]) == {"live_s", "ready_s", "first_page_s"}
    assert "PASSED" in said


def test_it_runs_locked_down_as_anyone(docker: Docker, cpu: str) -> None:
    with docker.running(cpu, *LOCKED_DOWN, *TOKEN) as container:
        found = json.loads(docker.python(container, CLIENT, READY_S, "pp-ocr", "tesseract"))
        for model in ("pp-ocr", "tesseract"):
            assert found[model]["status"] == 200
            assert "The Keeper's Books" in found[model]["text"]
        assert docker("exec", container, "id", "-u").stdout.strip() == "12345"
        assert docker("diff", container).stdout == ""
        wait_for(lambda: docker.inspect(container)["State"]["Health"]["Status"] == "healthy", "it is healthy", 600)


def test_sigterm_in_the_middle_of_a_page(docker: Docker, cpu: str) -> None:
    """The worker stands still until the signal is there: the page is sure to be in work."""
    with docker.running(cpu, *LOCKED_DOWN, *TOKEN, "-e", "SHUTDOWN_GRACE_S=600") as container:
        docker.python(container, CLIENT, READY_S)
        docker.python(container, TO_THE_WORKERS, "SIGSTOP")
        reading = Later(lambda: docker.python(container, CLIENT, "0", "pp-ocr"))
        state = "import httpx2; print(httpx2.get('http://127.0.0.1:8081/health').json()['models']['pp-ocr'])"
        with_token = state.replace("/health'", "/health', headers={'X-API-Key': 'token-of-the-image-tests'}")
        wait_for(lambda: docker.python(container, with_token).strip() == "busy", "the page is being read", 600)
        docker("kill", "--signal", "TERM", container)
        docker.python(container, TO_THE_WORKERS, "SIGCONT")
        wait_for(lambda: reading.done, "the reply", 600)
        assert json.loads(reading.result())["pp-ocr"]["status"] == 200
        assert docker("wait", container).stdout.strip() == "0"


def test_without_a_decision_about_tokens_it_says_what_to_set(docker: Docker, cpu: str) -> None:
    done = docker("run", "--rm", *LOCKED_DOWN, cpu, check=False)
    assert done.returncode != 0
    assert "AUTH_MODE=platform" in done.stdout + done.stderr


def test_it_says_what_it_is(docker: Docker, cpu: str) -> None:
    config = docker.inspect(cpu)["Config"]
    assert config["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert re.fullmatch("[0-9a-f]{40}(-modified)?", config["Labels"]["org.opencontainers.image.revision"])
    assert config["Labels"]["offline-ocr.models"] == "pp-ocr,tesseract"
    assert config["Entrypoint"][0] == "tini"
    bill = json.loads(docker("run", "--rm", "--entrypoint", "cat", cpu, "/opt/offline-ocr/sbom.cdx.json").stdout)
    assert bill["bomFormat"] == "CycloneDX"
    found = {component["name"] for component in bill["components"]}
    assert {"fastapi", "openvino", "tesseract-ocr", "libc6"} <= found
    assert "pytest" not in found
    packages = json.loads(docker("run", "--rm", "--entrypoint", "cat", cpu, PACKAGES).stdout)
    assert {one["name"] for one in packages} >= {"preact"}
    in_bill = {
        (one["name"], one["version"]) for one in bill["components"] if one.get("purl", "").startswith("pkg:npm/")
    }
    assert in_bill == {(one["name"], one["version"]) for one in packages}
    index = docker("run", "--rm", "--entrypoint", "cat", cpu, "/opt/offline-ocr/licences/README.txt").stdout
    assert "openvino" in index
    assert "/opt/offline-ocr/web/dist/licences.txt" in index


def test_a_patched_library_is_found_and_named(docker: Docker, cpu: str, tmp_path: Path) -> None:
    """It looks a host name up when it is imported."""
    module = "/opt/offline-ocr/.venv/lib/python3.11/site-packages/rapidocr/__init__.py"
    patch = "import socket\ntry:\n    socket.getaddrinfo('telemetry.example.org', 443)\nexcept OSError:\n    pass\n"
    (tmp_path / "patch.py").write_text(patch)
    lines = ("COPY patch.py /tmp/patch.py", f"RUN cat /tmp/patch.py >> {module} && rm /tmp/patch.py")
    patched = docker.derive(cpu, f"{NAME}:patched", tmp_path, *lines)
    code, _, found = docker.verify(patched)
    assert code != 0
    assert any(module in problem for problem in found["problems"])
    assert any("look-up of telemetry.example.org" in problem for problem in found["problems"])
    code, _, found = docker.verify(patched, VERIFY_CAPS="")
    assert code != 0
    assert any("packets were tried" in problem for problem in found["problems"])


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7"])
def test_an_attempt_by_number_is_found_too(docker: Docker, cpu: str, tmp_path: Path, address: str) -> None:
    """Both versions of IP, from the server's own process."""
    (tmp_path / "patch.py").write_text(
        f"import socket\ntry:\n    socket.create_connection(({address!r}, 443), 0.1)\nexcept OSError:\n    pass\n"
    )
    lines = ("COPY patch.py /tmp/patch.py", "RUN cat /tmp/patch.py >> /opt/offline-ocr/server/app.py")
    code, _, found = docker.verify(docker.derive(cpu, f"{NAME}:patched", tmp_path, *lines))
    assert code != 0
    assert found["network"]["attempts"] > 0
    assert found["network"]["seen"][0]["when"] == "at its start"


def test_a_server_that_dies_or_models_that_are_not_there(docker: Docker, cpu: str, tmp_path: Path) -> None:
    """A report in any case, and never a green one."""
    line = "import threading, os; threading.Timer(4, lambda: os._exit(9)).start()"
    dying = docker.derive(cpu, f"{NAME}:patched", tmp_path, f"RUN echo '{line}' >> /opt/offline-ocr/server/app.py")
    code, said, found = docker.verify(dying)
    assert code != 0
    assert "exit code 9" in said
    assert not found["passed"]
    for names in ("", "foo", ","):
        code, said, _ = docker.verify(cpu, RUN_ARGS=f"-e MODELS={names}")
        assert code != 0
        assert "MODELS names no model" in said


def test_other_text_is_no_right_text(docker: Docker, cpu: str, tmp_path: Path) -> None:
    """A model that reads other numbers, and one whose stored text is another."""
    known = tmp_path / "known_texts.json"
    known.write_text(json.dumps({"pp-ocr": {digest([]): {"options": {}, "text": "Delivery note 4072"}}}))
    code, _, found = docker.verify(cpu, KNOWN=str(known))
    assert code != 0
    assert [row["passed"] for row in found["models"].values()] == [False, True]
