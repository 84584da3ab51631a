"""Tokens drafted ahead by GLM-OCR's own layer: switched on where the weights have it, and never heard in the text."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.contract.running import ROOT, Server, wait_for
from tests.paddle.documents import encoded, page
from tests.paddle.patience import ocr
from tests.vllm.conftest import PYTHON
from tests.vllm.groups import vllm_metric


def test_drafts_are_made_and_the_text_is_the_same(serve: Callable[..., Server], weights: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(weights, tmp_path / "home"))
    (home / "models.lock.json").unlink()
    command = [str(PYTHON), "-m", "tests.vllm.add_draft_layer", str(home / "hub/GLM-OCR")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    server = serve(PADDLEX_HOME=str(home), PRELOAD="glm-ocr")
    plain = serve(PADDLEX_HOME=str(home), PRELOAD="glm-ocr", RECOGNISER="transformers")
    data = encoded(page("a", size=(500, 700)))
    drafted, expected = (
        ocr(each, data, model_name="glm-ocr", max_new_tokens="32").json()["markdown"] for each in (server, plain)
    )
    assert drafted == expected
    wait_for(lambda: vllm_metric(server, "vllm:spec_decode_num_drafts_total") > 0, "drafts are counted")
