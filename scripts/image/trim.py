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
    "openvino/libs/libopenvino_gguf_frontend.so*",
    "openvino/libs/libopenvino_auto*_plugin.so",
    "openvino/libs/libopenvino_hetero_plugin.so",
    "openvino/frontend/jax",
    "openvino/frontend/paddle",
    "openvino/frontend/pytorch",
    "openvino/frontend/tensorflow",
    "openvino/libs/cache.json",
    "openvino/cmake",
    "openvino/include",
)
_UNUSED_BY_SERVER = (
    "**/*.pyi",
    # what NumPy and uvloop bring for those who compile against them
    "numpy/_core/include",
    "numpy/distutils",
    "numpy/f2py",
    "numpy/**/*.a",
    "numpy/**/*.pxd",
    "uvloop/**/*.pxd",
    "uvloop/**/*.pyx",
    "boto3/data",  # of its resources; clients are described in botocore
    # with it clients of MCP check what tools say; the server does not
    "attr",
    "attrs",
    "jsonschema",
    "jsonschema_specifications",
    "referencing",
    "rpds",
    "jwt",  # for MCP clients that sign in
    # cryptography loads _cffi_backend; this is what makes such modules
    "cffi",
    "pycparser",
    # of Google's own services; what OpenTelemetry sends is in opentelemetry/proto
    "google/api",
    "google/cloud",
    "google/gapic",
    "google/logging",
    "google/longrunning",
    "google/rpc",
    "google/type",
)
_S3_ONLY = ("s3", "endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json")
"""Of botocore's descriptions of services."""


def trim(site: Path, stack: str) -> None:
    """Remove it from the packages of a stack's environment, tests of any package included."""
    for pattern in (*_UNUSED, *(_UNUSED_BY_SERVER if stack == "server" else ())):
        for path in list(site.glob(pattern)):
            _remove(path)
    for path in site.glob("botocore/data/*"):
        if path.name not in _S3_ONLY:
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
