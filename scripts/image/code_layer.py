"""Finish a layer of the server's code, OUT/opt/offline-ocr: `code_layer OUT NAME`."""

import sys
from pathlib import Path

from scripts.image import seal

_CODE = Path("opt/offline-ocr")


def main(out: str, name: str) -> None:
    """Compile the modules of the server that are there, seal everything under `name`."""
    seal.compile_modules(Path(out), _CODE / "server")
    seal.seal(Path(out), _CODE, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
