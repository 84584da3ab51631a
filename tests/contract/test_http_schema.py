"""The API's description, held against a running server: what it promises is what is done."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from server import error_shapes
from tests.contract.running import ROOT, TOKEN, Server

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed"),
]

_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
_FLAGS = (
    *("--phases", "coverage,fuzzing,stateful", "--max-examples", "3", "--generation-deterministic"),
    *("--continue-on-failure", "--no-shrink", "--request-timeout", "60"),
)


@pytest.fixture(scope="module")
def described() -> Iterator[Server]:
    """A server of one model, which is loaded at little cost; one that is absent would answer 503, as it should."""
    with Server(PDF_DPI="72", MODELS="tesseract", DEFAULT_MODEL="tesseract", MAX_UPLOAD_MB="1") as running:
        yield running.ready()


@pytest.fixture(scope="module")
def document(described: Server) -> dict[str, Any]:
    """The description."""
    found: dict[str, Any] = described.client.get("/openapi.json").json()
    return found


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_what_it_promises_is_what_is_done(described: Server, document: dict[str, Any], tmp_path: Path) -> None:
    """Thousands of requests, right and wrong ones, chosen by schemathesis; every check that it has, on every operation."""
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{described.url}/openapi.json", *_FLAGS]
    command += ["--header", f"Authorization: Bearer {TOKEN}", "--report-json-path", str(report), "--no-color"]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **{"SCHEMATHESIS_HOOKS": "tests.contract.schema_hooks", "PYTHONPATH": str(ROOT), "NO_PROXY": "*"},
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    print(json.dumps(found["test_cases"]), f"{found['running_time']:.0f} s")
    operations = sum(len(_METHODS & path.keys()) for path in document["paths"].values())
    assert found["operations"] == {
        **{"total": operations, "selected": operations, "tested": operations},
        **{"errored": 0, "skipped": 0, "skip_reasons": []},
    }
    assert (found["complete"], found["failures"], found["errors"]) == (True, [], [])
    assert {name: found["phases"][name]["status"] for name in ("coverage", "fuzzing", "stateful")} == dict.fromkeys(
        ("coverage", "fuzzing", "stateful"), "success"
    )
    assert found["test_cases"]["generated"] >= 2000
    described.client.post("/models/tesseract/load")  # the last request may have unloaded it
    described.ready()
    assert described.worker("tesseract") is not None
    assert 'status="500"' not in described.client.get("/metrics").text


def test_it_is_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_every_operation_names_every_status(document: dict[str, Any], client: httpx2.Client) -> None:
    """`default` would let anything pass."""
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert "default" not in answers, path
            assert "500" in answers
            assert ({"401", "429"} <= answers.keys()) == (not path.startswith("/health")), path
            assert any(status < "300" for status in answers)


def test_every_error_is_described_in_the_words_of_its_address(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        shape = error_shapes.shape_of(path)
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and not (path == "/health/ready" and status == "503"):
                    assert answer == {"$ref": f"#/components/responses/{shape}{status}"}, path
    for shape in ("Problem", "OpenAIError", "PaddleXError"):
        Draft202012Validator.check_schema(document["components"]["schemas"][shape])
