"""The models this server knows and their weights, read from `catalog.toml`, and which of them this machine can run.

Standard library only: engine workers import this module.
"""

import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import Any

from server import lock, stacks
from server.errors import UnknownModel
from server.options import OptionSpec, check_all
from server.weights import Weights


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. `size_mb` is what its weights take on disk, `memory_mb` and `gpu_memory_mb` what it takes when loaded.

    `packages` and `programs` must be installed for it to be served, `install` says how; `revision_of` names the
    package whose version is the revision of weights that came inside it. `prompts` are those of the model's card. PDF pages
    are rendered for it at `pdf_dpi` dots per inch.
    """

    name: str
    engine: str
    title: str
    licence: str
    languages: tuple[str, ...]
    size_mb: int
    memory_mb: int
    token_confidence: bool
    gpu_memory_mb: int = 0
    pdf_dpi: int = 200
    weights: tuple[Weights, ...] = ()
    optional_weights: tuple[Weights, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    install: str = "make setup"
    revision_of: str | None = None
    options: Mapping[str, OptionSpec] = field(default_factory=dict)

    def absence(self, paddlex_home: Path, paddle_vl_recogniser: str = "native") -> str | None:
        """Why this machine cannot run the model, or None when it can."""
        if self.engine == "paddle_vl" and paddle_vl_recogniser == "vllm":
            return "PADDLE_VL_RECOGNISER=vllm needs a vLLM server, which this version of the server does not start"
        if self.weights:
            try:
                locks = lock.read(paddlex_home / lock.FILE_NAME)
            except lock.LockError as error:
                return str(error)
            for weights in self.weights:
                if reason := weights.absence(paddlex_home, locks):
                    return f"{reason} (in {paddlex_home})"
        missing = [name for name in self.programs if shutil.which(name) is None]
        missing += stacks.missing(self.engine, self.packages)
        if missing:
            return f"{', '.join(missing)} not installed ({self.install})"
        if util.find_spec(f"server.engines.{self.engine}") is None:
            return f"this version of the server has no engine {self.engine}"
        return None

    def revision(self, paddlex_home: Path) -> str | None:
        """Which weights these are, as far as it is known without opening them."""
        if self.revision_of:
            return f"{self.revision_of} {metadata.version(self.revision_of)}"
        locks = lock.read(paddlex_home / lock.FILE_NAME) if self.weights else {}
        parts = [
            f"{each.name} {locks[each.name].commit if each.name in locks else 'of unknown origin'}"
            for each in self.weights
        ]
        return ", ".join(parts) or None

    def check_options(self, given: Mapping[str, object]) -> dict[str, Any]:
        """All options with defaults filled in. Raises BadOption for one that is unknown or out of range."""
        return check_all(self.options, given, self.name)


Catalog = Mapping[str, ModelEntry]


def read() -> Catalog:
    """All models by name, in the file's order."""
    weights = read_weights()
    tables = _tables()
    shared = tables["options"]
    return {name: _entry(name, table, weights, shared) for name, table in tables["models"].items()}


def read_weights() -> Mapping[str, Weights]:
    """All weights by name, in the file's order."""
    return {name: Weights(name=name, **_values(table)) for name, table in _tables()["weights"].items()}


def find(catalog: Catalog, name: str) -> ModelEntry:
    """The entry of that name. Raises UnknownModel, naming those that there are."""
    if name not in catalog:
        raise UnknownModel(f"There is no model {name[:80]!r}. The models are: {', '.join(catalog)}.")
    return catalog[name]


def _tables() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("catalog.toml").read_text("utf-8"))


def _values(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _entry(
    name: str, table: dict[str, Any], weights: Mapping[str, Weights], shared: Mapping[str, dict[str, Any]]
) -> ModelEntry:
    values = _values(table)
    parts = tuple(weights[each] for each in values.pop("weights", ()))
    extras = tuple(weights[each] for each in values.pop("optional_weights", ()))
    specs = shared.get(values["engine"], {}) | values.pop("options", {})
    options = {key: OptionSpec(**_values(spec)) for key, spec in specs.items()}
    values.setdefault("size_mb", sum(each.size_mb for each in parts))
    return ModelEntry(name=name, options=options, weights=parts, optional_weights=extras, **values)
