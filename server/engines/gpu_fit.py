"""Whether this machine's GPU is one that the installed packages were built for, in words an operator can act on.

A wheel holds machine code for some compute capabilities only, and a driver runs toolkits up to some version only. What
does not fit fails late and obscurely, or runs on the CPU a hundred times slower: said before anything is loaded.
"""

import ast
import logging
from collections.abc import Collection
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

from server.engines.base import CannotLoadError

_LEAST_DRIVER = {11: (450, 80), 12: (525, 60), 13: (580, 65)}
"""CUDA major version → oldest driver for all of its minor versions (NVIDIA, CUDA release notes, table "CUDA Toolkit and
Minimum Required Driver Version for CUDA Minor Version Compatibility")."""

log = logging.getLogger("server.engines.gpu_fit")


class UnfitError(CannotLoadError):
    """The GPU cannot be used with what is installed."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """What a library was built for: CUDA version, None for a CPU wheel; compute capabilities, such as (8, 0)."""

    library: str
    version: str
    cuda: tuple[int, int] | None = None
    capabilities: Collection[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as its driver states it; `driver` is the first two parts of the driver's version."""

    name: str
    capability: tuple[int, int]
    driver: tuple[int, int]


def device(allow_cpu: bool, wheel: Wheel) -> str:
    """The device to use on this machine, as Paddle names it. Raises UnfitError."""
    return choose(wheel, first_gpu(), allow_cpu)


def choose(wheel: Wheel, gpu: Gpu | None, allow_cpu: bool) -> str:
    """`gpu:0` or `cpu`. A CPU wheel on a machine without a GPU is no mismatch. Raises UnfitError unless `allow_cpu`."""
    reason = mismatch(wheel, gpu)
    if reason is None:
        return "gpu:0" if gpu else "cpu"
    if allow_cpu:
        log.warning("running on the CPU: %s", reason)
        return "cpu"
    raise UnfitError(f"{reason} Or set ALLOW_CPU=1 to run on the CPU, far slower.")


def mismatch(wheel: Wheel, gpu: Gpu | None) -> str | None:
    """Why the GPU cannot be used, and what to do; None when everything fits."""
    if wheel.cuda is None:
        if gpu is None:
            return None
        built = f"{wheel.library} {wheel.version} here is built for the CPU only"
        return f"{built}, but this machine has an {gpu.name}: use the image for GPUs."
    built = f"{wheel.library} {wheel.version} here is built for CUDA {_dotted(wheel.cuda)}"
    if gpu is None:
        return f"{built}, but no NVIDIA GPU is visible: give the container a GPU."
    if not any(major == gpu.capability[0] and minor <= gpu.capability[1] for major, minor in wheel.capabilities):
        known = ", ".join(map(_dotted, sorted(wheel.capabilities)))
        return (
            f"{built} and for GPUs of compute capability {known}, but the {gpu.name} has {_dotted(gpu.capability)}: "
            "use an image whose CUDA flavour knows this GPU."
        )
    least = _LEAST_DRIVER.get(wheel.cuda[0])
    if least and gpu.driver < least:
        return (
            f"{built}, which needs driver {_dotted(least)} or newer, but the {gpu.name} has driver "
            f"{_dotted(gpu.driver)}: use an image with an older CUDA flavour, or update the driver."
        )
    return None


def installed_paddle() -> Wheel:
    """What the installed PaddlePaddle says of itself, read without importing it. Raises UnfitError without one."""
    stated = _stated("paddle", "version/__init__.py")
    if not stated:
        raise UnfitError("PaddlePaddle is not installed: make setup-paddle.")
    archs = stated.get("compiled_cuda_archs", [])
    return parse_wheel("PaddlePaddle", stated["full_version"], stated["cuda_version"], archs)


def installed_torch() -> Wheel:
    """What the installed PyTorch says of itself; only one for CUDA is imported. Raises UnfitError without one."""
    stated = _stated("torch", "version.py")
    if not stated:
        raise UnfitError("PyTorch is not installed: make setup-vllm.")
    archs = []
    if stated["cuda"] is not None:
        import torch  # noqa: PLC0415 seconds

        archs = [arch for arch in torch.cuda.get_arch_list() if arch.startswith("sm_")]
    return parse_wheel("PyTorch", stated["__version__"], stated["cuda"], archs)


def parse_wheel(library: str, version: str, cuda: str | None, archs: Collection[int | str]) -> Wheel:
    """From what the wheel states: CUDA `"12.6"`, or `"False"` or None; architectures such as 80, `"90a"`, `"sm_90"`."""
    if cuda in {"False", "None", "", None}:
        return Wheel(library, version)
    numbers = [int("".join(filter(str.isdigit, str(arch)))) for arch in archs]
    return Wheel(library, version, _two(str(cuda)), [divmod(number, 10) for number in numbers])


def first_gpu() -> Gpu | None:
    """The first NVIDIA GPU; None without one, or without a driver that answers."""
    import pynvml  # noqa: PLC0415 of the engine's environment

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        if pynvml.nvmlDeviceGetCount() == 0:
            return None
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        capability = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
        return Gpu(pynvml.nvmlDeviceGetName(handle), tuple(capability), _two(pynvml.nvmlSystemGetDriverVersion()))
    finally:
        pynvml.nvmlShutdown()


def _stated(package: str, module: str) -> dict[str, Any]:
    """The literals that a package's version module assigns; empty without the package."""
    found = util.find_spec(package)
    if found is None or found.origin is None:
        return {}
    tree = ast.parse(Path(found.origin).parent.joinpath(module).read_text("utf-8"))
    stated = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target: ast.expr = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        else:
            continue
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Constant | ast.List):
            stated[target.id] = ast.literal_eval(node.value)
    return stated


def _two(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
