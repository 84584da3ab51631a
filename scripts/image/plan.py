"""What an image of these models is made of: weights, environments, Debian packages. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.image.flavour import STACKS, FlavourError, pip_arguments
from server import catalog, stacks

_CPU = ("pp-ocr", "tesseract")
"""What the target `cpu` holds; `pp-ocr` is in every image, its models come with the server's environment."""

_PACKAGES = {
    "tesseract": ("tesseract-ocr", "tesseract-ocr-eng", "tesseract-ocr-rus"),
    "paddle": ("libgl1", "libglib2.0-0", "libgomp1"),  # OpenCV as PaddleX has it, and PaddlePaddle
    "vllm": ("libgomp1", "libnuma1"),
}
_ON_GPU = {
    "vllm": ("gcc", "libc6-dev", "libpython3.11-dev"),  # Triton compiles the launcher of each kernel when it first runs
}


class PlanError(Exception):
    """No such image can be built; the message says what to name instead."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`served` are the models of the image, its default first; `weights` names from the catalogue."""

    served: tuple[str, ...]
    weights: tuple[str, ...]
    stacks: tuple[str, ...]
    packages: tuple[str, ...]


def plan(target: str, models: Sequence[str], cuda: str, more_stacks: Sequence[str], home: Path) -> Plan:
    """`models` are names of models, or of weights that come on top; `home` may hold a catalogue. Raises PlanError."""
    if target not in {"cpu", "gpu"}:
        raise PlanError(f"TARGET is cpu or gpu, not {target!r}")
    known, weights = catalog.read(home), catalog.read_weights(home)
    if unknown := [name for name in models if name not in known and name not in weights]:
        raise PlanError(f"MODELS names {unknown[0]!r}; there are: {', '.join([*known, *weights])}")
    chosen = [name for name in models if name in known]
    if target == "cpu":
        chosen = chosen or list(_CPU)
        if others := [name for name in models if name not in _CPU]:
            raise PlanError(f"TARGET=cpu holds {' and '.join(_CPU)} only: {others[0]} needs TARGET=gpu")
    elif not chosen:
        raise PlanError(f'TARGET=gpu needs MODELS="…"; there are: {", ".join(known)}')
    engines = [known[name] for name in chosen]
    parts = [part.name for model in engines for part in model.weights] + [name for name in models if name in weights]
    if target == "gpu" and not cuda:
        raise PlanError(
            "TARGET=gpu needs CUDA=cu126|cu129|cu130 (requirements/cuda.toml), or cpu for a machine without one"
        )
    if unknown := [name for name in more_stacks if name not in STACKS or target == "cpu"]:
        raise PlanError(f"STACKS names {unknown[0]!r}; for TARGET=gpu there are: {', '.join(STACKS)}")
    needed = {_stack(model.engine) for model in engines} | set(more_stacks)
    found = [name for name in STACKS if name in needed]
    try:
        for name in found:
            pip_arguments(cuda or "cpu", name)
    except FlavourError as error:
        raise PlanError(str(error)) from None
    packages = [package for part in [*chosen, *found] for package in _packages(part, cuda)]
    return Plan(
        served=_once([*chosen, "pp-ocr"]),
        weights=_once(parts),
        stacks=tuple(found),
        packages=tuple(sorted(set(packages))),
    )


def _stack(engine: str) -> str:
    """The name of an engine's environment: `.venv-paddle` → `paddle`."""
    return stacks.python_of(engine).parents[1].name.removeprefix(".venv").removeprefix("-")


def _packages(part: str, cuda: str) -> tuple[str, ...]:
    return _PACKAGES.get(part, ()) + (_ON_GPU.get(part, ()) if cuda != "cpu" else ())


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
