"""Gather the licence texts of all that others made in the image, with an index, `README.txt`.

    python -m scripts.image.licences --root / --code /opt/offline-ocr --models /opt/models --to /opt/offline-ocr/licences

Debian's texts stay in /usr/share/doc, and those of the web page beside it, where the index names them. A component
without a text is in the index as such, and counted on stderr: that is no failure. Exit code 0, or 1 with the reason.
It needs the standard library only, and runs from the repository's root.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.image import components
from scripts.image.components import Components, FoundWeights
from server.catalog import CatalogError
from server.lock import LockError

INDEX = "README.txt"
_NO_TEXT = "no text found"
_HEAD = """Licences of what others made in this image
==========================================

For each component: its version, where its texts are, and the licence that it states. A path with / in front is one of
the image, any other is in this folder; one that ends with / is a folder with several texts. What lies in standard/ is
the general text of the stated licence, for weights that came without one of their own.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the index; `place` is None where there is no text."""

    name: str
    version: str
    place: str | None
    licence: str


def main() -> int:
    """Write the folder."""
    parser = components.arguments("scripts.image.licences", __doc__)
    parser.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="folder to make; it must not be there yet"
    )
    given = parser.parse_args()
    try:
        found = components.find(given.root, given.code, given.models)
        rows = gather(found, given.root, given.models, given.to)
    except (OSError, ValueError, LockError, CatalogError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    without = [row.name for row in rows if row.place is None]
    print(f"{len(rows)} components, {len(without)} of them without a licence text", file=sys.stderr)
    return 0


def gather(found: Components, root: Path, models: Path, to: Path) -> list[Row]:
    """Write texts and index into `to`, and say what is in the index. Raises OSError, also when `to` is there already."""
    to.mkdir(parents=True)
    python = [
        Row(one.name, one.version, _copied(one.texts, to, f"python/{one.name}-{one.version}"), ", ".join(one.licences))
        for one in found.python
    ]
    npm = [Row(one.name, one.version, f"/{one.texts.relative_to(root)}", one.licence) for one in found.npm]
    debian = [Row(one.name, one.version, one.copyright, ", ".join(one.licences)) for one in found.debian]
    weights = [
        Row(one.name, one.locked.commit or "", _of_weights(one, root, models, to), one.licence or "")
        for one in found.weights
    ]
    kinds = {"Python packages": python, "npm packages": npm, "Debian packages": debian, "Models' weights": weights}
    tables = [_table(kind, rows) for kind, rows in kinds.items() if rows]
    (to / INDEX).write_text("\n".join([_HEAD, *tables]), "utf-8")
    return [*python, *npm, *debian, *weights]


def _of_weights(weights: FoundWeights, root: Path, models: Path, to: Path) -> str | None:
    folder = models / weights.locked.folder
    if texts := {path.name: path for path in sorted(folder.glob("LICENSE*")) if path.is_file()}:
        return _copied(texts, to, f"weights/{weights.name}")
    standard = {
        "Apache-2.0": root / "usr/share/common-licenses/Apache-2.0",
        "MIT": Path(__file__).with_name("MIT.txt"),
    }
    text = standard.get(weights.licence or "")
    if text is None or not text.is_file():
        return None
    return _copied({f"{weights.licence}.txt": text}, to, "standard")


def _copied(texts: Mapping[str, Path], to: Path, folder: str) -> str | None:
    """Copy texts into a folder in `to`, and say where they are: the one file, or the folder."""
    for name, path in texts.items():
        target = to / folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    if len(texts) == 1:
        return f"{folder}/{next(iter(texts))}"
    return f"{folder}/" if texts else None


def _table(title: str, rows: Sequence[Row]) -> str:
    cells = [("COMPONENT", "VERSION", "TEXT", "LICENCE")]
    cells += [(row.name, row.version or "-", row.place or _NO_TEXT, row.licence or "-") for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(3)] + [0]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    return "\n".join([title, "-" * len(title), "", *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
