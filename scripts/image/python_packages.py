"""The Python packages of the virtual environments, from what installers leave beside them.

The format is PyPA's "Core metadata" and "Recording installed projects": a folder NAME-VERSION.dist-info with METADATA
and RECORD. Standard library only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_SEPARATORS = re.compile("[-_.]+")
_LICENCE = re.compile("licen[cs]e|copying|notice", re.IGNORECASE)
_PLAIN_TEXT = {"", ".txt", ".md", ".rst"}


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """One version of one package, and the names of the environments that hold it.

    `licences` is what its metadata states, in the words it states it in. `texts` are the licence files that came with
    it, by their path below its dist-info folder, or below the environment's packages where they lie elsewhere.
    """

    name: str
    version: str
    licences: tuple[str, ...]
    environments: tuple[str, ...]
    texts: Mapping[str, Path]


def find(code: Path) -> list[PythonPackage]:
    """All packages of all `.venv*` in the folder, by name and version. Raises FileNotFoundError when there are none."""
    found: dict[tuple[str, str], dict[str, metadata.Distribution]] = {}
    for site in sorted(code.glob(".venv*/lib/python*/site-packages")):
        environment = site.relative_to(code).parts[0]
        for distribution in metadata.distributions(path=[str(site)]):
            # One package may spell its name in several ways (PEP 503).
            key = _SEPARATORS.sub("-", distribution.name).lower(), distribution.version
            found.setdefault(key, {})[environment] = distribution
    if not found:
        raise FileNotFoundError(f"there are no Python packages in {code}/.venv*")
    return [_package(found[key]) for key in sorted(found)]


def _package(by_environment: Mapping[str, metadata.Distribution]) -> PythonPackage:
    one = next(iter(by_environment.values()))
    return PythonPackage(one.name, one.version, _licences(one), tuple(by_environment), _texts(one))


def _licences(distribution: metadata.Distribution) -> tuple[str, ...]:
    stated = distribution.metadata
    for field in ("License-Expression", "License"):
        text = (stated.get_all(field) or [""])[0].strip()
        if text and "\n" not in text:  # some put the whole text of the licence into License
            return (text,)
    classifiers = [text for text in stated.get_all("Classifier") or () if text.startswith("License :: ")]
    return tuple(sorted({text.rpartition(" :: ")[2] for text in classifiers}))


def _texts(distribution: metadata.Distribution) -> dict[str, Path]:
    beside, elsewhere = {}, {}
    for path in distribution.files or ():
        located = Path(str(path.locate()))
        if ".." in path.parts or not located.is_file():
            continue
        if path.parts[0].endswith(".dist-info"):
            if "licenses" in path.parts[1:-1] or (len(path.parts) == 2 and _LICENCE.search(path.name)):
                beside["/".join(path.parts[1:])] = located
        elif _LICENCE.search(path.name) and path.suffix in _PLAIN_TEXT:
            elsewhere[path.as_posix()] = located
    return dict(sorted((beside or elsewhere).items()))
