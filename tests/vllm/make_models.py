"""Makes tiny models of the real architectures: `.venv-vllm/bin/python -m tests.vllm.make_models PADDLEX_HOME`.

Their folders are the catalogue's, their files and tensors are named as the published ones. hub/Custom is in no
catalogue. vLLM needs plugin/ on its PYTHONPATH for the two DeepSeek models.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from transformers.utils import logging

from tests.vllm.custom import make_custom
from tests.vllm.deepseek import make_deepseek_ocr, make_deepseek_ocr2, make_deepseek_ocr2_transformers
from tests.vllm.glm import make_glm_ocr
from tests.vllm.layout import make_layout

MAKERS: dict[str, Callable[[Path], None]] = {
    "official_models/PP-DocLayoutV3_safetensors": make_layout,
    "hub/GLM-OCR": make_glm_ocr,
    "hub/DeepSeek-OCR": make_deepseek_ocr,
    "hub/DeepSeek-OCR-2": make_deepseek_ocr2,
    "hub/DeepSeek-OCR-2-transformers": make_deepseek_ocr2_transformers,
    "hub/Custom": make_custom,
}


def main() -> None:
    home = Path(sys.argv[1])
    logging.disable_progress_bar()
    for folder, make in MAKERS.items():
        make(home / folder)
    for path in home.rglob("*"):  # some libraries write for their user alone
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
