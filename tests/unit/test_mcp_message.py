"""An MCP message → its document, and all the rest of it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from server.call import MAX_FIELD_BYTES, Call, spooled
from server.errors import BadRequest, OcrError, UploadTooLarge
from server.intake import MAX_DEPTH
from server.mcp.message import read_message

BYTES = bytes(range(256))
TEXT = base64.b64encode(BYTES).decode()


def calling(name: str = "ocr_document", **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def read(message: Any, folder: Path) -> Call:
    body = folder / "body"
    body.write_bytes(message if isinstance(message, bytes) else json.dumps(message).encode())
    call = read_message(body, folder)
    assert Call.from_wire(json.loads(json.dumps(call.to_wire())), folder) == call
    return call


@pytest.mark.parametrize("document", [TEXT, f"data:application/pdf;base64,{TEXT}", TEXT.rstrip("=") + "\n"])
def test_a_document_goes_to_the_spool(document: str, tmp_path: Path) -> None:
    call = read(calling(document=document, pages="1-3"), tmp_path)
    assert call.fields == calling(document="", pages="1-3")
    [sent] = call.documents
    assert (sent.input_type, sent.path, sent.problem) == ("base64", spooled(tmp_path, 0), None)
    assert spooled(tmp_path, 0).read_bytes() == BYTES


@pytest.mark.parametrize("address", ["https://x.org/a.pdf", "HTTP://x", "s3://bucket/key"])
def test_an_address_goes_nowhere(address: str, tmp_path: Path) -> None:
    [sent] = read(calling(document=address), tmp_path).documents
    assert (sent.input_type, sent.url, sent.path) == ("url", address, None)


@pytest.mark.parametrize(
    ("document", "code"), [("x!", "bad_base64"), ("/home/me/a.pdf", "bad_base64"), ("data:;base64,", "empty_file")]
)
def test_what_is_wrong_with_a_document_is_for_the_tool_to_tell(document: str, code: str, tmp_path: Path) -> None:
    [sent] = read(calling(document=document), tmp_path).documents
    assert sent.problem
    assert sent.problem[0] == code


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        calling(document=""),
        calling(document=7),
        calling(document=None),
        calling("get_job", document=TEXT),
        calling() | {"method": "ping"},
        calling() | {"params": ["document"]},
        {"anything": [1, "else"]},
    ],
)
def test_any_other_message_stays_as_it_is(message: dict[str, Any], tmp_path: Path) -> None:
    assert read(message, tmp_path) == Call(message, ())
    assert not spooled(tmp_path, 0).exists()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", BadRequest),
        (b"\xff", BadRequest),
        (b"[]", BadRequest),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', BadRequest),  # batches are gone since 2025-06-18
        (b'{"a": 1, "a": 2}', BadRequest),
        (b'{"a": NaN}', BadRequest),
        (b'{"a": 1e999}', BadRequest),
        (b'{"a": "\\ud800"}', BadRequest),
        (b'{"a": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}", BadRequest),
        (b'{"a": ' + b"[" * 100_000, BadRequest),
        (json.dumps(calling(prompt="x" * MAX_FIELD_BYTES)).encode(), UploadTooLarge),
    ],
)
def test_what_is_no_message(body: bytes, error: type[OcrError], tmp_path: Path) -> None:
    with pytest.raises(error):
        read(body, tmp_path)
