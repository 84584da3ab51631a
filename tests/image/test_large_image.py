"""The image shaped as for a GPU, with tiny models of four families: proved offline."""

import json
from pathlib import Path

from tests.contract.running import ROOT
from tests.image import tiny
from tests.image.conftest import TOKEN
from tests.image.docker import Docker
from tests.prefetch.hub import Hub

PLUGIN = ROOT / "tests/vllm/plugin"
RUN_ARGS = f"-v {PLUGIN}:/plugin:ro -e OFFLINE_OCR_VLLM_PLUGINS=/plugin -e VLLM_CPU_KVCACHE_SPACE=1"


def test_every_model_reads_in_the_image_what_it_reads_outside(docker: Docker, large: str, known_texts: Path) -> None:
    code, _, report = docker.verify(large, KNOWN=str(known_texts), RUN_ARGS=RUN_ARGS)
    assert (code, report["problems"]) == (0, [])
    assert report["models"].keys() == {*tiny.MODELS, "pp-ocr"}
    for model in tiny.MODELS:
        assert report["models"][model]["text"] == "the text stored for these weights"
    assert report["network"]["kind"] == "a network that swallows packets"
    assert (report["network"]["attempts"], report["writes"]) == (0, [])


def test_no_secret_is_in_it(docker: Docker, large: str, hub: Hub) -> None:
    """It was built with a token that the hub has seen, and no file and no line of its history has."""
    assert any(request.authorization == f"Bearer {TOKEN}" for request in hub.requests)
    assert TOKEN not in docker("history", "--no-trunc", large).stdout
    assert TOKEN not in json.dumps(docker.inspect(large))
    found = docker(
        "run", "--rm", "--user", "0", "--entrypoint", "grep", large, "-rlF", TOKEN, "/opt", "/etc", "/root", check=False
    )
    assert (found.returncode, found.stdout) == (1, "")


def test_vllm_on_a_cpu_needs_no_compiler(docker: Docker, large: str) -> None:
    names = docker("run", "--rm", "--entrypoint", "find", large, "/usr", "-path", "*/bin/*").stdout.splitlines()
    assert "/usr/bin/tini" in names
    assert not [name for name in names if name.rpartition("/")[2] in {"gcc", "cc", "g++", "pip", "uv"}]
