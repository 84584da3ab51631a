"""Finish the layer of the server's code, OUT/opt/offline-ocr: `code_layer OUT REVISION`."""

import sys
from pathlib import Path

from scripts.image import seal

_CODE = Path("opt/offline-ocr")


def main(out: str, revision: str) -> None:
    """Write REVISION, compile, seal."""
    (out / _CODE / "REVISION").write_text(revision + "\n", "utf-8")
    seal.compile_modules(Path(out), _CODE / "server")
    seal.seal(Path(out), _CODE, "code")


if __name__ == "__main__":
    main(*sys.argv[1:])
