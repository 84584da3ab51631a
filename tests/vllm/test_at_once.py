"""What it is good for to ask vLLM for everything at once."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.contract.running import ROOT
from tests.vllm.conftest import PYTHON


def test_64_regions_together_take_less_than_a_quarter_of_the_steps_of_one_by_one(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    command = [str(PYTHON), "-m", "tests.vllm.at_once", str(weights)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["texts"]["together"] == found["texts"]["alone"]
    assert len(set(found["texts"]["alone"])) > 1
    with capsys.disabled():
        print(f" 64 regions, one by one and at once: {found['steps']} steps, {found['seconds']} s ", end="")
    assert 0 < found["steps"]["together"] < found["steps"]["alone"] / 4
