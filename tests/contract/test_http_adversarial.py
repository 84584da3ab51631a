"""Requests made to mislead: what the wire allows beside what clients send. None is believed, none is a success or a 500."""

import base64
import gzip
import json
import socket
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.contract import jobs, samples
from tests.contract.running import TOKEN, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract

IMAGE = base64.b64encode(samples.png()).decode()
DOCUMENT = json.dumps({"image_base64": IMAGE}).encode()
PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


def told(server: Server, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the reply to these very bytes; the first reply, if they are taken for several."""
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(request)
        reply = b""
        while chunk := connection.recv(65536):
            reply += chunk
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    return (
        int(status.split()[1]),
        {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines},
        body,
    )


def post(headers: str, body: bytes, path: str = "/ocr") -> bytes:
    """A request with these headers, and no others but those that it needs to come in."""
    return _head("POST", path, f"X-API-Key: {TOKEN}\r\n{headers}") + body


def _head(method: str, path: str, headers: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n".encode("latin-1")


JSON_TYPE = "Content-Type: application/json"
LENGTH = f"Content-Length: {len(DOCUMENT)}"
CHUNKS = b"".join(b"%x;name=value\r\n%s\r\n" % (len(part), part) for part in (DOCUMENT[:7], DOCUMENT[7:]))


def test_a_body_in_chunks_with_extensions_and_a_trailer(server: Server) -> None:
    body = CHUNKS + b"0\r\nX-API-Key: another\r\nContent-Length: 3\r\n\r\n"
    status, _, reply = told(server, post(f"{JSON_TYPE}\r\nTransfer-Encoding: chunked", body))
    assert (status, json.loads(reply)["text"]) == (200, samples.WORDS)


BROKEN: dict[str, bytes] = {
    "two lengths": post(f"{JSON_TYPE}\r\n{LENGTH}\r\nContent-Length: 3", DOCUMENT),
    "two lengths in one": post(f"{JSON_TYPE}\r\nContent-Length: {len(DOCUMENT)}, 3", DOCUMENT),
    "a length below nought": post(f"{JSON_TYPE}\r\nContent-Length: -1", DOCUMENT),
    "a length with a sign": post(f"{JSON_TYPE}\r\nContent-Length: +{len(DOCUMENT)}", DOCUMENT),
    "a length in words": post(f"{JSON_TYPE}\r\nContent-Length: many", DOCUMENT),
    "a length of thousands of digits": post(f"{JSON_TYPE}\r\nContent-Length: {'9' * 5000}", DOCUMENT),
    "chunks of no size": post(f"{JSON_TYPE}\r\nTransfer-Encoding: chunked", b"xyz\r\n\r\n0\r\n\r\n"),
    "chunks below nought": post(f"{JSON_TYPE}\r\nTransfer-Encoding: chunked", b"-1\r\n\r\n0\r\n\r\n"),
    "chunks of endless size": post(f"{JSON_TYPE}\r\nTransfer-Encoding: chunked", b"f" * 5000 + b"\r\n"),
    "another encoding": post(f"{JSON_TYPE}\r\nTransfer-Encoding: gzip, chunked", CHUNKS + b"0\r\n\r\n"),
    "a zero byte in a header": post(f"{JSON_TYPE}\r\n{LENGTH}\r\nX-Request-ID: a\0b", DOCUMENT),
    "a space before the colon": post(f"{JSON_TYPE}\r\nContent-Length : 3", DOCUMENT),
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a path with a space": b"GET /health/live x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path in bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_frame_is_refused_and_the_connection_closed(server: Server, name: str) -> None:
    status, headers, body = told(server, BROKEN[name])
    assert (status, headers["content-type"], headers["connection"]) == (400, "application/problem+json", "close")
    problem = json.loads(body)
    assert (problem["status"], problem["code"], problem["request_id"]) == (400, "bad_request", headers["x-request-id"])


def test_chunks_go_before_a_length(server: Server) -> None:
    """RFC 9112, 6.3: or the rest of the body would be taken for a request of its own."""
    smuggled = b"0\r\n\r\nGET /debug/logs HTTP/1.1\r\nHost: x\r\nX-API-Key: wrong\r\n\r\n"
    known = f"{JSON_TYPE}\r\nX-Request-ID: smuggler"
    request = post(f"{known}\r\nContent-Length: {len(smuggled)}\r\nTransfer-Encoding: chunked", smuggled)
    status, headers, _ = told(server, request)
    assert (status, headers["connection"]) == (400, "close")
    wait_for(lambda: '"smuggler"' in server.output(), "the request's line in the log")
    assert "/debug/logs" not in server.output().rpartition('"smuggler"')[2]


LIES: dict[str, tuple[str, bytes, int, str]] = {
    "JSON, which is a form": ("application/json", PART % (b"image_base64", b"AAAA") + b"--b--\r\n", 400, "bad_request"),
    "a form, which is JSON": ("multipart/form-data; boundary=b", DOCUMENT, 400, "bad_request"),
    "an urlencoded form, which is JSON": ("application/x-www-form-urlencoded", DOCUMENT, 400, "no_input"),
    "JSON by half": ("application/json-seq", DOCUMENT, 415, "unsupported_type"),
    "JSON with a suffix": ("application/vnd.api+json", DOCUMENT, 415, "unsupported_type"),
    "JSON in UTF-16": ("application/json; charset=utf-16", DOCUMENT.decode().encode("utf-16"), 400, "bad_request"),
    "two types in one": ("application/json, text/plain", DOCUMENT, 415, "unsupported_type"),
    "any type": ("*/*", DOCUMENT, 415, "unsupported_type"),
    "a boundary without end": (f"multipart/form-data; boundary={'b' * 8000}", DOCUMENT, 400, "bad_request"),
    "a boundary with a line break": ('multipart/form-data; boundary="a%0d%0ab"', DOCUMENT, 400, "bad_request"),
    "letters that are none": ("application/json\xff", DOCUMENT, 415, "unsupported_type"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_content_type_that_lies(client: httpx2.Client, name: str) -> None:
    content_type, body, status, code = LIES[name]
    headers = {"Content-Type": content_type.encode("latin-1")}
    assert_problem(client.post("/ocr", content=body, headers=headers), status, code)


def test_a_packed_body_is_not_unpacked(client: httpx2.Client) -> None:
    """Or a few bytes could become gigabytes."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert_problem(client.post("/ocr", content=gzip.compress(DOCUMENT), headers=headers), 400, "bad_request")


def test_the_first_of_two_content_types_counts(server: Server) -> None:
    status, _, reply = told(server, post(f"{JSON_TYPE}\r\nContent-Type: text/plain\r\n{LENGTH}", DOCUMENT))
    assert (status, json.loads(reply)["text"]) == (200, samples.WORDS)


def test_two_tokens_of_which_one_is_right(server: Server) -> None:
    """The first one counts, as for any other header: a second one cannot mend it, nor spoil it."""
    for first, second, status in (("wrong", TOKEN, 401), (TOKEN, "wrong", 200)):
        request = _head("GET", "/files", f"X-API-Key: {first}\r\nX-API-Key: {second}")
        assert told(server, request)[0] == status


@pytest.mark.parametrize("key", ["a\tb", "ключ".encode().decode("latin-1"), "\x7f", "a b", "a" * 256, "\xa0"])
def test_a_key_that_could_do_harm(client: httpx2.Client, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    reply = client.post("/jobs", json={"image_base64": IMAGE}, headers=headers)
    assert_problem(reply, 400, "bad_request")


def test_nothing_of_a_request_comes_back_as_a_header(client: httpx2.Client) -> None:
    for value in ("a%0d%0aSet-Cookie:%20x=1", "%0d%0a%0d%0a<script>", "%E5%98%8A%E5%98%8DSet-Cookie:x"):
        for path in (f"/jobs/{value}", f"/files/json/{value}", f"/{value}", f"/jobs?cursor={value}"):
            reply = client.get(path)
            assert reply.status_code in {404, 422}
            assert "set-cookie" not in reply.headers
            assert_problem(reply, reply.status_code, reply.json()["code"])


NUMBERS = (
    "9" * 400,
    "1e400",
    "-1e400",
    "nan",
    "NaN",
    "inf",
    "-0.1",
    "0x10",
    "\u0661",
    "1\0",
    "",
    " ",
    "1;2",
    "true",
)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_in_a_query(client: httpx2.Client, number: str) -> None:
    for path in ("/jobs?limit=", "/jobs/job_000000000000000000000000?wait="):
        reply = client.get(path + quote(number))
        assert_problem(reply, 422, "bad_option")
    assert_problem(client.get(f"/jobs?cursor={quote(number)}"), 422, "bad_option")


@pytest.mark.parametrize("last", ["9" * 400, "-1", "nan", "1.5", "\u00b2", "x", "1, 2", "1e3"])
def test_an_event_number_that_is_none_is_nought(jobs_server: Server, last: str) -> None:
    job = jobs.hand_in(jobs_server.client, jobs.small_pages(1))
    jobs.ended(jobs_server.client, job)
    with jobs_server.new_client() as client:
        reply = client.get(job["links"]["events"], headers={"Last-Event-ID": last.encode("latin-1")})
    assert jobs.parsed(reply.text)[0].id == 1


VALUES: tuple[Any, ...] = (
    10**400,
    -(10**400),
    1e308,
    -0.0,
    1e-320,
    [[]],
    {},
    [None],
    {"a": {}},
    "\u202e",
    "\U0001f600" * 1001,
)


@pytest.mark.parametrize("name", ["pages", "model_name", "formats", "save", "return_content", "prompt", "lang"])
def test_values_of_options(client: httpx2.Client, name: str) -> None:
    for value in VALUES:
        if name == "prompt" and isinstance(value, str):
            continue
        reply = client.post("/ocr", json={"image_base64": IMAGE, name: value})
        assert 400 <= reply.status_code < 500, (value, reply.text)
        assert_problem(reply, reply.status_code, reply.json()["code"])


@pytest.mark.parametrize("name", ["return_confidence", "return_content", "save"])
@pytest.mark.parametrize("value", ["true", "false", "1", "", 1, 0, 1.0, []])
def test_in_json_a_switch_is_true_or_false(client: httpx2.Client, name: str, value: object) -> None:
    assert_problem(client.post("/ocr", json={"image_base64": IMAGE, name: value}), 422, "bad_option")


def test_in_json_numbers_and_lists_are_no_texts(client: httpx2.Client) -> None:
    assert_problem(client.post("/ocr", json={"image_base64": IMAGE, "formats": "md,html"}), 422, "bad_option")
    for options in ({"lang": ["eng"]}, {"lang": "eng+"}, {"lang": ""}):
        body = {"image_base64": IMAGE, "model_name": "tesseract", **options}
        assert_problem(client.post("/ocr", json=body), 422, "bad_option")
    reply = client.post("/ocr", json={"image_base64": IMAGE, "pages": 1.0, "save": None, "unheard_of": None})
    assert (reply.status_code, reply.json()["text"]) == (200, samples.WORDS)


def test_a_page_range_that_is_none_is_told_before_a_document_is_opened(client: httpx2.Client) -> None:
    for pages in ("1-", "0", "3-2", 0, "x"):
        for path in ("/ocr/batch", "/jobs"):
            body = {"image_base64": ["AAAA", IMAGE], "pages": pages}
            assert_problem(client.post(path, json=body), 422, "bad_page_range")


PATHS = (
    *("..%2f..%2f..%2fetc%2fpasswd", "..%5c..%5cwin.ini", "%2e%2e", "%2e%2e%2f", "....//", "..%252f..%252fetc"),
    *("%c0%ae%c0%ae%2f", "%ef%bc%8e%ef%bc%8e%ef%bc%8f", "%2fetc%2fpasswd", "~root", "con", ".", "..", "job_%00"),
    *("%e2%80%ae", "%ed%a0%80", "*", "%25", "job_0000000000000000000000%C2%B2", "JOB_000000000000000000000000"),
    *("job_000000000000000000000000%0a", "'%20OR%201=1--"),
)


@pytest.mark.parametrize("path", PATHS)
def test_names_that_are_paths(server: Server, path: str) -> None:
    """As they stand: a client would put `..` right."""
    addresses = [
        f"/jobs/{path}",
        f"/jobs/{path}/events",
        f"/jobs/{path}/result",
        f"/files/json/{path}",
        f"/files/{path}/x",
    ]
    for address in addresses:
        status, headers, body = told(server, _head("GET", address, f"X-API-Key: {TOKEN}"))
        assert (status, headers["content-type"]) == (404, "application/problem+json"), address
        assert b"root:" not in body


NAMES = {
    "\u202egnp.exe\u202c.png": "gnp.exe.png",  # turned round for the eye
    "\u0421\u0447\u0435\u0442.png": "\u0421\u0447\u0435\u0442.png",
    "e\u0301.png": "e\u0301.png",
    "\ufeffa.png": "a.png",
    "a\u2028b.png": "a\u2028b.png",
    "\uff0e\uff0e\uff0fetc\uff0fpasswd": "\uff0e\uff0e\uff0fetc\uff0fpasswd",
    "a\u200bb\x1b[31m.png": "ab[31m.png",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_not_what_they_look_like(client: httpx2.Client, name: str) -> None:
    """They come back without what steers a terminal or an eye, and name a file that is where it should be."""
    reply = client.post("/ocr/batch", files={"file": (name, samples.png())}, data={"save": "true"}).json()
    [entry] = reply["results"]
    assert entry["filename"] == NAMES[name]
    address = entry["result"]["local_files"]["json"]
    assert client.get(quote(address)).status_code == 200
    assert ".." not in address
    assert address.startswith("/files/json/")
    assert address.count("/") == 3
