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
    "preparation",
    "documents",
    "chat",
    "states",
    "hosts",
    "signing",
    "settings",
    "build",
    # a request's body and its document: run in the page pool's children
    "base64_text",
    "call",
    "forms",
    "intake",
    "chat_body",
    "correction_body",
    "mcp",
    "mcp.message",
    "sniff",
    "images",
    "render",
    "picture",
    "preprocess",
    "preprocess.ink",
    "preprocess.lines",
    "preprocess.upright",
    "preprocess.crop",
    "preprocess.denoise",
    "preprocess.contrast",
    "preprocess.prepare",
    "paddlex",
    "paddlex.body",
    "paddlex.schemas",
    "paddlex.blocks",
    "paddlex.heights",
    "paddlex.titles",
    "paddlex.html_tree",
    "paddlex.tables",
    "paddlex.markdown",
    "paddlex.restructuring",
    "paddlex.writing",
    "paddlex.drawing",
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
    "inbox",
    "worker",
    "child",
    "gpu",
    "places",
    "page_task",
    "page_queue",
    "page_line",
    "model_host",
    "supervisor",
    # a document's way
    "admission",
    "confidence",
    "metrics",
    "tracing",
    "otlp",
    "stages",
    "addresses",
    "outgoing",
    "fetch",
    "webhooks",
    "page_ranges",
    "pages",
    "pipeline",
    "jobs",
    "jobs.job",
    # what comes out of it
    "layout.text",
    "layout.tables_html",
    "layout.tables_pipe",
    "layout.plain",
    "layout.lists",
    "layout.markdown",
    "block_places",
    "block_markdown",
    "corrections",
    "correction_notes",
    "field_labels",
    "field_shapes",
    "field_lines",
    "field_tables",
    "fields",
    "cell_numbers",
    "spreadsheet",
    "formats",
    "as_sent",
    "schemas",
    "service_schemas",
    "reply",
    "results",
    "s3_client",
    "s3_failures",
    "s3",
    "s3_input",
    "s3_check",
    "recognition",
    "json_schema",
    "openai_schemas",
    "chat_plan",
    "chat_reply",
    "paddlex.asking",
    "paddlex.pages",
    "spool",
    "viewing",
    "many",
    "finishing",
    "cache",
    "surely",
    "flights",
    # durable jobs
    "jobs.database",
    "jobs.changes",
    "jobs.rows",
    "jobs.store",
    "jobs.correction_store",
    "jobs.page_store",
    "jobs.turns",
    "jobs.run",
    "jobs.runner",
    "jobs.outcome",
    "jobs.view",
    "jobs.errand_store",
    "jobs.errands",
    "jobs.calling_back",
    "jobs.uploading",
    "jobs.desk",
    "jobs.correcting",
    "gauges",
    # the HTTP process around all that
    "web_page",
    "telemetry",
    "listener",
    "auth",
    "attachments",
    "error_shapes",
    "problems",
    "context",
    "services",
    "routes",
    "routes.dependencies",
    "routes.patience",
    "routes.receiving",
    "routes.accepting",
    "routes.reading",
    "routes.option_schemas",
    "routes.ocr_body",
    "routes.event_stream",
    "routes.health",
    "routes.service",
    "routes.web",
    "routes.models",
    "routes.ocr",
    "routes.batch",
    "routes.jobs",
    "routes.job_pages",
    "routes.openai",
    "routes.layout_parsing",
    "routes.files",
    "mcp.asking",
    "mcp.schemas",
    "mcp.tools",
    "mcp.resources",
    "mcp.exchange",
    "routes.mcp",
    "routes.s3",
    "routes.debug",
    "routes.docs",
    "openapi",
    "app",
    "serving",
    "__main__",
    # the command-line client, apart from all that
    "client",
    "client.errors",
    "client.plain",
    "client.environment",
    "client.job",
    "client.patience",
    "client.api",
    "client.folder",
    "client.manifest",
    "client.reading",
    "client.progress",
    "client.display",
    "client.output",
    "client.arguments",
    "client.alone",
    "client.ocr",
    "client.batch",
    "client.likeness",
    "client.compare",
    "client.follow",
    "client.jobs",
    "client.status",
    "client.__main__",
]
"""Every module of the server; each imports only from those above it. What is absent here belongs to the engines."""

HEAVY = {
    *("torch", "paddle", "paddlex", "vllm", "transformers", "onnxruntime", "openvino", "cv2", "numpy"),
    *("rapidocr", "PIL", "pypdfium2", "pypdfium2_raw", "openpyxl", "mcp", "mcp_types", "cryptography"),
}
"""What only child processes may load: engines, what opens untrusted documents; and what is loaded when it is needed."""


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
    own = OF_THE_ENGINES | {"documents", "errors", "engines.base", "layout.tables_html", "layout.text"}
    own |= {"layout.tables_pipe", "layout.plain", "layout.lists", "layout.markdown"}
    own |= {"chat", "catalog", "vlm_spec", "stacks"}
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


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] == "client"])
def test_the_client_imports_nothing_of_the_server(name: str) -> None:
    assert {other for other in _imported_by(name) if other.split(".")[0] != "client"} == set()


def test_nothing_of_the_server_imports_the_client() -> None:
    clients = {name for name in MODULES if name.split(".")[0] == "client"}
    assert {name for name in MODULES.keys() - clients if _imported_by(name) & clients} == set()


def test_the_client_loads_what_pyproject_says_it_needs_and_no_more() -> None:
    installed = {"fastapi", "starlette", "pydantic", "uvicorn", "structlog", "boto3", "openpyxl", "prometheus_client"}
    program = f"import sys, server.client.__main__; print(sorted({installed!r} & set(sys.modules)))"

    assert _run("-c", program) == "[]\n"
    assert _loaded("import server.client.__main__") == {}


def test_the_server_package_itself_imports_nothing() -> None:
    assert "import" not in MODULES[""].read_text("utf-8")


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=100, check=False, cwd=ROOT
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


def test_the_mcp_sdk_is_loaded_by_what_answers_a_message() -> None:
    assert _loaded("from server.routes import mcp; mcp._load()").keys() == {"mcp", "mcp_types", "cryptography"}


@pytest.mark.parametrize("secret", ["", "secret"])
def test_boto3_is_loaded_by_the_first_use_of_s3_and_not_before(secret: str) -> None:
    """Neither with S3 off nor with S3 on; a client is the first use."""
    program = f"""
import os, sys, server.app, server.serving, server.__main__
from server import s3, settings
os.environ.update(API_TOKENS="a", CLOUDRU_S3_ENDPOINT="http://127.0.0.1:9", CLOUDRU_S3_BUCKET="results")
os.environ.update(CLOUDRU_S3_ACCESS_KEY="a:b", CLOUDRU_S3_SECRET_KEY={secret!r})
store = s3.ObjectStore(settings.read())
before = "botocore" in sys.modules or "boto3" in sys.modules
if store.enabled:
    store.client()
print(store.enabled, before, "boto3" in sys.modules, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=True, cwd=ROOT
    )

    assert done.stderr.split() == [str(bool(secret)), "False", str(bool(secret))]


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"])
def test_the_sdk_of_opentelemetry_is_loaded_where_traces_have_somewhere_to_go(endpoint: str, tmp_path: Path) -> None:
    program = f"""
import os, sys, server.app, server.serving, server.__main__
from server import services, settings, telemetry
os.environ.update(API_TOKENS="a", DATA_DIR={str(tmp_path)!r}, OTEL_EXPORTER_OTLP_ENDPOINT={endpoint!r})
before = "opentelemetry.sdk" in sys.modules
made = services.Services.make(settings.read(), telemetry.RecentLines())
made.spool.close()
print(before, "opentelemetry.sdk" in sys.modules)
"""
    assert _run("-c", program).split() == ["False", str(bool(endpoint))]


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
