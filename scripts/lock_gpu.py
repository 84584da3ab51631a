"""`make lock-gpu CUDA=cu126`: pin a flavour's packages, with hashes: requirements/paddle-cu126.txt and vllm-cu126.txt.

It needs the indexes that requirements/cuda.toml names for the flavour. Where they cannot be reached it says so and leaves
what was there. Nothing is downloaded but metadata.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.image.flavour import REQUIREMENTS, STACKS, FlavourError, published_indexes, replaced

_NOT_NEEDED = ("torchaudio", "torchcodec", "pynvvideocodec")
"""Sound and video: vLLM asks for them, imports them only to read such, and runs without them in the tests on the CPU."""


def main() -> int:
    """Pin each stack that was asked for; 1 when one could not be."""
    parser = argparse.ArgumentParser(prog="make lock-gpu", description="Pin the packages of a CUDA flavour.")
    parser.add_argument("cuda")
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=STACKS)
    parser.add_argument("--indexes", metavar="URLS", help="in place of the flavour's; separated by blanks; or none")
    given = parser.parse_args()
    if given.cuda == "cpu":
        parser.error("the packages for the CPU are pinned by `make lock`")
    done = [_lock(given.cuda, stack, replaced(given.indexes)) for stack in given.stacks]
    return 0 if all(done) else 1


def _lock(cuda: str, stack: str, indexes: list[str] | None) -> bool:
    """Pin one stack; whether it went well."""
    target = REQUIREMENTS / f"{stack}-{cuda}.txt"
    try:
        urls = published_indexes(cuda, stack) if indexes is None else indexes
        with tempfile.TemporaryDirectory(dir=REQUIREMENTS) as folder:
            pinned = Path(folder) / target.name
            if stack == "vllm":
                shutil.copy(REQUIREMENTS / "vllm.txt", pinned)  # uv keeps these versions where the flavour allows
            subprocess.run(_command(cuda, stack, urls, pinned), cwd=REQUIREMENTS.parent, check=True)
            pinned.replace(target)
    except FlavourError as error:
        sys.stderr.write(f"{error}\n")
        return False
    except subprocess.CalledProcessError:
        sys.stderr.write(f"requirements/{target.name} was not made; it needs {' and '.join(['PyPI', *urls])}.\n")
        return False
    sys.stderr.write(f"requirements/{target.name} is made.\n")
    return True


def _command(cuda: str, stack: str, urls: list[str], pinned: Path) -> list[str]:
    source = "paddle-gpu.in" if stack == "paddle" else f"vllm-{cuda}.in"
    return [
        *(sys.executable, "-m", "uv", "pip", "compile", "-q"),
        *("--python-version", "3.11", "--python-platform", "x86_64-unknown-linux-gnu", "--generate-hashes"),
        *("--no-header", "--no-emit-index-url", "--index-strategy", "unsafe-best-match"),
        *(f"--extra-index-url={url}" for url in urls),
        *(f"--no-emit-package={name}" for name in _NOT_NEEDED),
        *(f"requirements/{source}", "-o", str(pinned)),
    ]


if __name__ == "__main__":
    sys.exit(main())
