"""Nothing leaves the machine, from the start of vLLM to the text."""

import base64
import json
import sys
from pathlib import Path

import pytest

from tests.contract.blackhole import BlackHole
from tests.contract.running import TOKEN, Server
from tests.paddle.documents import encoded, page
from tests.vllm.conftest import LOAD_S, tiny

_CLIENT = """
import json, sys, time, urllib.error, urllib.request
base, token, path, limit = sys.argv[1:]
def get(route, data=None):
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(base + route, data, headers), timeout=float(limit)) as reply:
        return json.load(reply)
for _ in range(10 * int(limit)):
    try:
        get("/health/ready")
        break
    except (OSError, urllib.error.HTTPError):
        time.sleep(0.1)
print(json.dumps([get("/ocr", json.dumps(asked).encode()) for asked in json.load(open(path))]))
"""


@pytest.mark.parametrize(
    ("recogniser", "models"), [("vllm", ("glm-ocr", "deepseek-ocr2")), ("transformers", ("glm-ocr", "deepseek-ocr2"))]
)
def test_not_one_packet_from_start_to_text(
    hole: BlackHole, weights: Path, tmp_path: Path, recogniser: str, models: tuple[str, ...]
) -> None:
    image = base64.b64encode(encoded(page("a", ("title", "table")))).decode()
    asked = [{"model_name": model, "image_base64": image, "max_new_tokens": 16} for model in models]
    (path := tmp_path / "requests.json").write_text(json.dumps(asked))
    variables = {**tiny(weights), "RECOGNISER": recogniser, "PRELOAD": ",".join(models)}
    with Server(prefix=hole.prefix, **variables) as server:
        done = hole.run(sys.executable, "-c", _CLIENT, server.url, TOKEN, str(path), str(LOAD_S), limit_s=2 * LOAD_S)
        assert done.returncode == 0, done.stderr + server.output()
        replies = json.loads(done.stdout)
    assert [reply["model"] for reply in replies] == list(models)
    assert all(reply["text"].strip() for reply in replies)
    assert hole.attempts() == 0
