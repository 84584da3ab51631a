"""The Debian packages of a file system, from dpkg's own record of them. Standard library only.

`/var/lib/dpkg/status` has a paragraph for each package, of lines `Field: value` (deb-control(5), dpkg(1)); the
`copyright` of a package is free text or Debian's "Machine-readable debian/copyright file", whose first line is `Format`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATUS = "var/lib/dpkg/status"
_FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_LICENCE = re.compile(r"^License:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_NOT_THERE = {"not-installed", "config-files"}
"""States of a package whose files are gone."""


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """One installed package. `copyright` is the path of its licence texts in the image, None where they are not there.

    `licences` are the short names in that file, none where it is free text.
    """

    name: str
    version: str
    architecture: str
    licences: tuple[str, ...]
    copyright: str | None


def find(root: Path) -> list[DebianPackage]:
    """All packages installed below `root`, by name and architecture. Raises OSError, or ValueError for a bad record."""
    paragraphs = (root / STATUS).read_text("utf-8").split("\n\n")
    packages = [_package(root, dict(_FIELD.findall(text))) for text in paragraphs if text.strip()]
    return sorted(
        (package for package in packages if package), key=lambda package: (package.name, package.architecture)
    )


def _package(root: Path, fields: Mapping[str, str]) -> DebianPackage | None:
    try:
        if fields["Status"].split()[-1] in _NOT_THERE:
            return None
        name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
    except KeyError as missing:
        raise ValueError(f"{root / STATUS}: {fields.get('Package', 'a package')} has no {missing.args[0]}") from None
    path = f"usr/share/doc/{name}/copyright"
    if not (root / path).is_file():
        return DebianPackage(name, version, architecture, (), None)
    text = (root / path).read_text("utf-8", errors="replace")
    licences = sorted(set(_LICENCE.findall(text))) if text.startswith("Format") else []
    return DebianPackage(name, version, architecture, tuple(licences), f"/{path}")
