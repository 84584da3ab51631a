"""Every example in README.md and docs/, tried out: against a server that was started as README says.

One server for all of them, and for each page a reader who tries its examples in their order.
"""

import os
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server import catalog, schemas, signing
from tests.contract import samples
from tests.contract.examples import PAGES, PRINTED, RUN, Block, Reader, blocks, with_what_they_print
from tests.contract.jobs import small_pages
from tests.contract.running import ROOT, Server

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not all(map(shutil.which, ("curl", "tesseract"))), reason="curl or tesseract is not installed"),
]

_TOKEN = "my-token"
_ALL = [block for page in PAGES for block in blocks(page)]
NOT_RUN = {
    # the mark: which commands may carry it, and which tests show what they do
    "installs": (r"make setup\S*|(sudo )?apt-get install .*|pip install .*", ".ci/run"),
    "weights": (r"make setup-\w+|make prefetch .*|(\S+=\S+ )+make run", "tests/prefetch/test_fetch.py"),
    "image": (r"make (image|lock-gpu|verify-offline|push)\b.*|docker (run|build|history|manifest)\b.*", "tests/image"),
    "chat": ("", "tests/vllm/test_openai.py"),  # which runs it as it stands, with a model that answers
    "peer": (r"paddleocr_mcp .*", "tests/paddle/test_paddleocr_mcp.py"),
    "cluster": (r"kubectl .*|docker compose .*", "tests/unit/test_deployment_files.py"),
}


def _of(mark: str) -> Block:
    """The only block with this mark."""
    (block,) = (each for each in _ALL if each.mark == mark)
    return block


@pytest.fixture(scope="module")
def docs_server() -> Iterator[Server]:
    """The server of README's "first call", by README's own command."""
    (command,) = _of("serves").commands
    variables = dict(word.split("=", 1) for word in command.split() if "=" in word)
    assert command.split()[len(variables) :] == ["make", "run"]
    assert variables == {"API_TOKENS": _TOKEN}
    with Server(
        command=("make", "-o", ".venv/.complete", "-o", "web/dist/index.html", "run"), CACHE_MB="", **variables
    ) as running:
        running.client = running.new_client(_TOKEN)
        yield running.ready()


@pytest.fixture
def reader(docs_server: Server, tmp_path: Path) -> Reader:
    """A reader in a clone of the repository, who has the documents that the pages speak of."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in {path.partition("/")[0] for path in tracked.split("\0") if path} | {".venv"}:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "scans/a").mkdir(parents=True)
    invoice = samples.png("Invoice No: 17\nTotal: 42.00")
    for name, content in {
        "invoice.png": invoice,
        "b.png": invoice,
        "a.pdf": small_pages(1),
        "long.pdf": small_pages(5),
        "broken.pdf": b"%PDF-1.7 and no more",
        "scans/one.png": invoice,
        "scans/a/two.pdf": small_pages(1),
    }.items():
        (tmp_path / name).write_bytes(content)

    def newest_job() -> str:
        (job,) = docs_server.client.get("/jobs", params={"limit": "1"}).json()["jobs"]
        return str(job["id"])

    def newest_file() -> str:
        files = docs_server.client.get("/files").json()["files"]
        return str(next(file["name"] for file in files if file["type"] == "markdown"))

    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    path = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    return Reader(
        tmp_path,
        {**kept, "PATH": path, "NO_PROXY": "*", "no_proxy": "*"},
        {"ID": newest_job, "NAME": newest_file},
        {"localhost:8081": f"127.0.0.1:{docs_server.port}"},
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_do_what_it_says(page: str, reader: Reader) -> None:
    for block, shown in with_what_they_print(page):
        if not block.mark or block.mark.startswith("prints "):
            reader.try_out(block, shown)


def test_no_example_is_left_out() -> None:
    for page in PAGES:
        printed = [shown for _, shown in with_what_they_print(page)]
        for block in blocks(page):
            word = block.mark.partition(" ")[0].rstrip(":")
            if block.language in RUN:
                assert word in {"", "prints", "not", "serves", "receiver"}, block
            elif block.language in PRINTED:
                assert block in printed or word in {"picture", "is"}, f"{block}: nothing prints it"
            else:
                assert block.language == "toml", f"{block}: nothing reads {block.language!r}"


@pytest.mark.parametrize("block", [each for each in _ALL if each.mark.startswith("not run")], ids=str)
def test_what_cannot_be_run_here_is_a_command_that_exists(block: Block) -> None:
    allowed, tests = NOT_RUN[block.mark.removeprefix("not run: ")]
    known = "".join(
        (ROOT / name).read_text("utf-8") for name in ("Makefile", "scripts/build_image.py", "docs/settings.md")
    )

    assert (ROOT / tests).exists()
    if block.language == "python":
        compile(block.text, str(block), "exec")
        return
    assert block.commands
    for command in block.commands:
        assert re.fullmatch(allowed, command), f"{block}: {command}"
        for variable in re.findall(r"(?<!\S)([A-Z_]+)=", command.partition(" -e ")[0]):
            assert re.search(rf"\b{variable}\b", known), f"{block}: {variable}"
        for path in re.findall(r"\bdocker/[\w./-]+", command):
            assert (ROOT / path).exists(), f"{block}: {path}"
        if re.search(r"(^|\s)make ", command):
            dry = re.sub(
                r"(^|\s)make ",
                r"\1make -n -o .venv/.complete -o .venv-paddle/.complete -o .venv-vllm/.complete ",
                command,
            )
            subprocess.run(["bash", "-c", dry], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("block", [each for each in _ALL if each.language == "toml"], ids=str)
def test_an_entry_of_the_catalogue_is_one(block: Block, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(block.text, "utf-8")

    assert catalog.read(tmp_path).keys() - catalog.read().keys() == tomllib.loads(block.text)["models"].keys()


@pytest.mark.parametrize("block", [each for each in _ALL if each.mark.startswith("is ")], ids=str)
def test_a_reply_that_nothing_gives_here_has_the_shape_of_one(block: Block) -> None:
    model = getattr(schemas, block.mark.removeprefix("is "))

    assert model.model_validate_json(block.text).model_dump(mode="json")


def test_every_metric_is_explained(docs_server: Server) -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    rows = re.findall(r"^\| (`ocr_[^|]*`) \| (\w+) \|", page, re.MULTILINE)
    explained = {name: kind for names, kind in rows for name in re.findall(r"`(\w+)`", names)}
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in text_string_to_metric_families(docs_server.client.get("/metrics").text)
        if family.name.startswith("ocr_") and not family.name.endswith("_created")
    }
    source = "".join(path.read_text("utf-8") for path in (ROOT / "server").glob("*.py"))

    assert families.items() <= explained.items()
    for name in explained.keys() - families.keys():  # of a GPU
        assert f'"{name.removesuffix("_total")}"' in source, name


def test_a_receiver_knows_our_webhooks() -> None:
    program: dict[str, object] = {}
    exec(_of("receiver").text, program)
    is_genuine = program["is_genuine"]
    assert callable(is_genuine)
    for secret in ("whsec_" + "QUJD" * 8, "sixteen-characters-or-more"):
        headers = signing.signed(secret, "msg_1", int(time.time()), b"{}")
        assert is_genuine(secret, headers, b"{}")
        assert not is_genuine(secret, headers, b"{ }")
        assert not is_genuine(secret + "x" * 4, headers, b"{}")
        assert not is_genuine(secret, signing.signed(secret, "msg_1", int(time.time()) - 900, b"{}"), b"{}")
