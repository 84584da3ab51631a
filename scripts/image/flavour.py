"""What pip is told to install a stack of packages for a CUDA flavour: an argument a line, for `pip install`.

    pip install --no-deps --require-hashes $(python3 scripts/image/flavour.py cu130 vllm)

requirements/cuda.toml says what the flavours are. `--indexes` replaces the flavour's: addresses of a mirror, or `none` where
pip's own configuration has all that is needed. Standard library only: it runs before anything is installed.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
STACKS = ("paddle", "vllm")


class FlavourError(Exception):
    """There is nothing to install; the text says why, and what to do."""


def main() -> int:
    """Print the arguments."""
    parser = argparse.ArgumentParser(description="Print pip's arguments for a stack of packages, one a line.")
    parser.add_argument("cuda", help="a flavour of requirements/cuda.toml, such as cu130")
    parser.add_argument("stack", choices=STACKS)
    parser.add_argument("--indexes", metavar="URLS", help="in place of the flavour's; separated by blanks; or none")
    given = parser.parse_args()
    try:
        lines = pip_arguments(given.cuda, given.stack, replaced(given.indexes))
    except FlavourError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def pip_arguments(
    cuda: str, stack: str, indexes: Sequence[str] | None = None, folder: Path = REQUIREMENTS
) -> list[str]:
    """The files and the indexes; `indexes` in place of the flavour's. Raises FlavourError."""
    published = published_indexes(cuda, stack, folder)
    files = [folder / name for name in _files(cuda, stack)]
    for file in files:
        if not file.is_file():
            raise FlavourError(
                f"requirements/{file.name} is not there: it is made by `make lock-gpu CUDA={cuda} STACKS={stack}`, where "
                f"{' and '.join(published) or 'PyPI'} can be reached."
            )
    urls = published if indexes is None else indexes
    return [f"--requirement={file}" for file in files] + [f"--extra-index-url={url}" for url in urls]


def published_indexes(cuda: str, stack: str, folder: Path = REQUIREMENTS) -> list[str]:
    """Where the flavour's packages are, beside PyPI. Raises FlavourError."""
    flavours = tomllib.loads((folder / "cuda.toml").read_text("utf-8"))
    if cuda not in flavours:
        raise FlavourError(f"CUDA={cuda} is not a flavour of the image; known are {', '.join(sorted(flavours))}.")
    indexes: list[str] = flavours[cuda][stack]["indexes"]
    return indexes


def replaced(option: str | None) -> list[str] | None:
    """What `--indexes` says: None without it."""
    if option is None:
        return None
    return [] if option == "none" else option.split()


def _files(cuda: str, stack: str) -> list[str]:
    """PaddlePaddle comes on top of what all flavours share; vLLM for GPUs has its own versions of almost everything."""
    if stack == "vllm" and cuda != "cpu":
        return [f"vllm-{cuda}.txt"]
    return [f"{stack}.txt", f"{stack}-{cuda}.txt"]


if __name__ == "__main__":
    sys.exit(main())
