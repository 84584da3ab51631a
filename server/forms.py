"""The two encodings of a web form → `Inputs`, as the body streams by: nothing is held but short fields."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, QuerystringParser, parse_options_header

from server.base64_text import Base64Decoder
from server.call import BASE64_FIELD, FILE_FIELDS, MAX_FIELD_BYTES, MAX_FIELDS, URL_FIELD, Inputs, shown
from server.errors import BadRequest

_CHUNK = 1 << 20
_MAX_EMPTY_PARTS = 10


class _Part(Protocol):
    """One field of a form while it arrives."""

    def take(self, data: bytes) -> None: ...

    def end(self) -> None: ...


class _FilePart:
    def __init__(self, filename: str | None, inputs: Inputs) -> None:
        self._filename = filename
        self._inputs = inputs
        self._file: IO[bytes] | None = None

    def take(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._inputs.document("multipart", self._filename)
        self._file.write(data)

    def end(self) -> None:
        if self._file is None and self._filename:  # without a name it is a file field left untouched
            self._inputs.document("multipart", self._filename)


class _Base64Part:
    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._decoder: Base64Decoder | None = None

    def take(self, data: bytes) -> None:
        if self._decoder is None:
            self._decoder = Base64Decoder(self._inputs.document("base64"))
        with self._inputs.decoding():
            self._decoder.feed(data)

    def end(self) -> None:
        if self._decoder is not None:
            with self._inputs.decoding():
                self._decoder.finish()


class _TextPart:
    def __init__(self, name: str, inputs: Inputs) -> None:
        self._name = name
        self._inputs = inputs
        self._data = bytearray()

    def take(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > MAX_FIELD_BYTES:
            raise BadRequest(f"The field {shown(self._name)} has more than {MAX_FIELD_BYTES} bytes.")

    def end(self) -> None:
        value = _decoded(bytes(self._data), f"The field {shown(self._name)}")
        if value and self._name == URL_FIELD:
            self._inputs.url(value)
        elif value:
            self._inputs.add(self._name, value, len(self._name.encode()) + len(self._data))


def _decoded(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"{what} is not UTF-8: byte {error.start + 1} belongs to no character.") from None


class _Form:
    """Hands the fields of a form to the parts that take them."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._parts = 0

    def text(self, name: str) -> _Part:
        """The next field, one without a file name."""
        self._count()
        return _Base64Part(self._inputs) if name == BASE64_FIELD else _TextPart(name, self._inputs)

    def file(self, name: str, filename: str | None) -> _Part:
        """The next field, a file. Raises BadRequest under a name where no file is expected."""
        self._count()
        if name not in FILE_FIELDS:
            raise BadRequest(f"There is a file under the name {shown(name)}. Send it as `file`.")
        return _FilePart(filename and filename.replace("%22", '"'), self._inputs)  # as browsers write it (WHATWG, HTML)

    def _count(self) -> None:
        self._parts += 1
        if self._parts > MAX_FIELDS + self._inputs.most + _MAX_EMPTY_PARTS:
            raise BadRequest(f"The request has more than {MAX_FIELDS} fields.")


def read_multipart(body: Path, boundary: bytes, inputs: Inputs) -> None:
    """Read a multipart/form-data body (RFC 7578). Raises BadRequest where it is broken or cut off; as `Inputs`."""
    if not boundary:
        raise BadRequest("The Content-Type multipart/form-data has no boundary.")
    form = _Multipart(_Form(inputs))
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_header_field": form.header_field,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
                "on_headers_finished": form.headers_finished,
                "on_part_data": form.part_data,
                "on_part_end": form.part_end,
                "on_end": form.end,
            },
        )
        _stream(body, parser.write)
        parser.finalize()
    except FormParserError as error:
        raise BadRequest(f"The multipart body is broken: {error}.") from None
    if not form.ended:
        raise BadRequest("The multipart body is cut off: it ends before its closing boundary.")


def _stream(body: Path, write: Callable[[bytes], int]) -> None:
    with body.open("rb") as file:
        while chunk := file.read(_CHUNK):
            write(chunk)


class _Multipart:
    """The parser's callbacks. Data comes as (buffer, start, end), in pieces."""

    def __init__(self, form: _Form) -> None:
        self._form = form
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._part: _Part | None = None
        self.ended = False

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def headers_finished(self) -> None:
        encoding = self._headers.get(b"content-transfer-encoding", b"binary").strip().lower()
        if encoding not in (b"binary", b"8bit", b"7bit"):
            raise BadRequest("A part has a Content-Transfer-Encoding, which forms do not use (RFC 7578, section 4.7).")
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._headers = {}
        if b"name" not in options:
            raise BadRequest("A part of the multipart body has no name in its Content-Disposition.")
        name = _decoded(options[b"name"], "The name of a field")
        if b"filename" in options:
            self._part = self._form.file(name, options[b"filename"].decode(errors="replace"))
        elif name in FILE_FIELDS:
            self._part = self._form.file(name, None)
        else:
            self._part = self._form.text(name)

    def part_data(self, data: bytes, start: int, end: int) -> None:
        assert self._part is not None
        self._part.take(data[start:end])

    def part_end(self) -> None:
        assert self._part is not None
        self._part.end()

    def end(self) -> None:
        self.ended = True


def read_urlencoded(body: Path, inputs: Inputs) -> None:
    """Read an application/x-www-form-urlencoded body (WHATWG URL, section 5.1). Raises as `Inputs` does."""
    form = _Urlencoded(_Form(inputs))
    parser = QuerystringParser(
        {"on_field_name": form.field_name, "on_field_data": form.field_data, "on_field_end": form.field_end}
    )
    _stream(body, parser.write)
    parser.finalize()


class _Urlencoded:
    """The parser's callbacks; data as for `_Multipart`."""

    def __init__(self, form: _Form) -> None:
        self._form = form
        self._name = b""
        self._part: _Part | None = None
        self._plus = b" "
        self._rest = b""  # a percent code that came in two pieces

    def field_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        if len(self._name) > MAX_FIELD_BYTES:
            raise BadRequest(f"The name of a field has more than {MAX_FIELD_BYTES} bytes.")

    def field_data(self, data: bytes, start: int, end: int) -> None:
        part = self._current()
        text = self._rest + data[start:end].replace(b"+", self._plus)
        cut = text.find(b"%", max(0, len(text) - 2))
        cut = len(text) if cut < 0 else cut
        self._rest = text[cut:]
        part.take(unquote_to_bytes(text[:cut]))

    def field_end(self) -> None:
        part = self._current()
        if self._rest:
            part.take(unquote_to_bytes(self._rest))
        part.end()
        self._name = self._rest = b""
        self._part = None

    def _current(self) -> _Part:
        if self._part is None:
            name = _decoded(unquote_to_bytes(self._name.replace(b"+", b" ")), "The name of a field")
            if name in FILE_FIELDS:
                raise BadRequest(f"The field `{name}` takes a file, by multipart/form-data. Here send `image_base64`.")
            self._part = self._form.text(name)
            # Base64 has no spaces but plus signs, which many clients forget to escape.
            self._plus = b"+" if name == BASE64_FIELD else b" "
        return self._part
