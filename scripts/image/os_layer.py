"""The operating system's layer: of an installed Debian what the image needs, sealed: `os_layer INSTALLED OUT`, two trees."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.image import seal

_GONE = (
    *("usr/share/man/*", "usr/share/info/*", "usr/share/locale/*", "usr/lib/python3.11/test"),
    *("var/cache/*", "var/log/*", "var/lib/apt/lists/*", "tmp/*", "usr/local/bin/install-packages"),
)


def main(installed: str, out: str) -> None:
    """Copy, remove, compile, seal; setuid bits go with the modes."""
    root = Path(out)
    subprocess.run(["cp", "-a", installed, out], check=True)
    documents = [path for path in root.glob("usr/share/doc/*/*") if path.name != "copyright"]
    for path in [*documents, *(path for pattern in _GONE for path in root.glob(pattern))]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # some packages' folders are links to others'
    seal.compile_modules(root, Path("usr/lib/python3.11"))
    seal.seal(root, Path("usr"), "os")
    for path in [*root.rglob("*"), root]:
        os.utime(path, (seal.TIME, seal.TIME), follow_symlinks=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
