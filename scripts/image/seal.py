"""Seal a part of the image: fixed owners, modes and times, and a list of what each file is.

    python -m scripts.image.seal ROOT FOLDER NAME

Layers made from the same files are then the same bytes, whenever and wherever they are built; and whoever holds the image
can tell that nothing in it has changed. A seal is a file in the format of `sha256sum`, with paths from the image's root.
Standard library only: it runs in build stages, where nothing is installed.
"""

import compileall
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

SEALS = Path("opt/seals")
TIME = 315532800  # 1980-01-01, in seconds: the oldest date that every archive format knows


def seal(root: Path, folder: Path, name: str) -> None:
    """Seal all of `folder` (relative) below `root`, a tree that becomes the image's; the seal is called `name`."""
    normalise(root / folder)
    manifest = root / SEALS / f"{name}.sha256"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{sha256(path)}  /{path.relative_to(root)}\n" for path in sorted(files(root / folder))]
    manifest.write_text("".join(lines), "utf-8")
    for path in (manifest, *manifest.relative_to(root).parents, *folder.parents):
        _normalise_one(root / path)


def read(manifest: Path) -> dict[Path, str]:
    """What a seal says: path → SHA-256. Raises OSError, ValueError."""
    lines = manifest.read_text("utf-8").splitlines()
    return {Path(path): digest for digest, path in (line.split("  ", 1) for line in lines)}


def files(folder: Path) -> Iterator[Path]:
    """Every file and every link below a folder."""
    return (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content; of a link, that of where it leads. Raises OSError."""
    if path.is_symlink():
        return hashlib.sha256(str(path.readlink()).encode()).hexdigest()
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compile_modules(root: Path, folder: Path) -> None:
    """Compile what can be compiled in a folder (relative) below `root`: the image is read-only, each start would do it anew.

    What is no valid Python, such as templates, stays as it is. Code is held against its source's hash: times are all one.
    """
    checked = PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(
        root / folder, quiet=2, force=True, workers=0, stripdir=root, prependdir="/", invalidation_mode=checked
    )


def normalise(folder: Path) -> None:
    """Everything in it root's, readable by all, writable by none but root, and of one age."""
    for path in [*folder.rglob("*"), folder]:
        _normalise_one(path)


def _normalise_one(path: Path) -> None:
    os.chown(path, 0, 0, follow_symlinks=False)
    if not path.is_symlink():
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)
    os.utime(path, (TIME, TIME), follow_symlinks=False)


if __name__ == "__main__":
    seal(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
