"""The models this server knows, and what callers and operators read about them."""

import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from server import catalog, lock, stacks
from server.catalog import ModelEntry
from server.errors import BadOption, UnknownModel
from server.knobs import Knobs
from server.lock import LockedFile, LockedWeights
from server.options import OptionSpec
from server.weights import Weights
from tests.unit.fakes import ENTRY

CATALOG = catalog.read()
WEIGHTS = catalog.read_weights()
LANG = OptionSpec("Language codes, joined by +", "text", "rus+eng", pattern=r"[a-z]{3}(\+[a-z]{3})*")
READER = replace(ENTRY, name="reader", options={"lang": LANG})


# --- the file


def test_these_models_are_in_the_catalogue_and_the_embedded_one_comes_first() -> None:
    assert next(iter(CATALOG)) == "pp-ocr"
    assert set(CATALOG) == {
        *("pp-ocr", "tesseract", "paddleocr-vl", "paddleocr-vl-1.5", "paddleocr-vl-1.6"),
        *("deepseek-ocr", "deepseek-ocr2", "glm-ocr"),
    }


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_an_entry_is_complete(entry: ModelEntry) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", entry.name)
    assert CATALOG[entry.name] is entry
    assert entry.title
    assert entry.licence
    assert entry.languages
    assert entry.size_mb > 0
    assert entry.memory_mb > 0
    assert all(isinstance(values, tuple) for values in (entry.languages, entry.packages, entry.programs, entry.weights))
    assert all(prompt.strip() for prompt in entry.prompts.values())


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_are_complete_and_stored_once(weights: Weights) -> None:
    assert weights.folder.split("/") in (["official_models", weights.name], ["hub", weights.name])
    assert weights.licence
    assert weights.size_mb > 0
    assert weights.huggingface
    assert weights.modelscope or weights.name.endswith("-transformers")  # a community repository
    assert (weights.bos is not None) == weights.folder.startswith("official_models/")
    assert not any(pattern.endswith((".py", ".bin")) or "/" in pattern for pattern in weights.files + weights.optional)
    assert any(
        weights in (*entry.weights, *entry.transformers_weights, *entry.optional_weights) for entry in CATALOG.values()
    )
    assert sum(other.folder == weights.folder for other in WEIGHTS.values()) == 1


def test_models_share_their_layout_weights() -> None:
    assert [each.name for each in CATALOG["paddleocr-vl-1.5"].weights] == ["PP-DocLayoutV3", "PaddleOCR-VL-1.5"]
    assert CATALOG["paddleocr-vl-1.6"].weights[0] is CATALOG["paddleocr-vl-1.5"].weights[0]


def test_a_model_is_as_large_as_its_weights() -> None:
    entry = CATALOG["glm-ocr"]
    assert entry.size_mb == sum(each.size_mb for each in entry.weights)


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_an_entrys_own_defaults_are_ones_that_it_takes(entry: ModelEntry) -> None:
    asked = {"prompt": None, "return_confidence": True} if entry.vlm else {}
    assert entry.check_options({}) == {name: spec.default for name, spec in entry.options.items()} | asked


def test_the_revision_of_weights_inside_a_package_is_the_packages_version(tmp_path: Path) -> None:
    assert CATALOG["pp-ocr"].revision(tmp_path) == f"rapidocr {metadata.version('rapidocr')}"
    assert ENTRY.revision(tmp_path) is None


def test_the_revision_of_fetched_weights_is_the_locks_commit(home: Path) -> None:
    assert _needing(weights=(PART,)).revision(home) == f"part {COMMIT}"


# --- the weights it needs

PART = Weights("part", "hub/part", "MIT", 1, ("config.json", "*.safetensors"))
COMMIT = "c0ffee" * 6 + "feed"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A PADDLEX_HOME that holds PART, locked."""
    folder = tmp_path / PART.folder
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "a.safetensors").write_bytes(bytes(100))
    files = {path.name: LockedFile(path.stat().st_size, lock.sha256(path)) for path in folder.iterdir()}
    lock.write(tmp_path / lock.FILE_NAME, {"part": LockedWeights("hub/part", "huggingface", "x/part", COMMIT, files)})
    return tmp_path


def test_with_its_weights_whole_nothing_is_absent(home: Path) -> None:
    assert _needing(weights=(PART,)).absence(home) is None


def test_a_missing_file_of_the_weights_is_named(home: Path) -> None:
    (home / "hub/part/a.safetensors").unlink()
    assert _needing(weights=(PART,)).absence(home) == f"hub/part/a.safetensors is missing (in {home})"


def test_what_is_not_locked_is_served_while_no_file_is_missing_and_said_to_be_of_unknown_origin(home: Path) -> None:
    (home / lock.FILE_NAME).unlink()
    entry = _needing(weights=(PART,))
    assert entry.absence(home) is None
    assert entry.revision(home) == "part of unknown origin"
    (home / "hub/part/config.json").unlink()
    assert entry.absence(home) == f"hub/part/config.json is missing (in {home})"


def test_weights_that_were_never_fetched_are_missing(tmp_path: Path) -> None:
    assert _needing(weights=(PART,)).absence(tmp_path) == f"hub/part is missing (in {tmp_path})"


def test_a_broken_lock_is_a_reason(home: Path) -> None:
    (home / lock.FILE_NAME).write_text("{")
    assert "models.lock.json is no lock of weights" in str(_needing(weights=(PART,)).absence(home))


def test_a_lock_for_another_folder_is_a_reason(home: Path) -> None:
    moved = replace(PART, folder="hub/moved")
    assert "not in hub/moved" in str(_needing(weights=(moved,)).absence(home))


# --- what this machine lacks


def _needing(**needs: object) -> ModelEntry:
    return replace(ENTRY, **needs)  # type: ignore[arg-type]


def test_with_everything_installed_nothing_is_absent(tmp_path: Path) -> None:
    assert _needing(packages=("json", "pytest"), programs=("sh",)).absence(tmp_path) is None


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
def test_what_is_missing_is_named_with_the_way_to_get_it(needs: dict[str, object], reason: str, tmp_path: Path) -> None:
    assert _needing(**needs).absence(tmp_path) == reason


@pytest.mark.parametrize(
    ("model", "installed", "knobs", "read_by"),
    [
        ("glm-ocr", {"vllm", "transformers"}, Knobs(), "vllm"),
        ("glm-ocr", {"transformers"}, Knobs(), "transformers"),
        ("glm-ocr", {"vllm", "transformers"}, Knobs(recogniser="transformers"), "transformers"),
        ("deepseek-ocr", {"vllm", "transformers"}, Knobs(), "vllm"),
        ("pp-ocr", set(), Knobs(recogniser="vllm"), None),
        ("paddleocr-vl", set(), Knobs(recogniser="vllm"), None),
        ("paddleocr-vl", {"vllm"}, Knobs(paddle_vl_recogniser="vllm"), "vllm"),
    ],
)
def test_what_reads_for_a_model_is_the_best_that_is_installed_and_wanted(
    model: str, installed: set[str], knobs: Knobs, read_by: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "missing", lambda _, packages: [name for name in packages if name not in installed])
    assert CATALOG[model].recogniser(knobs) == read_by


@pytest.mark.parametrize(
    ("model", "knobs", "reason"),
    [
        ("glm-ocr", Knobs(), "RECOGNISER needs vllm or transformers, not installed (make setup-vllm)"),
        ("glm-ocr", Knobs(recogniser="vllm"), "RECOGNISER needs vllm, not installed (make setup-vllm)"),
        (
            "deepseek-ocr",
            Knobs(recogniser="transformers"),
            "RECOGNISER=transformers, but this model is read by vllm only",
        ),
        (
            "paddleocr-vl",
            Knobs(paddle_vl_recogniser="vllm"),
            "PADDLE_VL_RECOGNISER needs vllm, not installed (make setup-vllm)",
        ),
    ],
)
def test_a_model_that_nothing_can_read_for_is_absent_and_says_why(
    model: str, knobs: Knobs, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = replace(CATALOG[model], weights=(), packages=())
    monkeypatch.setattr(stacks, "missing", lambda _, packages: list(packages))
    assert entry.absence(tmp_path, knobs) == reason


def test_an_engine_that_is_not_in_this_version_is_said_to_be_so(tmp_path: Path) -> None:
    reason = _needing(engine="of_the_future").absence(tmp_path)
    assert reason == "this version of the server has no engine of_the_future"


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


# --- a catalogue beside the weights


def test_the_documented_example_is_a_model_like_any_other(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/models.md").read_text("utf-8")
    (tmp_path / "catalog.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    further = catalog.read(tmp_path)
    assert list(further) == [*CATALOG, "qwen3-vl-8b"]
    entry = further["qwen3-vl-8b"]
    assert entry.vlm is not None
    assert entry.vlm.serve == {"max_model_len": 16384}
    assert set(entry.check_options({})) == set(further["deepseek-ocr"].check_options({}))
    assert entry.weights == (catalog.read_weights(tmp_path)["Qwen3-VL-8B-Instruct"],)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.x", "Expected"),
        ("[models.glm-ocr]\n", "models.glm-ocr is in the server's own catalogue already"),
        ("[model.x]\n", "model: there are only models, options, weights"),
        ("[models.x]\nengine = 'vlm'\n", "models.x.prompts: a prompt is missing (any)"),
        ("[models.x]\nengine = 'vlm'\nprompts.a = 'A'\nvlm.layout = 'y'\n", "a prompt is missing (text)"),
        ("[models.x]\nengine = 'vlm'\nprompts.a = 'A'\n", "gpu_memory_mb or gpu_memory_share is missing"),
        ("[models.x]\nengine = 'vlm'\nprompts.a = 'A'\ngpu_memory_mb = 1\n", "missing 5 required"),
        ("[models.x]\nengine = 'vlm'\nprompts.a = 'A'\nvlm.regions.b = ['text']\n", "there is no prompt 'b'"),
        ("[models.x]\nengine = 'vlm'\nprompts.text = 'A'\nvlm.layout = 'y'\n", "'y' is not among its weights"),
        ("[models.x]\nengine = 'vlm'\nvlm.serve.trust_remote_code = true\n", "vlm.serve.trust_remote_code is not"),
        ("[models.x]\nengine = 'vlm'\nprompts.a = 'A'\nvlm.grounding = true\n", "grounding"),
        ("[models.x]\nengine = 'vlm'\nweights = ['nowhere']\n", "nowhere"),
        ("[weights.x]\nfoldr = 'hub/x'\n", "foldr"),
        ("models = 3\n", "models"),
    ],
)
def test_a_mistake_in_it_is_named_with_the_file(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(text)
    with pytest.raises(catalog.CatalogError) as caught:
        catalog.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'catalog.toml'}: ")
    assert said in str(caught.value)
