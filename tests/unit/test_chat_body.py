"""The body of a chat completion → its fields, and its images apart."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from server.call import MAX_FIELDS_BYTES, Call
from server.chat import MAX_IMAGES
from server.chat_body import read_chat
from server.errors import BadRequest, OcrError, TooManyFiles, UnsupportedType

JSON_TYPE = "application/json; charset=utf-8"
BYTES = bytes(range(256)) * 9
URI = "data:image/png;base64," + base64.b64encode(BYTES).decode()


def image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def read(folder: Path, content: Any, content_type: str = JSON_TYPE, **fields: Any) -> Call:
    body = folder / "body"
    body.write_text(json.dumps({"messages": [{"role": "user", "content": content}], **fields}))
    call = read_chat(body, content_type, folder)
    assert Call.from_wire(json.loads(json.dumps(call.to_wire())), folder) == call
    return call


def test_images_are_taken_out_and_the_rest_stays_as_it_is(tmp_path: Path) -> None:
    pdf = {"type": "file", "file": {"file_data": URI, "filename": "a.pdf"}}
    url = "https://example.com/a.png"
    call = read(tmp_path, [image(URI), {"type": "text", "text": "Ёж"}, image(url), pdf], seed=7)
    [message] = call.fields["messages"]
    assert message["content"] == [
        image("document:0"),
        {"type": "text", "text": "Ёж"},
        image("document:1"),
        {"type": "file", "file": {"file_data": "document:2", "filename": "a.pdf"}},
    ]
    assert call.fields["seed"] == 7
    first, second, third = call.documents
    assert first.path
    assert third.path
    assert first.path.read_bytes() == third.path.read_bytes() == BYTES
    assert (second.path, second.url) == (None, url)


def test_a_chat_without_images(tmp_path: Path) -> None:
    assert read(tmp_path, "hello").documents == ()


def test_nobody_names_a_file_of_the_server(tmp_path: Path) -> None:
    """What looks like our own mark is an address like any other, and refused as one later."""
    [sent] = read(tmp_path, [image("document:0")]).documents
    assert (sent.path, sent.url) == (None, "document:0")


@pytest.mark.parametrize(("uri", "code"), [("data:image/png;base64,????", "bad_base64"), ("data:,", "bad_base64")])
def test_what_is_wrong_with_an_image_is_kept_with_it(tmp_path: Path, uri: str, code: str) -> None:
    [sent] = read(tmp_path, [image(uri)]).documents
    assert sent.problem
    assert sent.problem[0] == code


@pytest.mark.parametrize(
    "content", [None, 7, [None], [{}], [image(None)], [{"type": "image_url", "image_url": URI}], [[]]]
)
def test_what_has_another_form_is_left_for_the_schema(tmp_path: Path, content: Any) -> None:
    call = read(tmp_path, content)
    assert call.fields["messages"][0]["content"] == content
    assert call.documents == ()


@pytest.mark.parametrize("messages", [None, 7, "x", [7], {}])
def test_so_are_messages_that_are_none(tmp_path: Path, messages: Any) -> None:
    (tmp_path / "body").write_text(json.dumps({"messages": messages}))
    assert read_chat(tmp_path / "body", JSON_TYPE, tmp_path).fields == {"messages": messages}


@pytest.mark.parametrize(
    ("content", "content_type", "error"),
    [
        ([image(URI)] * (MAX_IMAGES + 1), JSON_TYPE, TooManyFiles),
        ("a" * MAX_FIELDS_BYTES, JSON_TYPE, BadRequest),
        ("\ud800", JSON_TYPE, BadRequest),
        ("a", "text/plain", UnsupportedType),
        ("a", "", UnsupportedType),
    ],
)
def test_refusals(tmp_path: Path, content: Any, content_type: str, error: type[OcrError]) -> None:
    with pytest.raises(error):
        read(tmp_path, content, content_type)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": NaN}', b"\xff", b'{"messages": [], "messages": []}'])
def test_what_is_no_object(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "body").write_bytes(body)
    with pytest.raises(BadRequest):
        read_chat(tmp_path / "body", JSON_TYPE, tmp_path)
