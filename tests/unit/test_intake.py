"""Request bodies, byte for byte → `Call`, or a refusal that says why."""

import base64
import json
import tempfile
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.call import MAX_FIELD_BYTES, MAX_FIELDS, Call, safe_name, spooled
from server.errors import BadBase64, BadRequest, EmptyFile, NoInput, OcrError, TooManyFiles, TwoInputs, UnsupportedType
from server.intake import MAX_DEPTH, read_call

BYTES = bytes(range(256)) * 3
TEXT = base64.b64encode(BYTES).decode()
FORM = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
MULTIPART = "multipart/form-data; boundary=XX"


class Read(NamedTuple):
    """A call with one document."""

    fields: dict[str, Any]
    input_type: str
    filename: str | None
    url: str | None


def read_all(body: bytes, content_type: str, most: int) -> tuple[Call, list[bytes | None]]:
    """The call, and its documents' bytes."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder)
        (spool / "body").write_bytes(body)
        call = read_call(spool / "body", content_type, spool, most)
        assert all(each.path in (None, spooled(spool, index)) for index, each in enumerate(call.documents))
        assert Call.from_wire(json.loads(json.dumps(call.to_wire())), spool) == call
        return call, [each.path.read_bytes() if each.path else None for each in call.documents]


def read(body: bytes, content_type: str) -> tuple[Read, bytes | None]:
    """The call, and its document's bytes."""
    call, [document] = read_all(body, content_type, most=1)
    [sent] = call.documents
    assert sent.problem is None
    return Read(call.fields, sent.input_type, sent.filename, sent.url), document


def part(name: str, data: bytes, filename: str | None = None, headers: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{headers}\r\n'.encode() + data + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XX--\r\n"


def form(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields).encode()


def as_json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


FILE = part("file", BYTES, "a.png")


# --- the three kinds of body


@pytest.mark.parametrize("name", ["file", "image"])
def test_a_file_by_multipart(name: str) -> None:
    body = multipart(part("prompt", "Текст".encode()), part(name, BYTES, "scan.png"), part("save", b"true"))
    call, document = read(body, MULTIPART)
    assert (call.input_type, call.filename, call.url) == ("multipart", "scan.png", None)
    assert call.fields == {"prompt": "Текст", "save": "true"}
    assert document == BYTES


def test_quotation_marks_in_a_name_come_as_browsers_write_them() -> None:
    call, _ = read(multipart(part("file", BYTES, "a %22final%22 scan 100%.png")), MULTIPART)
    assert call.filename == 'a "final" scan 100%.png'


def test_base64_by_json_keeps_the_other_fields_as_they_are() -> None:
    fields = {"return_confidence": False, "formats": ["md"], "n": 1.5, "none": None, "empty": "", "o": {"a": [1]}}
    call, document = read(as_json(image_base64=TEXT, **fields), JSON_TYPE + "; charset=utf-8")
    assert (call.input_type, call.filename) == ("base64", None)
    assert call.fields == {name: value for name, value in fields.items() if value is not None}
    assert document == BYTES


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (as_json(image_url="https://a.example/x?y=1&z", pages="1"), JSON_TYPE),
        (form({"image_url": "https://a.example/x?y=1&z", "pages": "1"}), FORM),
        (multipart(part("image_url", b"https://a.example/x?y=1&z"), part("pages", b"1")), MULTIPART),
    ],
)
def test_a_url_by_any_body(body: bytes, content_type: str) -> None:
    call, document = read(body, content_type)
    assert (call.input_type, call.url, call.fields) == ("url", "https://a.example/x?y=1&z", {"pages": "1"})
    assert document is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (as_json(image_base64=TEXT), JSON_TYPE),
        (b"\xef\xbb\xbf" + as_json(image_base64=TEXT), JSON_TYPE.upper()),
        (form({"image_base64": TEXT}), FORM),
        (f"image_base64={TEXT}&a=b".encode(), FORM),  # plus signs that the client did not escape
        (f"image_base64={quote(TEXT, safe='')}".encode(), FORM),
        (multipart(part("image_base64", TEXT.encode())), MULTIPART),
    ],
)
def test_base64_by_any_body(body: bytes, content_type: str) -> None:
    call, document = read(body, content_type)
    assert (call.input_type, document) == ("base64", BYTES)


# --- which input


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (as_json(), JSON_TYPE),
        (as_json(image_base64=None, image_url=None, prompt="x"), JSON_TYPE),
        (as_json(image_base64="", image_url=""), JSON_TYPE),
        (form({"image_base64": "", "image_url": "", "prompt": "x"}), FORM),
        (b"", FORM),
        (b"", ""),
        (multipart(), MULTIPART),
        (multipart(part("file", b""), part("image_base64", b""), part("image_url", b"")), MULTIPART),
        (multipart(part("file", b"", filename="")), MULTIPART),  # a browser's file field that nobody touched
    ],
)
def test_no_input(body: bytes, content_type: str) -> None:
    with pytest.raises(NoInput, match="image_base64"):
        read(body, content_type)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (as_json(image_base64=TEXT, image_url="https://a.example"), JSON_TYPE),
        (form({"image_url": "https://a.example", "image_base64": TEXT}), FORM),
        (b"image_url=a&image_url=b", FORM),
        (multipart(FILE, part("image", BYTES, "b.png")), MULTIPART),
        (multipart(FILE, FILE), MULTIPART),
        (multipart(FILE, part("image_base64", TEXT.encode())), MULTIPART),
        (multipart(part("image_url", b"https://a.example"), FILE), MULTIPART),
        (multipart(FILE, part("image", b"", "empty.png")), MULTIPART),
    ],
)
def test_two_inputs(body: bytes, content_type: str) -> None:
    with pytest.raises(TwoInputs):
        read(body, content_type)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (multipart(part("file", b"", "a.png")), MULTIPART),
        (as_json(image_base64="data:image/png;base64,"), JSON_TYPE),
        (as_json(image_base64=" \n"), JSON_TYPE),
    ],
)
def test_zero_bytes(body: bytes, content_type: str) -> None:
    with pytest.raises(EmptyFile):
        read(body, content_type)


@pytest.mark.parametrize(
    "content_type",
    ["image/png", "application/pdf", "application/octet-stream", "text/plain", "nonsense", "multipart/mixed"],
)
def test_another_body_is_told_how_to_send_it(content_type: str) -> None:
    with pytest.raises(UnsupportedType, match=r"multipart/form-data.*application/json.*x-www-form-urlencoded"):
        read(BYTES, content_type)


@pytest.mark.parametrize("field", ["file", "image"])
def test_a_file_field_without_a_file_is_explained(field: str) -> None:
    with pytest.raises(BadRequest, match="image_base64"):
        read(as_json(**{field: TEXT}), JSON_TYPE)
    with pytest.raises(BadRequest, match="image_base64"):
        read(form({field: TEXT}), FORM)


def test_a_file_part_without_a_file_name_is_a_file() -> None:
    call, document = read(multipart(part("file", BYTES)), MULTIPART)
    assert (call.input_type, call.filename, document) == ("multipart", None, BYTES)


def test_a_file_under_another_name_is_refused() -> None:
    with pytest.raises(BadRequest, match="`document`"):
        read(multipart(part("document", BYTES, "a.png")), MULTIPART)


def test_untouched_form_fields_count_as_not_given() -> None:
    call, _ = read(multipart(FILE, part("prompt", b""), part("pages", b""), part("image_url", b"")), MULTIPART)
    assert call.fields == {}


# --- multipart


@pytest.mark.parametrize("size", [1, (1 << 20) - 7, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_files_of_any_size_arrive_whole(size: int) -> None:
    data = (b"\r\n--X" * (size // 5 + 1))[:size]  # looks like the boundary all the time
    assert read(multipart(part("file", data, "a")), MULTIPART)[1] == data


@given(st.binary(min_size=1).filter(lambda data: b"\r\n--XX" not in b"\r\n" + data), st.text(max_size=20))
def test_whatever_is_in_the_file_and_its_name(data: bytes, name: str) -> None:
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    call, document = read(multipart(part("file", data, quoted)), MULTIPART)
    assert document == data
    assert call.filename == safe_name(call.filename)


WHOLE = multipart(part("prompt", b"x"), FILE)


@pytest.mark.parametrize("keep", range(0, len(WHOLE) - 4, 7))
def test_a_truncated_multipart_body_is_refused(keep: int) -> None:
    with pytest.raises(BadRequest):
        read(WHOLE[:keep], MULTIPART)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (WHOLE, "multipart/form-data"),
        (WHOLE, "multipart/form-data; boundary="),
        (WHOLE, "multipart/form-data; boundary=YY"),
        (WHOLE, "multipart/form-data; boundary=" + "X" * 300),
        (b"nonsense", MULTIPART),
        (b"--XX\r\nbroken header\r\n\r\nx\r\n--XX--\r\n", MULTIPART),
        (b"--XX\r\n\r\nno name\r\n--XX--\r\n", MULTIPART),
        (b"--XX\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--XX--\r\n", MULTIPART),
        (b'--XX\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--XX--\r\n', MULTIPART),
        (multipart(FILE, part("prompt", b"\xff\xfe")), MULTIPART),
        (multipart(part("file", b"aGk=", "a", "Content-Transfer-Encoding: base64\r\n")), MULTIPART),
        (multipart(part("file", BYTES, "a", "X: " + "y" * 10_000 + "\r\n")), MULTIPART),
        (multipart(part("file", BYTES, "a", "X: y\r\n" * 50)), MULTIPART),
    ],
)
def test_a_broken_multipart_body_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(BadRequest):
        read(body, content_type)


# --- urlencoded forms


def test_plus_and_percent_are_decoded_in_form_fields() -> None:
    call, _ = read(b"image_url=u&na+me=a+b%2Bc%20%D0%AF&&flag", FORM)
    assert call.fields == {"na me": "a b+c Я"}


@given(st.binary(min_size=1, max_size=200), st.integers(1, 40))
def test_percent_codes_that_chunks_cut_in_two(data: bytes, chunk: int) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in base64.b64encode(data)).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.forms._CHUNK", chunk)
        assert read(b"prompt=%d0%af&image_base64=" + escaped, FORM)[1] == data


# --- limits on fields


def bodies(fields: dict[str, str]) -> list[tuple[bytes, str]]:
    """The fields and an URL, by each kind of body."""
    parts = [part(name, value.encode()) for name, value in fields.items()]
    return [
        (as_json(image_url="u", **fields), JSON_TYPE),
        (form({"image_url": "u", **fields}), FORM),
        (multipart(part("image_url", b"u"), *parts), MULTIPART),
    ]


@pytest.mark.parametrize("kind", range(3))
def test_fields_are_limited(kind: int) -> None:
    most = {f"f{number}": "x" for number in range(MAX_FIELDS)}
    assert read(*bodies(most)[kind])[0].fields == most
    with pytest.raises(BadRequest, match="100 fields"):
        read(*bodies({**most, "one": "more"})[kind])
    with pytest.raises(BadRequest, match="`prompt` has more than 65536 bytes"):
        read(*bodies({"prompt": "x" * (MAX_FIELD_BYTES + 1)})[kind])
    assert read(*bodies({"prompt": "x" * (MAX_FIELD_BYTES - 50)})[kind])[0].fields
    with pytest.raises(BadRequest, match="together"):
        read(*bodies({f"f{number}": "x" * 60_000 for number in range(20)})[kind])


@pytest.mark.parametrize("body", [b"x=1&x=2", b"&".join(b"a%d=" % n for n in range(500)), b"x" * 70_000 + b"=1"])
def test_fields_twice_or_without_end_are_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read(b"image_url=u&" + body, FORM)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"image_url=" + b"u" * (20 << 20), FORM),
        (b"u" * (20 << 20), FORM),
        (multipart(part("prompt", b"u" * (20 << 20))), MULTIPART),
    ],
)
def test_a_field_without_end_is_not_held(body: bytes, content_type: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest, match="more than 65536 bytes"):
            read(body, content_type)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_long_url_is_refused() -> None:
    with pytest.raises(BadRequest, match="`image_url` has more than 65536 bytes"):
        read(as_json(image_url="u" * 70_000), JSON_TYPE)


def test_a_large_file_is_not_held() -> None:
    body = multipart(part("file", bytes(20 << 20), "a"))
    tracemalloc.start()
    try:
        assert read(body, MULTIPART)[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30 << 20  # the test itself reads it back, once


# --- JSON


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "line 1, column 1"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6"),
        (b'{"a": 1} x', "column 10"),
        (b"[]", "not an object"),
        (b'"text"', "not an object"),
        (b"null", "not an object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number that is too long"),
        (b'{"a": 1, "a": 2}', "`a` is given twice"),
        (b'{"a": {"b": 1, "b": 2}}', "`b` is given twice"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "twice"),
        (b'{"a": "\xff"}', "not UTF-8: byte 8"),
        (b'{"a": ' + b"[" * 100_000, "nested"),
        (b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}", "nested"),
        (b'{"image_base64": 5}', "`image_base64` is not a string"),
        (b'{"image_base64": ["aGk="]}', "`image_base64` is not a string"),
        (b'{"image_url": true}', "`image_url` is not a string"),
    ],
)
def test_bad_json_is_refused_and_says_where(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(body, JSON_TYPE)
    assert says in caught.value.detail
    caught.value.detail.encode()


def test_json_may_be_nested_to_the_limit() -> None:
    value: Any = 0
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert read(as_json(image_url="u", deep=value), JSON_TYPE)[0].fields == {"deep": value}


@given(st.binary(max_size=60))
@example(b"--XX\r\n" * 3)
@example(b'{"image_base64": "' + b"\\ud800" * 3 + b'"}')
def test_no_body_does_anything_but_succeed_or_be_refused(body: bytes) -> None:
    for content_type in (JSON_TYPE, FORM, MULTIPART):
        try:
            read(body, content_type)
        except OcrError as error:
            assert isinstance(error, BadRequest)


@pytest.mark.parametrize("content_type", ["é/€", 'multipart/form-data; boundary="', ";", "a;b;c=", "€"])
def test_odd_content_types_are_refused(content_type: str) -> None:
    with pytest.raises((BadRequest, UnsupportedType)):
        read(b"x", content_type)


# --- base64


def decoded(text: str) -> bytes | None:
    return read(as_json(image_base64=text), JSON_TYPE)[1]


@pytest.mark.parametrize(
    "text",
    [
        "aGk+Pz8/aQ==",
        "aGk-Pz8_aQ==",  # the alphabet of URLs
        "aGk+Pz8_aQ",  # both, and no padding
        "aGk+Pz8/aQ=",
        " aGk+\r\nPz8/\n\taQ= = \n",
        "data:image/png;base64,aGk+Pz8/aQ==",
        "DATA:;Base64,aGk+Pz8/aQ==",
        " \ndata:image/png;name=a.png;base64,\naGk+Pz8/aQ==",
    ],
)
def test_base64_as_people_send_it(text: str) -> None:
    assert decoded(text) == b"hi>???i"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("aGk*aGk=", "'*' at character 4"),
        ("aGk=aGk=", "'a' at character 5"),
        ("aGk==", "more `=`"),
        ("=", "more `=`"),
        ("a", "cut off"),
        ("aGkaG", "cut off"),
        ("aGkЯ", "byte 0xd0 at character 4"),
        ("aG\ud800k", "byte 0xed at character 3"),
        ("aGk\0", "byte 0x00 at character 4"),
        ("https://a.example/x.png", "':' at character 6"),
        ("data:image/png,aGk=", "data URI"),
        ("data:image/png;base64", "':' at character 5"),
        ("data:image/png;base64,a*k=", "'*' at character 24"),
        ("data:" + "x" * 2000, "data URI"),
    ],
)
def test_what_is_not_base64_is_refused_and_says_where(text: str, says: str) -> None:
    with pytest.raises(BadBase64) as caught:
        decoded(text)
    assert says in caught.value.detail


@given(
    st.binary(min_size=1, max_size=300),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "data:x/y;base64,", "\n"]),
    st.integers(1, 50),
)
def test_base64_round_trip(data: bytes, url_safe: bool, padded: bool, prefix: str, chunk: int) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    text = prefix + (text if padded else text.rstrip("="))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.intake._CHUNK", chunk)
        patch.setattr("server.forms._CHUNK", chunk)
        assert decoded(text) == data
        assert read(multipart(part("image_base64", text.encode())), MULTIPART)[1] == data


@given(st.text(alphabet="aA9+/=-_ \n*:,", max_size=30), st.integers(1, 8))
@example("aGk=aGk=", 4)
def test_chunks_do_not_change_what_base64_means(text: str, chunk: int) -> None:
    def outcome() -> bytes | str | None:
        try:
            return decoded(text)
        except OcrError as error:
            return error.detail

    whole = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.intake._CHUNK", chunk)
        assert outcome() == whole


# --- file names


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("scan.png", "scan.png"),
        ("Счёт № 5.pdf", "Счёт № 5.pdf"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\C:\\docs\\a b.pdf", "a b.pdf"),
        ("../..", None),
        ("..", None),
        (".hidden", "hidden"),
        ("a\0b\r\nc\x1b[1m.png", "abc[1m.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("folder/", None),
        ("", None),
        (None, None),
        ("x" * 500 + ".png", "x" * 124 + ".png"),
    ],
)
def test_file_names_are_made_safe(given_name: str | None, kept: str | None) -> None:
    assert safe_name(given_name) == kept


@given(st.text())
def test_safe_names_hold_no_path_and_no_control_characters(name: str) -> None:
    kept = safe_name(name)
    if kept is not None:
        assert not set(kept) & set("/\\\0\r\n")
        assert kept not in (".", "..")
        assert 0 < len(kept) <= 128
        assert safe_name(kept) == kept


def test_a_file_name_that_is_not_utf_8_does_no_harm() -> None:
    body = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="\xff.png"\r\n\r\nx\r\n--XX--\r\n'
    assert read(body, MULTIPART)[0].filename == "\ufffd.png"


# --- several documents


def test_several_files_come_in_their_order() -> None:
    body = multipart(FILE, part("image", b"two", "b.png"), part("pages", b"1"), part("file", b"three"))
    call, documents = read_all(body, MULTIPART, most=3)
    assert documents == [BYTES, b"two", b"three"]
    assert [each.filename for each in call.documents] == ["a.png", "b.png", None]
    assert call.fields == {"pages": "1"}


def test_several_kinds_of_documents_go_together() -> None:
    body = multipart(FILE, part("image_base64", TEXT.encode()), part("image_url", b"https://a.example/x"))
    call, documents = read_all(body, MULTIPART, most=10)
    assert documents == [BYTES, BYTES, None]
    assert [each.input_type for each in call.documents] == ["multipart", "base64", "url"]


def test_json_holds_several_as_lists() -> None:
    body = as_json(image_base64=[TEXT, TEXT], image_url=["https://a.example/x"], pages="2")
    call, documents = read_all(body, JSON_TYPE, most=10)
    assert documents == [BYTES, BYTES, None]
    assert (call.documents[2].url, call.fields) == ("https://a.example/x", {"pages": "2"})


def test_a_list_is_for_several_only() -> None:
    with pytest.raises(BadRequest):
        read(as_json(image_base64=[TEXT]), JSON_TYPE)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (multipart(FILE, part("file", b"", "b.png"), part("image_base64", b"?!"), part("file", b"x", "d")), MULTIPART),
        (as_json(image_base64=[TEXT, "data:;base64,", "?!", "eA=="]), JSON_TYPE),
    ],
)
def test_of_several_a_bad_one_spoils_itself_only(body: bytes, content_type: str) -> None:
    call, documents = read_all(body, content_type, most=10)
    assert [each.problem and each.problem[0] for each in call.documents] == [None, "empty_file", "bad_base64", None]
    assert (documents[0], documents[3]) == (BYTES, b"x")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(multipart(FILE, FILE, FILE), MULTIPART), (as_json(image_base64=[TEXT] * 3), JSON_TYPE)],
)
def test_more_than_may_come_are_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(TooManyFiles, match="more than 2"):
        read_all(body, content_type, most=2)
