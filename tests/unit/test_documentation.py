"""What README and docs/ say, held to what the server is; the examples in them are run by tests/contract/test_examples.py."""

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from server import catalog, errors, schemas, settings
from server.jobs.job import JobState
from server.states import MOVES
from tests.unit.test_deployment_files import ROUTERS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
API, OPERATIONS, MODELS = (DOCS / name for name in ("api.md", "operations.md", "models.md"))
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "docker").glob("*.md")]
OTHERS_ADDRESSES = {"/v1/convert/", "/v1/status/", "/v1/result/", "/v1/traces", "/file_parse"}  # of other services
NOT_THE_SERVERS = {  # libraries' variables, those of make image and of the client, and words that look like variables
    *(
        "SSL_CERT_FILE",
        "TESSDATA_PREFIX",
        "OTEL_TRACES_SAMPLER",
        "OTEL_RESOURCE_ATTRIBUTES",
        "HF_ENDPOINT",
        "MODELSCOPE_ENDPOINT",
        "PADDLE_BOS_ENDPOINT",
        "HF_TOKEN",
    ),
    *(
        "HF_TOKEN_PATH",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "NPM_CONFIG_REGISTRY",
        "VENDOR_INDEXES",
        "DEBIAN_MIRROR",
    ),
    *(
        "CA_BUNDLE",
        "SOURCE_DATE_EPOCH",
        "BUILD_ARGS",
        "RUN_ARGS",
        "VERIFY_CAPS",
        "OFFLINE_OCR_URL",
        "OFFLINE_OCR_TOKEN",
    ),
}
LEVELS = ("warning", "error", "exception", "critical")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
each_of_ours = pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "README.ru.md", *DOCS.glob("*.md")], ids=lambda path: path.name
)


def prose(page: Path) -> str:
    """All but the blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, its head apart."""
    part = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", prose(page), re.MULTILINE | re.DOTALL)
    assert part, heading
    table = re.search(r"(?:^\|.*\|\n?)+", part[1], re.MULTILINE)
    assert table, heading
    return [[cell.strip() for cell in row[1:-1].split(" | ")] for row in table[0].splitlines()[2:]]


def anchors(page: Path) -> set[str]:
    """How a Git host names the headings: small letters, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- links, addresses, names


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match("https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_readme_leads_to_every_page() -> None:
    for readme in (ROOT / "README.md", ROOT / "README.ru.md"):
        linked = set(re.findall(r"\]\(docs/([\w.]+)", readme.read_text("utf-8")))
        russian = ".ru" in readme.name
        expected = {page.name for page in DOCS.glob("*.md") if page.name not in ("settings.md", "settings.ru.md")}
        assert linked == expected | {"settings.ru.md" if russian else "settings.md"}


def _routes() -> Iterator[tuple[str, str]]:
    for route in chain.from_iterable(router.router.routes for router in ROUTERS):
        if isinstance(route, APIRoute):
            for method in route.methods - {"HEAD"}:
                yield method, route.path


def test_every_route_has_a_section_and_every_section_is_a_route() -> None:
    sections = re.findall(r"^### `([A-Z]+) (/\S*)`$", prose(API), re.MULTILINE)

    assert len(sections) == len(set(sections))
    assert set(sections) == set(_routes()) - {("GET", "/docs/assets/{name}"), ("GET", "/web/{name}")}


@each_of_ours
def test_every_address_exists(page: Path) -> None:
    known = {re.sub(r"\{\w+\}", "*", path) for _, path in _routes()} | {"/v1"}  # what OpenAI's clients are given
    text = page.read_text("utf-8")
    in_prose = re.findall(r"(?<=`)(?:[A-Z]+ )?(/[a-z][^\s`]*)`", prose(page))
    in_blocks = re.findall(r"https?://localhost:8081(/[^\s'\"`]*)", text)
    for address in in_prose + in_blocks:
        if re.match("/(tmp|opt|usr|run)(/|$)", address) or address.startswith(tuple(OTHERS_ADDRESSES)):
            continue
        path = re.sub(r"\{\w+\}|(?<=/)(ID|NAME)(?=/|$)", "*", address.partition("?")[0])
        assert any(re.fullmatch(re.escape(one).replace(r"\*", "[^/]+"), path) for one in known), address


@each_of_ours
def test_every_variable_exists(page: Path) -> None:
    named = set(re.findall(r"(?<![\w$/.-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w*])", page.read_text("utf-8")))

    assert named - NOT_THE_SERVERS <= settings.variables().keys()


@each_of_ours
def test_every_verb_of_make_exists(page: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert set(re.findall(r"(?<!\w)make ([a-z][a-z-]+)", "\n".join(_code(page)))) <= verbs


@each_of_ours
def test_every_file_that_is_named_exists(page: Path) -> None:
    for word in re.findall(r"`((?:server|scripts|docker|requirements|tests|demo)/[\w./-]+)`", prose(page)):
        assert (ROOT / word).exists() or word == "requirements/paddle-cu126.txt", word


def _code(page: Path) -> list[str]:
    """What stands in backticks and in blocks."""
    return re.findall(r"`([^`\n]+)`", prose(page)) + re.findall(
        r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.M | re.S
    )


def test_both_readmes_say_the_same() -> None:
    english, russian = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.ru.md"))
    commands = [
        [re.sub(r"\s+#.*$", "", block, flags=re.MULTILINE) for block in re.findall(r"^```.*?^```$", text, re.M | re.S)]
        for text in (english, russian)
    ]
    headings, links, code = (
        [re.findall(pattern, text, re.MULTILINE) for text in (english, russian.replace(".ru.md", ".md"))]
        for pattern in (r"^(#+) ", r"\]\((?!README)([^)]+)\)", r"^\| `([^|]*)` \|")
    )

    assert commands[0] == commands[1]
    assert headings[0] == headings[1]
    assert links[0] == links[1]
    assert code[0] == code[1]
    assert max(len(english.splitlines()), len(russian.splitlines())) <= 135


# --- errors


def test_every_error_code_is_explained_to_operators() -> None:
    table = {code.strip("`"): int(status) for code, status, _ in rows(OPERATIONS, "Error codes")}

    assert table == {code: error.status.value for code, error in errors.BY_CODE.items()}


@each_of_ours
def test_every_error_has_its_status(page: Path) -> None:
    text = prose(page)
    codes = r"`(\w+)`((?:(?:,| and) `\w+`)*)"
    pairs = [
        (code, int(status))
        for first, more, status in re.findall(codes + r"\s\((\d{3})\b", text)
        for code in [first, *re.findall(r"`(\w+)`", more)]
    ]
    pairs += [(code, int(status)) for status, code in re.findall(r"\b([45]\d\d) `([a-z_0-9]+)`", text)]

    assert [(code, status) for code, status in pairs if errors.BY_CODE[code].status != status] == []
    assert page != API or len(pairs) > 30


def test_the_api_names_every_error_that_has_a_class_of_its_own() -> None:
    families = {error.code for error in errors.BY_CODE.values() if error.__subclasses__()} - {"bad_request"}

    assert errors.BY_CODE.keys() - families <= set(re.findall(r"`(\w+)`", prose(API)))


def test_the_api_names_every_status() -> None:
    table = " ".join(row[0] for row in rows(API, "Errors"))

    assert {int(each) for each in re.findall(r"\d+", table)} == {
        error.status.value for error in errors.BY_CODE.values()
    }
    assert HTTPStatus.BAD_GATEWAY not in {error.status for error in errors.BY_CODE.values()}


# --- the log


def _said() -> Iterator[tuple[str, str]]:
    """Level and text of each line that the server itself may log, `…` for what varies."""
    for path in sorted((ROOT / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "_LOG"), attr=level), args=[text, *_]):
                    yield level, _pattern(text)
                case ast.Call(func=ast.Attribute(attr="_give_up"), args=[text]):
                    yield "error", _pattern(text)


def _pattern(text: ast.expr) -> str:
    match text:
        case ast.Constant(value=str(words)):
            return re.sub(r"%[\d.]*[a-z]", "…", words).replace("\n", " ")
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in parts)  # type: ignore[misc]
    return "…"


def test_every_warning_is_explained_and_every_line_that_is_explained_exists() -> None:
    said = set(_said())
    explained = {line for row in rows(OPERATIONS, "The log") for line in re.findall("`([^`]+)`", row[0])}
    serious = {text for level, text in said if level in LEVELS} - {"…"}

    assert len(serious) > 30
    assert serious == explained


# --- models, states


def test_the_models_are_those_of_the_catalogue() -> None:
    table = {row[0].strip("`"): row for row in rows(MODELS, "Models")}

    assert list(table) == list(catalog.read())
    for name, entry in catalog.read().items():
        memory, gpu_memory, licence = table[name][3:6]
        assert (int(memory), int(gpu_memory), licence) == (entry.memory_mb, entry.gpu_memory_mb, entry.licence)
        assert table[name][2] == ("GPU" if entry.gpu_memory_mb else "CPU")


def test_every_state_is_explained() -> None:
    table = rows(DOCS / "architecture.md", "States of a model")

    assert {row[0].strip("`"): set(re.findall("`(\\w+)`", row[2])) for row in table} == {
        state.value: {other.value for other in others} for state, others in MOVES.items()
    }
    assert [row[0].strip("`") for row in rows(API, "Jobs")] == [state.value for state in JobState]


def test_every_option_of_a_request_is_explained() -> None:
    text = prose(API)

    for name in schemas.OcrOptions.model_fields:
        assert f"| `{name}` |" in text, name
    for entry in catalog.read().values():
        for name in entry.options:
            assert f"`{name}`" in prose(MODELS), name
