"""Make the environment of one stack of packages in a build stage, as the tree of a layer: `stack NAME`.

STACKS names those of the large ones that the image is to have; of any other the layer is empty. CUDA is the flavour,
VENDOR_INDEXES stand in for its indexes. It is installed where the image has it, because scripts in it name that place;
then it is moved to /out.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.image import seal
from scripts.image.flavour import pip_arguments, replaced
from scripts.image.trim import trim

_OUT = Path("/out")
_CODE = Path("opt/offline-ocr")
_PIP = "/opt/pip/bin/pip"


def main(stack: str) -> None:
    """Install, trim, compile, seal. Raises FlavourError, CalledProcessError."""
    name = ".venv" if stack == "server" else f".venv-{stack}"
    target = _OUT / _CODE / name
    target.parent.mkdir(parents=True)
    if stack == "server" or stack in os.environ["STACKS"].split():
        folder = "/" / _CODE / name
        _install(stack, folder)
        site = folder / "lib/python3.11/site-packages"
        trim(site, stack)
        seal.compile_modules(Path("/"), site.relative_to("/"))
        shutil.move(folder, target)
        seal.seal(_OUT, _CODE / name, name.removeprefix("."))
    seal.normalise(_OUT)


def _install(stack: str, folder: Path) -> None:
    python = str(folder / "bin/python")
    subprocess.run(["python3.11", "-m", "venv", "--without-pip", str(folder)], check=True)
    install = (_PIP, "--python", python, "install", "--no-compile", "--no-deps", "--require-hashes")
    if stack == "server":
        chosen = ["--requirement=requirements/server.txt"]
    else:
        chosen = pip_arguments(os.environ["CUDA"], stack, replaced(os.environ["VENDOR_INDEXES"] or None))
    subprocess.run([*install, *chosen], check=True)
    if stack == "vllm" and os.environ["CUDA"] == "cpu":
        subprocess.run([python, "scripts/vllm_on_cpu.py"], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
