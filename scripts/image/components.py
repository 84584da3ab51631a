"""All that others made and the image holds: Python, npm and Debian packages, models' weights. Standard library only."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.image import debian_packages, npm_packages, python_packages
from scripts.image.debian_packages import DebianPackage
from scripts.image.npm_packages import NpmPackage
from scripts.image.python_packages import PythonPackage
from server import catalog, lock
from server.lock import LockedWeights


@dataclass(frozen=True, slots=True)
class FoundWeights:
    """One entry of the lock; `licence` is the catalogue's, None where the catalogue does not know the weights."""

    name: str
    licence: str | None
    locked: LockedWeights


@dataclass(frozen=True, slots=True)
class Components:
    """Each kind in its own order, which does not depend on how the file system lists its folders."""

    python: Sequence[PythonPackage]
    npm: Sequence[NpmPackage]
    debian: Sequence[DebianPackage]
    weights: Sequence[FoundWeights]


def find(root: Path, code: Path, models: Path) -> Components:
    """What a file system, the folder of the code and the one of the weights hold.

    Raises OSError, ValueError, LockError or CatalogError where one of the records of it cannot be read.
    """
    known = catalog.read_weights(models)
    locks = lock.read(models / lock.FILE_NAME)
    weights = [
        FoundWeights(name, known[name].licence if name in known else None, locks[name]) for name in sorted(locks)
    ]
    return Components(python_packages.find(code), npm_packages.find(code), debian_packages.find(root), weights)


def arguments(program: str, description: str | None) -> argparse.ArgumentParser:
    """The arguments that say where to look."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="root of the image's file system")
    parser.add_argument(
        "--code", type=Path, required=True, metavar="DIR", help="folder with the .venv* and the web page"
    )
    parser.add_argument("--models", type=Path, required=True, metavar="DIR", help="PADDLEX_HOME, with models.lock.json")
    return parser
