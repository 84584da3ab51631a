"""The web page: who gets it, with which headers, how heavy it is, and that its build is the same bytes every time."""

import base64
import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.contract.routes import PAGE_FILES
from tests.contract.running import ROOT, TOKEN, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract

DIST = ROOT / "web/dist"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
MOST_BYTES = 500_000
HASHED = re.compile(r"app-[A-Z0-9]{8}\.(js|css)")
_NODE = ROOT / ".venv-web/bin"
_NOT_BUILT_WITH = ("typescript", "@typescript", "axe-core")  # of web/: what its build does not need


@pytest.fixture
def anyone(server: Server) -> Iterator[httpx2.Client]:
    """A client without a token."""
    with server.new_client(token=None) as client:
        yield client


def names() -> list[str]:
    """The files that are served beside the page."""
    return [path.name for path in DIST.iterdir() if path.name not in {"index.html", "packages.json"}]


@pytest.mark.parametrize(
    "accept",
    [
        CHROME,
        "text/html",
        "TEXT/HTML",
        "text/html;q=0.9, application/json;q=0.8",
        "application/json;q=0.5, text/html",
        "text/html, application/json",
    ],
)
def test_a_browser_gets_the_page_without_a_token(anyone: httpx2.Client, accept: str) -> None:
    reply = anyone.get("/", headers={"Accept": accept})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.content == (DIST / "index.html").read_bytes()
    assert {each.strip() for each in reply.headers["vary"].split(",")} == {"Accept", "Accept-Encoding"}


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "",
        "application/json",
        "text/*",
        "text/html;q=0",
        "text/html;q=0.8, application/json;q=0.9",
        "application/json, text/html",
        "text/html;q=nonsense",
        "text/htmlx",
        "text/markdown",
    ],
)
def test_a_program_gets_json_for_its_token(client: httpx2.Client, anyone: httpx2.Client, accept: str) -> None:
    reply = client.get("/", headers={"Accept": accept})
    assert reply.json()["service"] == "offline-ocr"
    assert reply.headers["vary"] == "Accept"
    assert_problem(anyone.get("/", headers={"Accept": accept}), 401, "unauthorized")


def test_a_browser_with_a_token_or_a_wrong_one_gets_the_page(anyone: httpx2.Client) -> None:
    for password in (TOKEN, "wrong"):
        basic = "Basic " + base64.b64encode(f"x:{password}".encode()).decode()
        reply = anyone.get("/", headers={"Accept": CHROME, "Authorization": basic})
        assert reply.headers["content-type"].startswith("text/html")


def test_the_page_counts_for_no_limit(start: Callable[..., Server]) -> None:
    server = start(PRELOAD="none", AUTH_MODE="platform", API_TOKENS="", RATE_LIMIT_PER_MINUTE="1").live()
    with server.new_client(token=None) as client:
        for _ in range(3):
            assert client.get("/", headers={"Accept": CHROME}).status_code == 200
            assert client.get("/web/icon.svg").status_code == 200
        assert client.get("/").status_code == 200
        assert_problem(client.get("/"), 429, "rate_limited")

    def paths() -> list[str]:
        return [line["path"] for line in server.log() if line["event"] == "request"]

    wait_for(lambda: len(paths()) >= 5, "the log has the requests")
    assert paths() == ["/"] * 5  # not the files


def test_it_is_guarded_by_headers(anyone: httpx2.Client) -> None:
    for reply in (anyone.get("/", headers={"Accept": CHROME}), *(anyone.get(f"/web/{name}") for name in names())):
        assert reply.status_code == 200
        assert dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; ")) == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob:",
            "connect-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "dompurify",
        }
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cross-origin-opener-policy"] == "same-origin"
        assert reply.headers["permissions-policy"] == "camera=(), microphone=(), geolocation=()"


def test_it_loads_its_own_files_and_nothing_else(anyone: httpx2.Client) -> None:
    """By addresses relative to where it is: a gateway may have put it below a path."""
    page = anyone.get("/", headers={"Accept": CHROME}).text
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=", page)
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert {Path(link).suffix for link in links} == {".js", ".css", ".svg"}
    for link in links:
        assert re.fullmatch(r"web/[\w.-]+", link)
        assert anyone.get("/" + link).status_code == 200


def test_what_is_named_by_its_content_is_kept_the_rest_asked_for(anyone: httpx2.Client) -> None:
    assert len([name for name in names() if HASHED.fullmatch(name)]) == 2
    for address in ("/", *(f"/web/{name}" for name in names())):
        reply = anyone.get(address, headers={"Accept": CHROME})
        for_ever = HASHED.fullmatch(address.rpartition("/")[2])
        expected = "public, max-age=31536000, immutable" if for_ever else "no-cache"
        assert reply.headers["cache-control"] == expected, address
        tag = reply.headers["etag"]
        for sent in (tag, f'"other", {tag}'):
            again = anyone.get(address, headers={"Accept": CHROME, "If-None-Match": sent})
            assert (again.status_code, again.content) == (304, b"")
            assert {again.headers[name] for name in ("etag", "cache-control")} == {tag, expected}
            assert again.headers["vary"] == reply.headers["vary"]
        assert anyone.get(address, headers={"Accept": CHROME, "If-None-Match": '"other"'}).content == reply.content


@pytest.mark.parametrize(
    ("coding", "compressed"),
    [("gzip", True), ("gzip, deflate, br, zstd", True), ("gzip;q=0", False), ("identity", False), ("br", False)],
)
def test_it_is_compressed_for_who_takes_that(anyone: httpx2.Client, coding: str, compressed: bool) -> None:
    for name in names():
        with anyone.stream("GET", f"/web/{name}", headers={"Accept-Encoding": coding}) as reply:
            raw = b"".join(reply.iter_raw())
            assert ("content-encoding" in reply.headers) is compressed
            assert reply.headers["content-length"] == str(len(raw))
            assert reply.headers["vary"] == "Accept-Encoding"
        assert (gzip.decompress(raw) if compressed else raw) == (DIST / name).read_bytes()


def test_all_that_a_browser_loads_is_light(anyone: httpx2.Client) -> None:
    sizes = {}
    for address in ("/", *(f"/web/{name}" for name in names() if name != "licences.txt")):
        with anyone.stream("GET", address, headers={"Accept": CHROME, "Accept-Encoding": "gzip"}) as reply:
            assert reply.headers["content-encoding"] == "gzip"
            sizes[address] = sum(map(len, reply.iter_raw()))
    print(f"the page weighs {sum(sizes.values()) / 1e3:.0f} kB: {sizes}")
    assert sum(sizes.values()) < MOST_BYTES


def test_each_file_has_its_media_type(anyone: httpx2.Client) -> None:
    types = {Path(name).suffix: anyone.get(f"/web/{name}").headers["content-type"] for name in names()}
    assert types == {
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }


@pytest.mark.parametrize(
    "name",
    [
        *(
            "nope.js",
            "index.html",
            "packages.json",
            "..%2findex.html",
            "..%2f..%2fserver%2fapp.py",
            "%2e%2e/index.html",
        ),
        *("%2fetc%2fpasswd", "%00", "%ff", "icon.svg%00", "./nope", "ICON.SVG", "", "dist", "a" * 5000),
    ],
)
def test_no_name_leads_elsewhere(anyone: httpx2.Client, name: str) -> None:
    assert_problem(anyone.get(f"/web/{name}"), 404, "not_found")


def test_they_take_no_other_method(anyone: httpx2.Client) -> None:
    for route in PAGE_FILES:
        for method in ("HEAD", "POST", "DELETE"):
            reply = anyone.request(method, route.path)
            assert (reply.status_code, reply.headers["allow"]) == (405, "GET")


def test_where_it_is_not_built_browsers_get_json_and_the_log_says_why(tmp_path: Path) -> None:
    """A checkout in which nobody has run `make setup`."""
    for name in ("server", "pyproject.toml", "CHANGELOG.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "server", tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "server").unlink()
    (tmp_path / "copy").rename(tmp_path / "server")
    with Server(PYTHONPATH=str(tmp_path), PYTHONSAFEPATH="1", PRELOAD="none") as running:
        reply = running.live().client.get("/", headers={"Accept": CHROME})
        assert reply.json()["service"] == "offline-ocr"
        with running.new_client(token=None) as anyone:
            assert_problem(anyone.get("/", headers={"Accept": CHROME}), 401, "unauthorized")
            assert_problem(anyone.get("/web/icon.svg"), 404, "not_found")
        [line] = [line for line in running.log() if line["level"] == "warning"]
    assert "make setup builds it" in line["event"]


def test_built_in_another_folder_it_is_the_same_bytes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "web", tmp_path / "page", symlinks=True, ignore=shutil.ignore_patterns(*_NOT_BUILT_WITH))
    environment = {**os.environ, "PATH": f"{_NODE}:{os.environ['PATH']}"}
    subprocess.run(["npm", "run", "--silent", "build"], cwd=tmp_path / "page", env=environment, check=True)
    first, second = (
        {path.name: path.read_bytes() for path in folder.iterdir()} for folder in (DIST, tmp_path / "page/dist")
    )
    assert first == second
