"""PaddleX's own server on the tiny weights, as its documentation starts it: `paddlex --serve --pipeline FILE`."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import httpx2
import reportlab
import yaml

from tests.contract.running import ROOT, free_port, wait_for
from tests.paddle.patience import LOAD_S

PYTHON = ROOT / ".venv-peers/bin/python"
_PIPELINES = ROOT / ".venv-paddle/lib/python3.11/site-packages/paddlex/configs/pipelines"


class PaddleXServer:
    """One model's server; as a context manager it is killed at the end."""

    def __init__(self, model: str, weights: Path) -> None:
        self._weights = weights
        self._folder = tempfile.TemporaryDirectory()
        self._output = Path(self._folder.name) / "output"
        self._config = Path(self._folder.name) / "pipeline.yaml"
        self._config.write_text(yaml.safe_dump(self._pipeline(model)))
        port = free_port()
        self._command = [str(PYTHON), "-B", "-m", "paddlex", "--serve", "--pipeline", str(self._config)]
        self._command += ["--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=LOAD_S, trust_env=False)

    def _pipeline(self, model: str) -> dict[str, Any]:
        """PaddleX's own configuration with the weights named, and all that it can do switched on."""
        name = model.replace("paddleocr-vl", "PaddleOCR-VL")
        config: dict[str, Any] = yaml.safe_load((_PIPELINES / f"{name}.yaml").read_text("utf-8"))
        config["use_doc_preprocessor"] = True
        for part in (config, config["SubPipelines"]["DocPreprocessor"]):
            for module in part["SubModules"].values():
                module["model_dir"] = str(
                    self._weights / "official_models" / module["model_name"].removesuffix("-0.9B")
                )
        return config

    def __enter__(self) -> Self:
        environment = {
            **os.environ,
            "PADDLE_PDX_CACHE_HOME": self._folder.name,
            "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "1",
            "PADDLE_PDX_LOCAL_FONT_FILE_PATH": str(Path(reportlab.__file__).with_name("fonts") / "Vera.ttf"),
        }
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(self._command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        wait_for(self._answers, "PaddleX's server answers", LOAD_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._output.read_text()
        try:
            return self.client.get("/health").status_code == 200
        except httpx2.TransportError:
            return False
