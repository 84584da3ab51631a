"""No network, no writable home, weights that only may be read: nothing is tried, nothing is missed, nothing is made."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server import stacks
from tests.contract.blackhole import BlackHole
from tests.contract.running import TOKEN, Server
from tests.paddle.documents import encoded, page
from tests.paddle.patience import LOAD_S, PATIENT, loaded, ocr

_CALLER = """
import json, sys, time, urllib.request
url, token, path, limit = sys.argv[1:]
def get(address, data=None):
    request = urllib.request.Request(url + address, data, {"X-API-Key": token, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=float(limit)) as reply:
        return json.load(reply)
for _ in range(10 * int(limit)):
    try:
        if get("/health/ready"):
            break
    except OSError:
        time.sleep(0.1)
print(json.dumps(get("/ocr", open(path, "rb").read())))
"""


def test_not_one_packet_from_start_to_text(hole: BlackHole, weights: Path, tmp_path: Path) -> None:
    document = tmp_path / "request.json"
    options = {"max_new_tokens": 4, "use_doc_orientation_classify": True, "use_doc_unwarping": True}
    image = base64.b64encode(encoded(page("a", ("title",)))).decode()
    document.write_text(json.dumps({"image_base64": image, "model_name": "paddleocr-vl", **options}))
    with Server(prefix=hole.prefix, PADDLEX_HOME=str(weights), PRELOAD="paddleocr-vl", **PATIENT) as server:
        command = [sys.executable, "-c", _CALLER, server.url, TOKEN, str(document), str(LOAD_S)]
        done = hole.run(*command, limit_s=2 * LOAD_S)
        assert done.returncode == 0, done.stderr + server.output()
        assert json.loads(done.stdout)["status"] == "success"
        assert server.stop() == 0
    assert hole.attempts() == 0


def test_the_font_that_paddlex_would_fetch_is_there(weights: Path, tmp_path: Path) -> None:
    assert Path(stacks.variables(weights, tmp_path)["PADDLE_PDX_LOCAL_FONT_FILE_PATH"]).is_file()


@pytest.mark.parametrize("file", ["PaddleOCR-VL/model.safetensors", "PP-DocLayoutV2/inference.pdiparams"])
def test_a_missing_file_is_named_at_once_and_nothing_is_made(
    start: Callable[..., Server], home: Path, file: str
) -> None:
    (home / "official_models" / file).unlink()
    before = sorted(home.rglob("*"))
    server = start(PADDLEX_HOME=str(home), PRELOAD="paddleocr-vl").live()
    ready = server.client.get("/health/ready")
    assert ready.status_code == 503
    assert file in ready.json()["waiting_for"]["paddleocr-vl"]
    [row] = [row for row in server.client.get("/models").json()["models"] if row["name"] == "paddleocr-vl"]
    assert (row["state"], file in row["reason"]) == ("absent", True)
    assert sorted(home.rglob("*")) == before


def test_weights_home_and_root_that_may_only_be_read(home: Path, tmp_path: Path) -> None:
    """All file systems read-only but /tmp, and a home that is not there."""
    for name in ("func_ret", "locks", "temp"):  # what PaddleX made when these weights were last used
        shutil.rmtree(home / name, ignore_errors=True)
    (mounted := tmp_path / "mounted").mkdir()
    script = (
        f"mount --bind {home} {mounted} && mount -o remount,bind,ro {mounted} && mount --rbind /tmp /tmp && "
        'mount -o remount,bind,ro / && ! touch /x 2>/dev/null && exec "$@"'
    )
    prefix = ("unshare", "-m", "sh", "-c", script, "sh")
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    variables = {"PADDLEX_HOME": str(mounted), "PRELOAD": "paddleocr-vl", "HOME": "/nonexistent", **PATIENT}
    with Server(prefix=prefix, **variables) as server:
        reply = ocr(loaded(server), encoded(page("a", ("title",))), model_name="paddleocr-vl", max_new_tokens="4")
        assert reply.json()["status"] == "success"
    assert {path.name for path in home.iterdir()} == {"official_models", "models.lock.json"}
