"""Who may call: every address but the probes wants a token, whichever way it is sent."""

import base64
from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.contract import samples
from tests.contract.routes import HIDDEN, PAGE_FILES, Route, routes
from tests.contract.running import TOKEN, Server, assert_error, assert_problem

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


def _protected(client: httpx2.Client) -> list[Route]:
    found = [route for route in routes(client) if not route.path.startswith("/health")]
    assert len(found) >= 10
    return found + HIDDEN


def test_every_route_wants_a_token(server: Server, client: httpx2.Client) -> None:
    with server.new_client(token=None) as anyone:
        for route in _protected(client):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer"}):
                reply = anyone.request(route.method, route.path, headers=headers)
                assert_error(reply, 401, "unauthorized")
                for_browsers = route.path.startswith(("/docs", "/redoc", "/openapi.json"))
                assert reply.headers["www-authenticate"].startswith("Basic" if for_browsers else "Bearer"), route


def test_only_the_probes_and_the_page_are_open(server: Server, client: httpx2.Client) -> None:
    probes = [route for route in routes(client) if route not in _protected(client)]
    assert {route.path for route in probes} == {"/health", "/health/live", "/health/ready"}
    with server.new_client(token=None) as anyone:
        assert [anyone.get(route.path).status_code for route in probes] == [200, 200, 200]
        assert {anyone.get(route.path).status_code for route in PAGE_FILES} == {200}
        assert anyone.get("/", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"authorization": f"bearer  {TOKEN}"},
        {"X-API-Key": TOKEN},
        {"X-API-Key": TOKEN, "Authorization": "Bearer the-gateway's own"},
        {"Authorization": "Basic " + base64.b64encode(f"anybody:{TOKEN}".encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(f":{TOKEN}".encode()).decode()},
    ],
)
def test_ways_to_send_the_token(server: Server, headers: dict[str, str]) -> None:
    with server.new_client(token=None) as anyone:
        assert anyone.get("/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Token {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN.upper()}"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(f"{TOKEN}:".encode()).decode()},
        {"X-API-Key": "tok\u00e9"},
        {"Cookie": f"token={TOKEN}"},
    ],
)
def test_ways_that_do_not_count(server: Server, headers: dict[str, str]) -> None:
    with server.new_client(token=None) as anyone:
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        assert_problem(anyone.get("/models", headers=encoded), 401, "unauthorized")
        assert_problem(anyone.get("/models", params={"token": TOKEN, "api_key": TOKEN}), 401, "unauthorized")


def test_a_browser_is_asked_for_the_password(server: Server) -> None:
    with server.new_client(token=None) as browser:
        reply = browser.get("/docs", headers={"Accept": "text/html,application/xhtml+xml"})
    assert_problem(reply, 401, "unauthorized")
    assert reply.headers["www-authenticate"].startswith("Basic ")


def test_a_large_upload_without_a_token_hears_401(server: Server) -> None:
    with server.new_client(token=None) as anyone:
        assert_problem(anyone.post("/ocr", content=bytes(8 << 20)), 401, "unauthorized")


def test_the_document_describes_the_schemes(client: httpx2.Client) -> None:
    document = client.get("/openapi.json").json()
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert bool(operation.get("security")) != path.startswith("/health"), path


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with tokens from both sources, a limit of requests, and a web page that may call it."""
    tokens = tmp_path_factory.mktemp("auth") / "tokens"
    tokens.write_text("# of the team\nfrom-file   # the scanner's\n\nfrom-file-2\n")
    with Server(
        PRELOAD="none",
        API_TOKENS="first, second",
        API_TOKENS_FILE=str(tokens),
        RATE_LIMIT_PER_MINUTE="4",
        CORS_ORIGINS="https://ui.example, http://localhost:3000",
    ) as running:
        yield running.live()


def test_several_tokens_and_a_limit_for_each(several: Server) -> None:
    with several.new_client(token=None) as client:
        for token in ("first", "second", "from-file", "from-file-2"):
            replies = [client.get("/models", headers={"X-API-Key": token}) for _ in range(5)]
            assert [reply.status_code for reply in replies[:4]] == [200] * 4
            problem = assert_problem(replies[4], 429, "rate_limited")
            assert 1 <= problem["retry_after"] <= 60
        for token in ("# of the team", "team", "from-file   # the scanner's", "first, second", "first,second", ""):
            assert_problem(client.get("/models", headers={"X-API-Key": token}), 401, "unauthorized")
        assert client.get("/health/live").status_code == 200  # probes have no limit


def test_listed_origins_may_call(several: Server) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    with several.new_client(token=None) as client:
        reply = client.options("/ocr", headers={"Origin": "https://ui.example", **preflight})
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == "https://ui.example"
        refused = client.get("/models", headers={"Origin": "https://ui.example"})
        assert_problem(refused, 401, "unauthorized")
        assert refused.headers["access-control-allow-origin"] == "https://ui.example"  # else the page cannot read why
        for origin in ("https://evil.example", "https://ui.example.evil", "http://ui.example", "null"):
            stranger = client.options("/ocr", headers={"Origin": origin, **preflight})
            assert "access-control-allow-origin" not in stranger.headers
            assert "access-control-allow-origin" not in client.get("/models", headers={"Origin": origin}).headers


def test_no_origin_may_call_by_default(client: httpx2.Client) -> None:
    reply = client.get("/models", headers={"Origin": "https://ui.example"})
    assert reply.status_code == 200
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert client.options("/ocr", headers={"Origin": "https://ui.example"}).status_code == 405


def test_behind_a_gateway_that_has_checked(start: Start) -> None:
    server = start(PRELOAD="none", AUTH_MODE="platform", API_TOKENS="").live()
    with server.new_client(token=None) as client:
        assert client.get("/models").status_code == 200
        assert client.get("/models", headers={"Authorization": "Bearer of-the-gateway"}).status_code == 200
        assert client.post("/ocr", files={"file": ("x", b"no image")}).status_code == 415


def test_tokens_are_of_different_callers(start: Start) -> None:
    server = start(PRELOAD="none", API_TOKENS="one,two").live()
    with server.new_client("one") as one, server.new_client("two") as two:
        reply = one.post("/ocr", files={"file": ("a.png", samples.png())}, data={"save": "true"})
        address = reply.json()["local_files"]["json"]
        assert one.get(address).status_code == 200
        assert [row["url"] for row in one.get("/files").json()["files"] if row["type"] == "json"] == [address]
        assert_problem(two.get(address), 404, "not_found")
        assert two.get("/files").json() == {"files": []}
