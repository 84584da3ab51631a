"""Dependencies point one way, and nothing heavy is imported where it must not be."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ORDER = [
    # what everything else is told in
    "errors",
    "documents",
    "states",
    "settings",
    "build",
    # a request's body and its document: run in the page pool's children
    "base64_text",
    "call",
    "forms",
    "intake",
    "sniff",
    "images",
    "render",
    "reader",
    # the engine workers, and the server's side of them
    "options",
    "stacks",
    "lock",
    "weights",
    "knobs",
    "vlm_spec",
    "catalog",
    "engines.base",
    "engines",
    "protocol",
    "worker",
    "child",
    "gpu",
    "places",
    "page_task",
    "page_line",
    "model_host",
    "supervisor",
    # a document's way
    "admission",
    "metrics",
    "addresses",
    "fetch",
    "page_ranges",
    "pages",
    "pipeline",
    # what comes out of it
    "confidence",
    "layout.tables_html",
    "formats",
    "schemas",
    "reply",
    "results",
    # the HTTP process around all that
    "spool",
    "telemetry",
    "listener",
    "auth",
    "problems",
    "context",
    "services",
    "routes",
    "routes.dependencies",
    "routes.patience",
    "routes.health",
    "routes.service",
    "routes.models",
    "routes.ocr",
    "routes.files",
    "routes.debug",
    "routes.docs",
    "app",
    "serving",
    "__main__",
]
"""Every module of the server; each imports only from those above it. What is absent here belongs to the engines."""

HEAVY = {
    *("torch", "paddle", "paddlex", "vllm", "transformers", "onnxruntime", "openvino", "cv2", "numpy"),
    *("rapidocr", "PIL", "pypdfium2", "pypdfium2_raw"),
}
"""What only child processes may load: engines, and what opens untrusted documents."""


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT / "server").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted((ROOT / "server").rglob("*.py"))}
OF_THE_ENGINES = {
    name for name in MODULES if name not in ORDER and (name.startswith("engines.") or name.split(".")[0] == "layout")
}


def _imports(source: str) -> Iterator[str]:
    """The server's modules that a module imports, wherever in it: `engines.base` for `server.engines.base`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names):
                yield from (alias.name[7:] for alias in names if alias.name.startswith("server."))
            case ast.ImportFrom(level=level) if level:
                raise AssertionError("imports are written in full")
            case ast.ImportFrom(module="server", names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names) if module.startswith("server."):
                for alias in names:
                    inner = f"{module[7:]}.{alias.name}"
                    yield inner if inner in MODULES else module[7:]


def _imported_by(name: str) -> set[str]:
    return set(_imports(MODULES[name].read_text("utf-8")))


def test_the_order_holds_every_module_once_and_no_other() -> None:
    assert len(ORDER) == len(set(ORDER))
    assert set(ORDER) == set(MODULES) - OF_THE_ENGINES - {""}


def test_imports_are_found_wherever_they_stand() -> None:
    source = (
        "from server import catalog, protocol\nimport server.pages\nfrom server.engines.base import Engine\n"
        "from server.routes import ocr\nfrom os import path\nfrom serverless import x\n"
        "def f():\n    from server.render import g\n"
    )
    assert set(_imports(source)) == {"catalog", "protocol", "pages", "engines.base", "routes.ocr", "render"}


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_from_those_above_it(name: str) -> None:
    upward = {other for other in _imported_by(name) & set(ORDER) if ORDER.index(other) >= ORDER.index(name)}

    assert upward == set()


@pytest.mark.parametrize("name", [name for name in ORDER if name != "worker"])
def test_nothing_but_the_engines_imports_an_engine(name: str) -> None:
    assert _imported_by(name) & OF_THE_ENGINES == set()


@pytest.mark.parametrize("name", sorted(OF_THE_ENGINES))
def test_an_engine_knows_documents_the_catalogue_and_other_engines_and_nothing_of_the_server(name: str) -> None:
    own = OF_THE_ENGINES | {"documents", "errors", "engines.base", "layout.tables_html"}
    own |= {"catalog", "vlm_spec", "stacks"}
    if name.startswith("layout"):
        own = {other for other in own if not other.startswith("engines")}

    assert _imported_by(name) - own == set()


def test_engines_do_not_import_each_other_in_a_circle() -> None:
    done: set[str] = set()
    left = set(OF_THE_ENGINES)
    while ready := {name for name in left if _imported_by(name) & OF_THE_ENGINES <= done}:
        done |= ready
        left -= ready

    assert left == set()


def test_the_server_package_itself_imports_nothing() -> None:
    assert "import" not in MODULES[""].read_text("utf-8")


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _loaded(imports: str) -> dict[str, str]:
    """The heavy libraries that a fresh interpreter has loaded after these imports, and which module asked for each."""
    program = f"""
import builtins, json, sys
heavy, found, original = set({sorted(HEAVY)!r}), {{}}, builtins.__import__
def spy(name, globals=None, locals=None, fromlist=(), level=0):
    if not level and name.partition(".")[0] in heavy:
        found.setdefault(name.partition(".")[0], (globals or {{}}).get("__name__", "?"))
    return original(name, globals, locals, fromlist, level)
builtins.__import__ = spy
{imports}
print(json.dumps({{name: found.get(name, "?") for name in heavy if name in sys.modules}}))
"""
    loaded: dict[str, str] = json.loads(_run("-c", program))
    return loaded


def test_the_http_process_loads_no_engine_and_opens_no_document() -> None:
    assert _loaded("import server.app, server.serving, server.__main__") == {}


def test_a_heavy_library_would_be_noticed() -> None:
    assert _loaded("import server.app, server.images")["PIL"] == "server.images"


def test_the_port_is_open_before_the_web_framework_is_loaded() -> None:
    program = "import server.__main__, server.settings, server.listener, sys; print('fastapi' in sys.modules)"

    assert _run("-c", program) == "False\n"


@pytest.mark.parametrize(
    "module", ["worker", "protocol", "catalog", "weights", "lock", "documents", "engines.base", "reader"]
)
def test_what_a_child_process_imports_first_needs_the_standard_library_only(module: str) -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import server.{module}; print('imported')"

    assert _run("-I", "-S", "-c", program) == "imported\n"


def test_without_site_packages_the_rest_would_not_import() -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import server.settings"

    with pytest.raises(AssertionError, match="No module named 'pydantic'"):
        _run("-I", "-S", "-c", program)
