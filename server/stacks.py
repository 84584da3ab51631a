"""Under which interpreter an engine's worker runs, and what its libraries must find in the environment at import.

Each stack of packages has a virtual environment of its own, as in the image: what Paddle pins, vLLM would break.
Standard library only: engine workers import this module.
"""

import os
import sys
from collections.abc import Iterable
from importlib import util
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_VENVS = {"paddle_vl": ".venv-paddle", "vlm": ".venv-vllm"}
"""Engine → folder of its virtual environment; every other engine is installed beside the server."""

VLLM_PLUGINS = "OFFLINE_OCR_VLLM_PLUGINS"
"""A folder of installed vLLM plugins, beside those of its environment. PYTHONPATH itself would reach all the others, too."""
_PASSED_ON = (
    *("PATH", "LANG", "LC_ALL", "TMPDIR", "TESSDATA_PREFIX", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
    *("VLLM_CPU_KVCACHE_SPACE", VLLM_PLUGINS),
)
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_PADDLEX_FOLDERS = ("func_ret", "locks", "temp")
"""What PaddleX makes in its cache folder at import; where it cannot, the import fails (paddlex/utils/cache.py)."""


def python_of(engine: str) -> Path:
    """The interpreter that the engine's worker runs under."""
    venv = _VENVS.get(engine)
    return _ROOT / venv / "bin/python" if venv else Path(sys.executable)


def missing(engine: str, packages: Iterable[str]) -> list[str]:
    """Those of the packages, by import name, that the engine's interpreter could not import."""
    venv = _VENVS.get(engine)
    if venv is None:
        return [name for name in packages if util.find_spec(name) is None]
    return [name for name in packages if not (_site(venv) / name).exists()]


def variables(paddlex_home: Path, scratch: Path) -> dict[str, str]:
    """The whole environment of a worker: no secret of the server's, every library told that there is no network.

    `scratch` is an empty folder that is gone after the worker; it stands in for the home, which may not be writable.
    """
    inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {
        "PADDLEX_HOME": str(paddlex_home),
        "HOME": str(scratch),
        "XDG_CACHE_HOME": str(scratch / "cache"),
        "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        "TRITON_CACHE_DIR": str(scratch / "triton"),
        "CUDA_CACHE_PATH": str(scratch / "cuda"),
    }
    return inherited | _OFFLINE | own | _paddlex(paddlex_home, scratch)


def vllm_is_for_cpu() -> bool:
    """Whether the vLLM here is one for the CPU; vLLM itself tells by the same word (vllm/platforms/__init__.py)."""
    return any(_site(_VENVS["vlm"]).glob("vllm-*+cpu.dist-info"))


def _site(venv: str) -> Path:
    return _ROOT / venv / "lib/python3.11/site-packages"


def _paddlex(paddlex_home: Path, scratch: Path) -> dict[str, str]:
    """PaddleX reads these once, at import (paddlex/utils/cache.py, flags.py)."""
    complete = all((paddlex_home / name).is_dir() for name in _PADDLEX_FOLDERS)
    usable = complete or os.access(paddlex_home, os.W_OK)
    return {
        # The models' folders are given by name, so that any folder that can be written will do.
        "PADDLE_PDX_CACHE_HOME": str(paddlex_home if usable else scratch),
        # any text means yes; without it, PaddleX 3.3 and 3.4 probed four model hubs at import
        "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "1",
        "PADDLE_PDX_DISABLE_DEVICE_FALLBACK": "1",
        "PADDLEOCR_DISABLE_AUTO_LOGGING_CONFIG": "1",
        # or else PaddleX fetches one when it first draws; this one comes with OpenCV
        "PADDLE_PDX_LOCAL_FONT_FILE_PATH": str(_site(".venv-paddle") / "cv2/qt/fonts/DejaVuSans.ttf"),
    }
