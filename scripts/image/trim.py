"""What wheels bring that the image does not need. Sizes are in docker/SIZES.md."""

import shutil
from pathlib import Path

_UNUSED = (
    # OpenVINO computes on the CPU here, from ONNX files: no other device, no other format, no kernels of other devices.
    "openvino/libs/libopenvino_intel_gpu_plugin.so",
    "openvino/libs/libopenvino_intel_npu*",
    "openvino/libs/libopenvino_*tensorflow*",
    "openvino/libs/libopenvino_pytorch_frontend.so*",
    "openvino/libs/libopenvino_paddle_frontend.so*",
    "openvino/libs/libopenvino_jax_frontend.so*",
    "openvino/libs/cache.json",
    "openvino/cmake",
    "openvino/include",
)


def trim(site: Path) -> None:
    """Remove it from an environment's packages, tests of any package included."""
    for pattern in _UNUSED:
        for path in site.glob(pattern):
            _remove(path)
    for folder in [*site.rglob("tests"), *site.rglob("test")]:
        if folder.is_dir() and _holds_tests(folder):
            _remove(folder)
    for path in site.rglob("conftest.py"):
        _remove(path)


def _holds_tests(folder: Path) -> bool:
    return bool(list(folder.rglob("test_*.py"))) or (folder / "conftest.py").exists()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
