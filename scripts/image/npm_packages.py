"""The npm packages in the web page's script and style sheet, from the list that its build leaves (web/build.mjs).

Standard library only.
"""

import json
from dataclasses import dataclass
from pathlib import Path

_PAGE = Path("web/dist")


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """One package; `licence` is what its package.json states, `texts` the file with the licence texts of all of them."""

    name: str
    version: str
    licence: str
    texts: Path


def find(code: Path) -> list[NpmPackage]:
    """All packages of the page in the folder of the code, by name. Raises OSError, or ValueError for a list that is none."""
    listed = code / _PAGE / "packages.json"
    texts = code / _PAGE / "licences.txt"
    try:
        return [
            NpmPackage(str(one["name"]), str(one["version"]), str(one["licence"]), texts)
            for one in json.loads(listed.read_text("utf-8"))
        ]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{listed} is no list of packages: {error!r}") from None
