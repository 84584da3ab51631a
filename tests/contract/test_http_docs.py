"""The API's own pages: complete from the image alone, also in a real browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.contract.routes import HIDDEN
from tests.contract.running import TOKEN, Server

pytestmark = pytest.mark.contract

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--virtual-time-budget=15000", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_pages_name_nothing_elsewhere(client: httpx2.Client, page: str) -> None:
    reply = client.get(page)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", reply.text)
    assert len(links) >= 3
    for link in links:
        assert not urlsplit(link).netloc, link
        assert client.get("/" + link.lstrip("/")).status_code == 200, link


def test_assets(client: httpx2.Client) -> None:
    for route in HIDDEN:
        reply = client.get(route.path)
        assert reply.status_code == 200
        assert len(reply.content) > 500
    assert "javascript" in client.get("/docs/assets/swagger-ui-bundle.js").headers["content-type"]
    assert client.get("/docs/assets/swagger-ui.css").headers["content-type"].startswith("text/css")


def test_the_document_is_openapi(client: httpx2.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert document["paths"]["/ocr"]["post"]["requestBody"] == {"$ref": "#/components/requestBodies/Document"}
    assert set(document["components"]["requestBodies"]["Document"]["content"]) == {
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "application/json",
    }
    text = json.dumps(document)
    for kind, name in re.findall(r'"#/components/([a-zA-Z]+)/([^"]+)"', text):
        assert name in document["components"][kind], name


def _rendered(address: str, profile: Path) -> str:
    """The page's document after its scripts have run."""
    assert BROWSER
    command = [BROWSER, *_FLAGS, f"--user-data-dir={profile}", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    return done.stdout


@pytest.mark.timeout(240)
@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_pages_in_a_browser(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(PRELOAD="none", AUTH_MODE="platform", API_TOKENS="").live()
    assert 'data-path="/ocr"' in _rendered(f"{server.url}/docs", tmp_path)
    assert 'data-section-id="tag/ocr' in _rendered(f"{server.url}/redoc", tmp_path)
    assert {line["status"] for line in server.log() if line["event"] == "request"} == {200}


@pytest.mark.timeout(240)
@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_a_browser_with_the_token_as_password(server: Server, tmp_path: Path) -> None:
    """The pages' scripts are let in as the pages themselves are."""
    address = f"http://x:{TOKEN}@127.0.0.1:{server.port}"
    assert 'data-path="/ocr"' in _rendered(f"{address}/docs", tmp_path)
    assert 'data-section-id="tag/ocr' in _rendered(f"{address}/redoc", tmp_path)
