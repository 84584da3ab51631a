"""The models this server knows, read from `catalog.toml`, and which of them this machine can run.

Standard library only: engine workers import this module.
"""

import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from re import fullmatch
from typing import Any

from server.errors import BadOption, UnknownModel


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """A recognition option of one model: a string that must match `pattern` as a whole."""

    description: str
    default: str
    pattern: str

    def check(self, name: str, value: object) -> str:
        """The value. Raises BadOption when it is not one that the model takes."""
        if not isinstance(value, str) or not fullmatch(self.pattern, value):
            raise BadOption(
                f"{name}: {repr(value)[:80]} will not do. {self.description}; for example {self.default!r}."
            )
        return value


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. `size_mb` is what its weights take on disk, `memory_mb` what it takes when loaded, both about.

    `packages` and `programs` must be installed for it to be served, `install` says how; `revision_of` names the
    package whose version is the revision of weights that came inside it.
    """

    name: str
    engine: str
    title: str
    licence: str
    languages: tuple[str, ...]
    size_mb: int
    memory_mb: int
    token_confidence: bool
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    install: str = "make setup"
    revision_of: str | None = None
    options: Mapping[str, OptionSpec] = field(default_factory=dict)

    def absence(self) -> str | None:
        """Why this machine cannot run the model, or None when it can."""
        missing = [name for name in self.programs if shutil.which(name) is None]
        missing += [name for name in self.packages if util.find_spec(name) is None]
        return f"{', '.join(missing)} not installed ({self.install})" if missing else None

    def revision(self) -> str | None:
        """Which weights these are, as far as it is known without opening them."""
        return f"{self.revision_of} {metadata.version(self.revision_of)}" if self.revision_of else None

    def check_options(self, given: Mapping[str, object]) -> dict[str, str]:
        """All options with defaults filled in. Raises BadOption for one that is unknown or out of range."""
        for name in given:
            if name not in self.options:
                known = ", ".join(sorted(self.options)) or "none of its own"
                raise BadOption(f"{name[:80]}: {self.name} has no such option (it has {known}).")
        return {name: spec.check(name, given.get(name, spec.default)) for name, spec in self.options.items()}


Catalog = Mapping[str, ModelEntry]


def read() -> Catalog:
    """All entries by name, in the file's order."""
    text = Path(__file__).with_name("catalog.toml").read_text("utf-8")
    return {name: _entry(name, table) for name, table in tomllib.loads(text).items()}


def find(catalog: Catalog, name: str) -> ModelEntry:
    """The entry of that name. Raises UnknownModel, naming those that there are."""
    if name not in catalog:
        raise UnknownModel(f"There is no model {name[:80]!r}. The models are: {', '.join(catalog)}.")
    return catalog[name]


def _entry(name: str, table: dict[str, Any]) -> ModelEntry:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    options = {key: OptionSpec(**spec) for key, spec in values.pop("options", {}).items()}
    return ModelEntry(name=name, options=options, **values)
