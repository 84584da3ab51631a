"""The models this server knows and their weights, read from `catalog.toml`, and which of them this machine can run.

A second `catalog.toml`, in PADDLEX_HOME beside the weights, adds further ones.

Standard library only: engine workers import this module.
"""

import shutil
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import Any

from server import lock, stacks
from server.errors import UnknownModel
from server.knobs import Knobs
from server.options import OptionSpec, check_all
from server.vlm_spec import RecogniserName, VlmSpec
from server.weights import Weights

USUAL_DPI = 200
"""Dots per inch at which PDF pages are rendered for most models."""
_FILE_NAME = "catalog.toml"
_NO_KNOBS = Knobs()


class NoRecogniserError(Exception):
    """Nothing here can read for the model; the message is the reason."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. `size_mb` is what its weights take on disk, `memory_mb` and `gpu_memory_mb` what it takes when loaded.

    `packages` and `programs` must be installed for it to be served, `install` says how; `revision_of` names the
    package whose version is the revision of weights that came inside it. `transformers_weights` stand in for `weights`
    where transformers reads and needs another form of them. `prompts` are those of the model's card, by name,
    the usual one first. PDF pages are rendered for it at `pdf_dpi` dots per inch. `gpu_memory_share` (0–1) is what it takes
    of whichever GPU there is, and goes before `gpu_memory_mb`.
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
    gpu_memory_share: float | None = None
    pdf_dpi: int = USUAL_DPI
    weights: tuple[Weights, ...] = ()
    transformers_weights: tuple[Weights, ...] = ()
    optional_weights: tuple[Weights, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    install: str = "make setup"
    revision_of: str | None = None
    options: Mapping[str, OptionSpec] = field(default_factory=dict)
    vlm: VlmSpec | None = None

    def absence(self, paddlex_home: Path, knobs: Knobs = _NO_KNOBS) -> str | None:
        """Why this machine cannot run the model, or None when it can."""
        try:
            recogniser = self.recogniser(knobs)
        except NoRecogniserError as error:
            return str(error)
        if needed := self.weights_for(recogniser):
            try:
                locks = lock.read(paddlex_home / lock.FILE_NAME)
            except lock.LockError as error:
                return str(error)
            for weights in needed:
                if reason := weights.absence(paddlex_home, locks):
                    return f"{reason} (in {paddlex_home})"
        missing = [name for name in self.programs if shutil.which(name) is None]
        missing += stacks.missing(self.engine, self.packages)
        if missing:
            return f"{', '.join(missing)} not installed ({self.install})"
        if util.find_spec(f"server.engines.{self.engine}") is None:
            return f"this version of the server has no engine {self.engine}"
        return None

    def weights_for(self, recogniser: RecogniserName | None) -> tuple[Weights, ...]:
        """What must be there for that recogniser to read."""
        return self.transformers_weights if recogniser == "transformers" and self.transformers_weights else self.weights

    def recogniser(self, knobs: Knobs) -> RecogniserName | None:
        """What reads for the model; None where its engine does so itself. Raises NoRecogniserError."""
        if self.engine == "paddle_vl":
            if knobs.paddle_vl_recogniser == "native":
                return None
            wanted: tuple[RecogniserName, ...] = ("vllm",)
            setting = "PADDLE_VL_RECOGNISER"
        elif self.vlm is None:
            return None
        else:
            setting = "RECOGNISER"
            wanted = tuple(name for name in self.vlm.recognisers if knobs.recogniser in {"auto", name})
            if not wanted:
                able = " or ".join(self.vlm.recognisers)
                raise NoRecogniserError(f"RECOGNISER={knobs.recogniser}, but this model is read by {able} only")
        for name in wanted:
            if not stacks.missing("vlm", (name,)):
                return name
        raise NoRecogniserError(f"{setting} needs {' or '.join(wanted)}, not installed (make setup-vllm)")

    def prompt(self, asked: str) -> str:
        """The text of the prompt of that name; any other text is the prompt itself."""
        return self.prompts.get(asked, asked)

    def revision(self, paddlex_home: Path, knobs: Knobs = _NO_KNOBS) -> str | None:
        """Which weights these are, as far as it is known without opening them."""
        if self.revision_of:
            return f"{self.revision_of} {metadata.version(self.revision_of)}"
        needed = self.weights_for(self.recogniser(knobs))
        locks = lock.read(paddlex_home / lock.FILE_NAME) if needed else {}
        parts = [
            f"{each.name} {locks[each.name].commit if each.name in locks else 'of unknown origin'}" for each in needed
        ]
        return ", ".join(parts) or None

    def check_options(
        self,
        given: Mapping[str, object],
        prompt: str | None = None,
        return_confidence: bool = True,
        *,
        typed: bool = False,
    ) -> dict[str, Any]:
        """All options with defaults filled in. Raises BadOption for one that is unknown or out of range.

        For a model that takes them `prompt` (None is its own best) and `return_confidence` are options, too. Unless they
        are `typed`, text is read for what it means.
        """
        options = check_all(self.options, given, self.name, typed=typed)
        return options if self.vlm is None else {**options, "prompt": prompt, "return_confidence": return_confidence}


Catalog = Mapping[str, ModelEntry]


class CatalogError(Exception):
    """The catalogue in PADDLEX_HOME cannot be used; the message names the file and the mistake."""


def read(home: Path | None = None) -> Catalog:
    """All models by name, in the file's order; then those of the catalogue in `home`. Raises CatalogError."""
    weights = read_weights(home)
    tables = _tables(home)
    try:
        return {name: _entry(name, table, weights, tables["options"]) for name, table in tables["models"].items()}
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise CatalogError(f"{home and home / _FILE_NAME}: {error!r}") from error


def read_weights(home: Path | None = None) -> Mapping[str, Weights]:
    """All weights by name, in the same order. Raises CatalogError."""
    try:
        return {name: Weights(name=name, **_values(table)) for name, table in _tables(home)["weights"].items()}
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise CatalogError(f"{home and home / _FILE_NAME}: {error!r}") from error


def find(catalog: Catalog, name: str) -> ModelEntry:
    """The entry of that name. Raises UnknownModel, naming those that there are."""
    if name not in catalog:
        raise UnknownModel(f"There is no model {name[:80]!r}. The models are: {', '.join(catalog)}.")
    return catalog[name]


def _tables(home: Path | None) -> dict[str, Any]:
    tables = tomllib.loads(Path(__file__).with_name(_FILE_NAME).read_text("utf-8"))
    if home is None or not (home / _FILE_NAME).is_file():
        return tables
    try:
        added = tomllib.loads((home / _FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogError(f"{home / _FILE_NAME}: {error}") from None
    for kind in tables:
        more = added.pop(kind, {})
        if not isinstance(more, dict):
            raise CatalogError(f"{home / _FILE_NAME}: {kind} is no table")
        if twice := tables[kind].keys() & more.keys():
            raise CatalogError(f"{home / _FILE_NAME}: {kind}.{min(twice)} is in the server's own catalogue already")
        tables[kind] |= more
    if added:
        raise CatalogError(f"{home / _FILE_NAME}: {min(added)}: there are only {', '.join(tables)}")
    return tables


def _values(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _entry(
    name: str, table: dict[str, Any], weights: Mapping[str, Weights], shared: Mapping[str, dict[str, Any]]
) -> ModelEntry:
    values = _values(table)
    parts = tuple(weights[each] for each in values.pop("weights", ()))
    extras = tuple(weights[each] for each in values.pop("optional_weights", ()))
    others = tuple(weights[each] for each in values.pop("transformers_weights", ()))
    specs = shared.get(values["engine"], {}) | values.pop("options", {})
    options = {key: OptionSpec(**_values(spec)) for key, spec in specs.items()}
    if values["engine"] == "vlm":
        values["vlm"] = VlmSpec.of(values.get("vlm", {}))
        _check_vlm(f"models.{name}", values, [each.name for each in parts])
    values.setdefault("size_mb", sum(each.size_mb for each in parts))
    return ModelEntry(
        name=name, options=options, weights=parts, optional_weights=extras, transformers_weights=others, **values
    )


def _check_vlm(key: str, values: Mapping[str, Any], weights: Collection[str]) -> None:
    """Raises ValueError for an entry that no page could be read by."""
    spec, prompts = values["vlm"], values.get("prompts", {})
    if not prompts or (spec.layout and "text" not in prompts):
        raise ValueError(f"{key}.prompts: a prompt is missing ({'text' if spec.layout else 'any'})")
    if unknown := spec.regions.keys() - prompts.keys() - {"figure", "aside"}:
        raise ValueError(f"{key}.vlm.regions: there is no prompt {min(unknown)!r}")
    if spec.layout and spec.layout not in weights:
        raise ValueError(f"{key}.vlm.layout: {spec.layout!r} is not among its weights")
    if not values.get("gpu_memory_mb") and not values.get("gpu_memory_share"):
        raise ValueError(f"{key}: gpu_memory_mb or gpu_memory_share is missing")
