"""Bad input is the caller's mistake: always a 4xx with its stable code, never a success and never a 500."""

import base64
import json
import random
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests import makers
from tests.contract import samples
from tests.contract.running import TOKEN, Server, assert_error, assert_problem, wait_for

pytestmark = pytest.mark.contract

MIB = 1 << 20


def _jpeg() -> bytes:
    return makers.encode(makers.text_image(samples.WORDS), "JPEG")


def _docx() -> bytes:
    return b"PK\x03\x04\x14\0\x06\0\x08\0" + bytes(16) + b"\x13\0\0\0word/document.xml" + bytes(200)


def _mistakes(server: Server) -> tuple[int, int]:
    """How many lines of the log tell of one, and how many routes have answered with 500."""
    told = [line for line in server.log() if line["level"] in {"error", "critical"}]
    replies = server.client.get("/metrics").text.count('status="500"')
    return sum(line["logger"] != "server.worker" for line in told), replies


@pytest.fixture(scope="module", autouse=True)
def mistakes_before(server: Server) -> tuple[int, int]:
    """What other files' tests have left."""
    return _mistakes(server)


FILES: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "empty_file"),
    "cut off PNG": (samples.png()[:700], 422, "damaged_file"),
    "PNG signature alone": (samples.png()[:8], 422, "damaged_file"),
    "cut off JPEG": (_jpeg()[:900], 422, "damaged_file"),
    "JPEG signature alone": (b"\xff\xd8\xff", 422, "damaged_file"),
    "cut off PDF": (makers.truncated_pdf(0.3), 422, "damaged_file"),
    "PDF signature alone": (b"%PDF-1.7\n", 422, "damaged_file"),
    "PDF without pages": (makers.empty_pdf(), 422, "damaged_file"),
    "PDF with a password": (makers.encrypted_pdf("secret", "owner"), 422, "encrypted_pdf"),
    "PDF of a million pages": (makers.million_page_pdf(), 413, "too_many_pages"),
    "100000 x 100000 in the header": (makers.header_bomb_png(), 413, "too_many_pixels"),
    "PNG that unpacks to 900 megapixels": (makers.zip_bomb_png(), 413, "too_many_pixels"),
    "a Word document": (_docx(), 415, "unsupported_type"),
    "a zip archive": (b"PK\x03\x04" + bytes(100), 415, "unsupported_type"),
    "a web page": (b"<!doctype html><p>hello", 415, "unsupported_type"),
    "a drawing": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unsupported_type"),
    "plain text": (b"hello", 415, "unsupported_type"),
    "random bytes": (b"\0" + random.Random(7).randbytes(5000), 415, "unsupported_type"),
}


@pytest.mark.parametrize("name", FILES)
def test_documents_that_are_none(client: httpx2.Client, name: str) -> None:
    data, status, code = FILES[name]
    assert_problem(client.post("/ocr", files={"file": ("scan.png", data)}), status, code)
    if data:
        text = base64.b64encode(data).decode()
        assert_problem(client.post("/ocr", json={"image_base64": text}), status, code)


def test_a_pdf_that_only_an_owner_protects_is_read(client: httpx2.Client) -> None:
    reply = client.post("/ocr", files={"file": ("x", makers.encrypted_pdf("", "owner"))})
    assert reply.json()["combined_text"] == "[Страница 1]\nPage 1"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "a\0b.png",
        "x" * 4000,
        "%2e%2e%2f",
        "; rm -rf",
        "",
    ],
)
def test_names_that_look_like_paths_are_harmless(server: Server, name: str) -> None:
    quoted = name.encode().replace(b'"', b"%22")
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + quoted + b'"\r\n\r\n'
    body += b"no image\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = server.client.post("/ocr", content=body, headers=headers)
    assert reply.status_code in {400, 415}
    assert_problem(reply, reply.status_code, reply.json()["code"])
    wait_for(lambda: server.spooled() == [], "the spool is empty")


IMAGE = base64.b64encode(samples.png()).decode()
BODIES: dict[str, tuple[Any, int, str]] = {
    "none": ({}, 400, "no_input"),
    "none but options": ({"model_name": "pp-ocr"}, 400, "no_input"),
    "two": ({"image_base64": IMAGE, "image_url": "https://example.com/a.png"}, 400, "two_inputs"),
    "letters that are not base64": ({"image_base64": IMAGE[:40] + "!" + IMAGE[40:]}, 400, "bad_base64"),
    "base64 cut off": (
        {"image_base64": IMAGE.rstrip("=") + "A" * (-(len(IMAGE.rstrip("=")) - 1) % 4)},
        400,
        "bad_base64",
    ),
    "a data URI without base64": ({"image_base64": "data:image/png,abc"}, 400, "bad_base64"),
    "base64 of nothing": ({"image_base64": "data:image/png;base64,"}, 400, "empty_file"),
    "a number for base64": ({"image_base64": 7}, 400, "bad_request"),
    "a list for base64": ({"image_base64": [IMAGE]}, 400, "bad_request"),
    "a file in JSON": ({"file": IMAGE}, 400, "bad_request"),
    "a list": ([{"image_base64": IMAGE}], 400, "bad_request"),
    "a string": ("hello", 400, "bad_request"),
    "a URL": ({"image_url": "https://example.com/a.png"}, 403, "url_input_disabled"),
    "unknown model": ({"image_base64": IMAGE, "model_name": "nope"}, 404, "unknown_model"),
    "a path for a model": ({"image_base64": IMAGE, "model_name": "../../etc/passwd"}, 404, "unknown_model"),
    "a list for a model": ({"image_base64": IMAGE, "model_name": ["pp-ocr"]}, 422, "bad_option"),
    "too many fields": ({"image_base64": IMAGE, **{f"f{n}": n for n in range(200)}}, 400, "bad_request"),
    "deep": ({"image_base64": IMAGE, "pages": json.loads("[" * 500 + "]" * 500)}, 400, "bad_request"),
}


@pytest.mark.parametrize("name", BODIES)
def test_json_that_will_not_do(client: httpx2.Client, name: str) -> None:
    body, status, code = BODIES[name]
    assert_problem(client.post("/ocr", json=body), status, code)


@pytest.mark.parametrize(
    "text",
    [
        *(b"{", b"null", b'{"image_base64": ', b"\xff\xfe", b"{'a': 1}", b'{"a": NaN}', b"", b"9" * 5000),
        *(b"[" * 100_000, b'{"a":' * 50_000, b'{"prompt": "\\ud800", "image_base64": ""}', b'{"a": 1, "a": 2}'),
    ],
)
def test_text_that_is_no_json(client: httpx2.Client, text: bytes) -> None:
    reply = client.post("/ocr", content=text, headers={"Content-Type": "application/json"})
    assert_problem(reply, 400, "bad_request")


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
FORMS: dict[str, tuple[bytes, str, int, str]] = {
    "no boundary": (PART + b"x\r\n--b--\r\n", "multipart/form-data", 400, "bad_request"),
    "another boundary": (PART + b"x\r\n--b--\r\n", "multipart/form-data; boundary=other", 400, "bad_request"),
    "cut off": (PART + b"x", "multipart/form-data; boundary=b", 400, "bad_request"),
    "no name": (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", 400, "bad_request"),
    "no part": (b"--b--\r\n", "multipart/form-data; boundary=b", 400, "no_input"),
    "rubbish": (b"\0\xff" * 50, "multipart/form-data; boundary=b", 400, "bad_request"),
    "a picture as body": (samples.png(), "image/png", 415, "unsupported_type"),
    "a picture without a type": (samples.png(), "", 415, "unsupported_type"),
    "text": (b"hello", "text/plain", 415, "unsupported_type"),
    "no type that there is": (b"hello", ";;;", 415, "unsupported_type"),
    "a form with a file by name": (b"file=abc", "application/x-www-form-urlencoded", 400, "bad_request"),
    "an empty form": (b"", "application/x-www-form-urlencoded", 400, "no_input"),
}


@pytest.mark.parametrize("name", FORMS)
def test_bodies_that_are_no_form(client: httpx2.Client, name: str) -> None:
    body, content_type, status, code = FORMS[name]
    headers = {"Content-Type": content_type} if content_type else {}
    assert_problem(client.post("/ocr", content=body, headers=headers), status, code)


def test_two_files(client: httpx2.Client) -> None:
    two = [("file", ("a.png", samples.png())), ("image", ("b.png", samples.png()))]
    assert_problem(client.post("/ocr", files=two), 400, "two_inputs")
    assert_problem(
        client.post("/ocr", files={"file": ("a.png", samples.png())}, data={"image_base64": IMAGE}), 400, "two_inputs"
    )


@pytest.mark.parametrize(
    "pages",
    [
        "0",
        "4",
        "2-5",
        "3-2",
        "-1",
        "a",
        "1;2",
        "1-",
        ",",
        "1,,2",
        "1.5",
        "99999999999999999999",
        "\u0661",
        "1-3-5",
        "x" * 900,
    ],
)
def test_pages_that_the_document_does_not_have(client: httpx2.Client, pages: str) -> None:
    reply = client.post("/ocr", files={"file": ("x.pdf", samples.pdf(3))}, data={"pages": pages})
    assert_problem(reply, 422, "bad_page_range")


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    """A server that takes 1 MiB, 2 pages, and documents by URL."""
    with Server(PRELOAD="none", MAX_UPLOAD_MB="1", MAX_PAGES="2", ALLOW_URL_INPUT="true") as running:
        yield running.live()


def test_more_pages_than_the_server_takes(small: Server) -> None:
    problem = assert_problem(small.ocr(samples.pdf(3)), 413, "too_many_pages")
    assert "1-2" in problem["detail"]
    assert_problem(small.ocr(samples.pdf(3), pages="1-3"), 413, "too_many_pages")


def test_an_upload_over_the_limit_hears_so(small: Server) -> None:
    """A body of several MB is still on its way when the refusal comes: the client must hear it nevertheless."""
    data = makers.encode(makers.text_image("x"), "BMP").ljust(8 * MIB, b"\0")
    for _ in range(5):
        assert_problem(small.ocr(data), 413, "upload_too_large")

    def chunks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for start in range(0, len(data), 65536):
            yield data[start : start + 65536]
        yield b"\r\n--b--\r\n"

    for _ in range(5):
        with small.new_client() as client:
            reply = client.post("/ocr", content=chunks(), headers={"Content-Type": "multipart/form-data; boundary=b"})
        assert_problem(reply, 413, "upload_too_large")
    text = {"image_base64": base64.b64encode(data).decode()}
    with small.new_client() as client:
        assert_problem(client.post("/ocr", json=text), 413, "upload_too_large")
    wait_for(lambda: small.spooled() == [], "the spool is empty")
    # just above the limit, where the body as a whole passes
    assert_problem(small.ocr(data[: MIB + 1]), 413, "upload_too_large")


def test_a_lie_about_the_length(small: Server) -> None:
    head = f"POST /ocr HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", small.port), 30) as connection:
        connection.sendall(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection(("127.0.0.1", small.port), 30) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())  # and then the caller is gone
    assert small.client.get("/health/live").status_code == 200


URLS = [
    *("http://169.254.169.254/latest/meta-data/", "http://localhost/a.png", "http://127.0.0.1/a.png", "http://[::1]/a.png"),
    *("http://0x7f000001/", "http://2130706433/", "http://127.1/", "http://0/", "http://0.0.0.0/", "http://[::]/"),
    *("http://[::ffff:127.0.0.1]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://10.0.0.1/", "http://192.168.0.1/"),
    *("http://172.16.0.1/", "http://100.100.100.200/", "http://017700000001/", "http://127.0.0.1./", "http://localhost./"),
    *("file:///etc/passwd", "ftp://example.com/a.png", "gopher://example.com/", "data:image/png;base64,AAAA"),
    *("http://user:secret@example.com/", "http://", "a.png", "//example.com/", "http://exa mple.com/", "http://\u2460\u2461\u2466.0.0.1/"),
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_addresses_that_are_not_fetched(small: Server, url: str) -> None:
    reply = small.client.post("/ocr", json={"image_url": url})
    assert_problem(reply, 422, "url_not_allowed")
    assert "root:" not in reply.text
    if url.startswith("http://"):  # anything else is base64, there
        assert_error(small.client.post("/layout-parsing", json={"file": url}), 422, "")


def test_nobody_calls_a_local_port(small: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"):
            reply = small.client.post("/ocr", data={"image_url": f"http://{host}:{port}/a.png"})
            assert_problem(reply, 422, "url_not_allowed")
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_nothing_of_all_this_counted_as_our_mistake(
    server: Server, small: Server, mistakes_before: tuple[int, int]
) -> None:
    """Runs last in this file."""
    assert _mistakes(server) == mistakes_before
    assert _mistakes(small) == (0, 0)
