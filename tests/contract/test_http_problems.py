"""Every failure on every address has one shape: RFC 9457, a stable code, and the request's id."""

import re
import socket
from collections import defaultdict

import httpx2
import pytest

from tests.contract.routes import HIDDEN, PAGE_FILES, routes
from tests.contract.running import TOKEN, Server, assert_error, assert_problem

pytestmark = pytest.mark.contract


def test_wrong_method_on_every_route(client: httpx2.Client) -> None:
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in [*routes(client), *HIDDEN, *PAGE_FILES]:
        methods[route.path].add(route.method)
    for route in [*routes(client), *HIDDEN, *PAGE_FILES]:
        for method in {"PATCH", "PUT", "TRACE", "POST", "GET"} - methods[route.path]:
            reply = client.request(method, route.path)
            if reply.status_code != 404:  # what the other method of the same path says of `x`
                assert_error(reply, 405, "method_not_allowed")
                assert route.method in reply.headers["allow"]


def test_unknown_names_on_every_route(client: httpx2.Client) -> None:
    for filling in ("nope", "%00", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a" * 5000, "%ff", "\u0416"):
        for route in routes(client, filling):
            if route.named:
                reply = client.request(route.method, route.path)
                assert reply.status_code == 404, reply.text
                assert_error(reply, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/docs/assets/nope.js",
        "/docs/assets/..%2f..%2fsettings.py",
        "/files/json",
        "/%00",
        "/%ff",
        "/ocr/x",
    ],
)
def test_unknown_addresses(client: httpx2.Client, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


def test_unknown_addresses_of_openai(client: httpx2.Client) -> None:
    reply = client.get("/v1/embeddings")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


def test_posts_without_a_body(client: httpx2.Client) -> None:
    posts = [route for route in routes(client, "nope") if route.method == "POST"]
    assert posts
    for route in posts:
        if route.path == "/test/s3-upload":  # takes no body
            continue
        reply = client.post(route.path)
        assert 400 <= reply.status_code < 500
        assert_error(reply, reply.status_code)


def test_every_reply_has_an_id_of_its_own(client: httpx2.Client) -> None:
    ids = [client.get(path).headers["x-request-id"] for path in ("/", "/health/live", "/nope", "/metrics", "/docs")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"req_[0-9a-f]{24}", each) for each in ids)


def test_the_callers_own_id_is_kept(client: httpx2.Client) -> None:
    for own in ("job-7.page_3", "A" * 100):
        assert assert_problem(client.get("/nope", headers={"X-Request-ID": own}), 404, "not_found")["request_id"] == own


@pytest.mark.parametrize("own", ["", "A" * 101, "a b", 'a"b', "a;b", "a\\nb", "\u00e9"])
def test_an_id_that_could_do_harm_is_replaced(client: httpx2.Client, own: str) -> None:
    reply = client.get("/health/live", headers={"X-Request-ID": own.encode("latin-1")})
    assert reply.headers["x-request-id"].startswith("req_")


def test_what_is_no_http_harms_nobody(server: Server) -> None:
    for rubbish in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\0\x01", b"A" * 200_000):
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            try:
                connection.sendall(rubbish)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:  # it may hang up at any time
                pass
    assert server.client.get("/health/live").status_code == 200


def test_a_request_on_a_used_connection_starts_afresh(server: Server) -> None:
    with server.new_client() as client:
        client.post("/ocr", content=b"{}", headers={"Content-Type": "application/json", "X-Request-ID": "first"})
        second = client.get("/nope", headers={"X-Request-ID": "second"})
        assert second.json()["request_id"] == "second"
    assert TOKEN not in second.text
