"""The models this server knows, and what callers and operators read about them."""

import re
from dataclasses import replace
from importlib import metadata

import pytest

from server import catalog
from server.catalog import ModelEntry, OptionSpec
from server.errors import BadOption, UnknownModel
from tests.unit.fakes import ENTRY

CATALOG = catalog.read()
LANG = OptionSpec("Language codes, joined by +", "rus+eng", r"[a-z]{3}(\+[a-z]{3})*")
READER = replace(ENTRY, name="reader", options={"lang": LANG})


# --- the file


def test_these_models_are_in_the_catalogue_and_the_embedded_one_comes_first() -> None:
    assert next(iter(CATALOG)) == "pp-ocr"
    assert {"pp-ocr", "tesseract"} <= set(CATALOG)


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_an_entry_is_complete(entry: ModelEntry) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", entry.name)
    assert CATALOG[entry.name] is entry
    assert entry.title
    assert entry.licence
    assert entry.languages
    assert entry.size_mb > 0
    assert entry.memory_mb > 0
    assert all(isinstance(values, tuple) for values in (entry.languages, entry.packages, entry.programs))


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_an_entrys_own_defaults_are_ones_that_it_takes(entry: ModelEntry) -> None:
    assert entry.check_options({}) == {name: spec.default for name, spec in entry.options.items()}


def test_the_revision_of_weights_inside_a_package_is_the_packages_version() -> None:
    assert CATALOG["pp-ocr"].revision() == f"rapidocr {metadata.version('rapidocr')}"
    assert ENTRY.revision() is None


# --- what this machine lacks


def _needing(**needs: object) -> ModelEntry:
    return replace(ENTRY, **needs)  # type: ignore[arg-type]


def test_with_everything_installed_nothing_is_absent() -> None:
    assert _needing(packages=("json", "pytest"), programs=("sh",)).absence() is None


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ({"programs": ("no-such-program",)}, "no-such-program not installed (make setup)"),
        ({"packages": ("no_such_package",)}, "no_such_package not installed (make setup)"),
        (
            {"programs": ("sh", "nope"), "packages": ("json", "nix"), "install": "apt-get install nope"},
            "nope, nix not installed (apt-get install nope)",
        ),
    ],
)
def test_what_is_missing_is_named_with_the_way_to_get_it(needs: dict[str, object], reason: str) -> None:
    assert _needing(**needs).absence() == reason


# --- options


@pytest.mark.parametrize("given", ["rus", "rus+eng", "deu+fra+ita"])
def test_an_option_that_fits_is_taken(given: str) -> None:
    assert READER.check_options({"lang": given}) == {"lang": given}


def test_an_option_not_given_has_its_default() -> None:
    assert READER.check_options({}) == {"lang": "rus+eng"}


@pytest.mark.parametrize("given", ["", "RUS", "rus+", "rus\n", "rus; rm -rf /", "--psm", 7, None, True, ["rus"]])
def test_an_option_that_does_not_fit_is_refused_with_an_example(given: object) -> None:
    with pytest.raises(BadOption) as refused:
        READER.check_options({"lang": given})
    assert str(refused.value) == f"lang: {given!r} will not do. Language codes, joined by +; for example 'rus+eng'."


def test_an_option_of_no_model_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadOption, match=r"^langs: reader has no such option \(it has lang\)\.$"):
        READER.check_options({"lang": "rus", "langs": "rus"})
    with pytest.raises(BadOption, match=r"^lang: fake has no such option \(it has none of its own\)\.$"):
        ENTRY.check_options({"lang": "rus"})


@pytest.mark.parametrize("options", [{"x" * 50_000: 1}, {"lang": "x" * 50_000}], ids=["name", "value"])
def test_a_refusal_does_not_repeat_a_whole_novel(options: dict[str, object]) -> None:
    with pytest.raises(BadOption) as refused:
        READER.check_options(options)
    assert len(str(refused.value)) < 500


# --- names


def test_a_model_is_found_by_its_name() -> None:
    assert catalog.find(CATALOG, "pp-ocr") is CATALOG["pp-ocr"]


@pytest.mark.parametrize("name", ["gpt", "", "PP-OCR", "pp-ocr ", "../pp-ocr", "a" * 10_000])
def test_another_name_is_answered_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownModel) as unknown:
        catalog.find({"pp-ocr": ENTRY, "tesseract": ENTRY}, name)
    assert str(unknown.value) == f"There is no model {name[:80]!r}. The models are: pp-ocr, tesseract."
