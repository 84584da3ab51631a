"""Whether this machine's GPU is one that the installed PaddlePaddle was built for, in words an operator can act on.

A wheel holds machine code for some compute capabilities only, and a driver runs toolkits up to some version only. What
does not fit fails late and obscurely, or runs on the CPU a hundred times slower: said before anything is loaded.
"""

import ast
import logging
from collections.abc import Collection
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from server.engines.base import CannotLoadError

_LEAST_DRIVER = {11: (450, 80), 12: (525, 60), 13: (580, 65)}
"""CUDA major version → oldest driver for all of its minor versions (NVIDIA, CUDA release notes, table "CUDA Toolkit and
Minimum Required Driver Version for CUDA Minor Version Compatibility")."""

log = logging.getLogger("server.engines.gpu_fit")


class UnfitError(CannotLoadError):
    """The GPU cannot be used with what is installed."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """What PaddlePaddle was built for: CUDA version, None for a CPU wheel; compute capabilities, such as (8, 0)."""

    version: str
    cuda: tuple[int, int] | None = None
    capabilities: Collection[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as its driver states it; `driver` is the first two parts of the driver's version."""

    name: str
    capability: tuple[int, int]
    driver: tuple[int, int]


def device(allow_cpu: bool) -> str:
    """The device to use on this machine, as Paddle names it. Raises UnfitError."""
    return choose(installed_wheel(), first_gpu(), allow_cpu)


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
        built = f"PaddlePaddle {wheel.version} here is built for the CPU only"
        return f"{built}, but this machine has an {gpu.name}: use the image for GPUs."
    built = f"PaddlePaddle {wheel.version} here is built for CUDA {_dotted(wheel.cuda)}"
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


def installed_wheel() -> Wheel:
    """What the installed PaddlePaddle says of itself, read without importing it. Raises UnfitError without one."""
    found = util.find_spec("paddle")
    if found is None or found.origin is None:
        raise UnfitError("PaddlePaddle is not installed: make setup-paddle.")
    tree = ast.parse(Path(found.origin).with_name("version").joinpath("__init__.py").read_text("utf-8"))
    stated = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_literal(node.value)
    }
    return parse_wheel(stated["full_version"], stated["cuda_version"], stated.get("compiled_cuda_archs", []))


def parse_wheel(version: str, cuda: str, archs: Collection[int | str]) -> Wheel:
    """From the values in paddle/version: CUDA `"12.6"`, or `"False"` for none; architectures such as 80 or `"90a"`."""
    if cuda in {"False", "None", ""}:
        return Wheel(version)
    numbers = [int("".join(filter(str.isdigit, str(arch)))) for arch in archs]
    return Wheel(version, _two(cuda), [divmod(number, 10) for number in numbers])


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


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant | ast.List)


def _two(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
