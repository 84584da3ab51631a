"""The web page's files, as the server holds them."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from server import web_page
from server.settings import AuthMode
from server.web_page import WebFile

FILES = {
    "index.html": '<!doctype html><meta name="auth-mode" content="bearer">',
    "app-AB12CD34.js": "let page;" * 100,
    "app.js": "let page;",
    "icon.svg": "<svg/>",
    "licences.txt": "MIT",
    "packages.json": "[]",
    ".complete": "",
}


def read(folder: Path, auth_mode: AuthMode = AuthMode.BEARER) -> Mapping[str, WebFile]:
    return web_page.read(folder, auth_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_only_what_a_page_is_made_of_is_there(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner/more.js").write_text("")
    found = read(folder)

    assert found.keys() == FILES.keys() - {"packages.json", ".complete"}
    assert found["app.js"].media_type == "text/javascript; charset=utf-8"


def test_what_is_compressed_is_the_same_text_each_time(folder: Path) -> None:
    first, second = (read(folder)["app-AB12CD34.js"] for _ in range(2))

    assert gzip.decompress(first.compressed) == first.content == FILES["app-AB12CD34.js"].encode()
    assert first == second
    assert len(first.compressed) < len(first.content)


def test_only_a_name_made_of_the_content_is_kept_for_ever(folder: Path) -> None:
    kept = {name for name, file in read(folder).items() if "immutable" in file.caching}

    assert kept == {"app-AB12CD34.js"}
    assert {file.caching for name, file in read(folder).items() if name not in kept} == {"no-cache"}


def test_another_content_has_another_tag(folder: Path) -> None:
    before = read(folder)["index.html"].etag
    (folder / "index.html").write_text("<!doctype html> ")

    assert read(folder)["index.html"].etag != before


def test_without_its_first_file_there_is_no_page(folder: Path) -> None:
    (folder / "index.html").unlink()

    assert read(folder) == {}
    assert read(folder / "nothing") == {}


def test_the_page_is_told_who_checks_tokens(folder: Path) -> None:
    bearer, platform = (read(folder, mode)["index.html"] for mode in AuthMode)

    assert bearer.content == FILES["index.html"].encode()
    assert platform.content == bearer.content.replace(b"bearer", b"platform")
    assert platform.etag != bearer.etag
