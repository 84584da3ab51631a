"""Eager mode belongs to the thread that first imported Paddle, and is lost with it."""

import os
import subprocess
from pathlib import Path

from tests.contract.running import ROOT
from tests.paddle.conftest import PYTHON
from tests.paddle.documents import page


def test_a_model_loaded_in_a_thread_that_ends_is_of_no_use_and_is_never_loaded_so(
    weights: Path, tmp_path: Path
) -> None:
    """Should the second line ever be missing, PaddlePaddle no longer needs the rule."""
    image = tmp_path / "page.ppm"
    page("words").save(image)
    environment = {**os.environ, "PADDLE_PDX_CACHE_HOME": str(weights)}
    script = ROOT / "tests/paddle/off_main_thread.py"
    done = subprocess.run(
        [PYTHON, "-B", script, weights, image], env=environment, capture_output=True, text=True, check=True
    )
    guarded, unguarded = [line for line in done.stdout.splitlines() if "guarded: " in line]
    assert guarded == "guarded: PaddlePaddle must be imported on the main thread"
    assert "static graph mode" in unguarded
