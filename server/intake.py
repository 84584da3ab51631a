"""A request body that lies on disk → `Call`; its document is written to the spool. Runs in the page pool's child.

Takes multipart/form-data (RFC 7578), application/x-www-form-urlencoded and application/json (an object). The document
is one of: a file part `file` or `image`; `image_base64`, text, a data URI (RFC 2397) allowed; `image_url`, text. Where
several documents may come, parts and fields may be repeated, and in JSON be lists. A form field or an input in JSON that
is empty counts as not given, as does null. Other fields are handed on as they came. The
bodies of other wire formats are read by modules of their own, out of these parts.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from python_multipart.multipart import parse_options_header

from server.base64_text import Base64Decoder
from server.call import BASE64_FIELD, FILE_FIELDS, JSON, URL_FIELD, WAYS, Call, Inputs, shown
from server.errors import BadRequest, NoInput, UnsupportedType
from server.forms import read_multipart, read_urlencoded

__all__ = ["MAX_DEPTH", "Call", "measure", "parse_object", "read_call", "read_input"]

MAX_DEPTH = 32
"""Of JSON arrays and objects inside each other."""
_CHUNK = 1 << 20
_ADDRESS = ("http://", "https://", "s3://")


def read_call(body: Path, content_type: str, spool: Path, most: int = 1) -> Call:
    """Read the request body at `body`; its documents, `most` at the most, are written to the spool.

    Raises UnsupportedType for another content type, NoInput, TwoInputs, TooManyFiles, EmptyFile, BadBase64, else
    BadRequest.
    """
    media_type, parameters = _media_type(content_type)
    with Inputs(spool, most) as inputs:
        if media_type == b"application/json":
            _read_json(body, inputs)
        elif media_type == b"multipart/form-data":
            read_multipart(body, parameters.get(b"boundary", b""), inputs)
        elif media_type == b"application/x-www-form-urlencoded":
            read_urlencoded(body, inputs)
        elif not media_type and body.stat().st_size == 0:
            raise NoInput(f"The request has no body. {WAYS}")
        else:
            raise _unsupported(media_type, WAYS)
        return replace(inputs.call(), typed=media_type == b"application/json")


def read_object(body: Path, content_type: str, ways: str) -> dict[str, JSON]:
    """A body that has to be a JSON object. Raises UnsupportedType, with the `ways` there are, else BadRequest."""
    media_type, _ = _media_type(content_type)
    if media_type != b"application/json":
        raise _unsupported(media_type, ways)
    return parse_object(body)


def _media_type(content_type: str) -> tuple[bytes, dict[bytes, bytes]]:
    try:
        media_type, parameters = parse_options_header(content_type)
    except ValueError:
        raise BadRequest("The Content-Type header cannot be read.") from None
    return media_type, parameters


def _unsupported(media_type: bytes, ways: str) -> UnsupportedType:
    named = shown(media_type.decode("latin-1")) if media_type else "unknown (no Content-Type)"
    return UnsupportedType(f"A request body of type {named} is not accepted. {ways}")


def _read_json(body: Path, inputs: Inputs) -> None:
    for name, value in parse_object(body).items():
        if name in (BASE64_FIELD, URL_FIELD):
            for each in value if isinstance(value, list) and inputs.most > 1 else [value]:
                read_input(name, each, inputs)
        elif value is None:
            continue
        elif name in FILE_FIELDS:
            raise BadRequest(f"The field `{name}` takes a file, by multipart/form-data. In JSON send `image_base64`.")
        else:
            inputs.add(name, value, measure(name, value))


def read_input(name: str, value: JSON, inputs: Inputs) -> None:
    """Take the document that `image_base64` or `image_url` holds. Raises BadRequest, BadBase64."""
    if value is None or value == "":
        return
    text = _text(name, value)
    if name == URL_FIELD:
        inputs.url(text)
    else:
        decode(text, inputs)


def read_either(text: str, inputs: Inputs) -> None:
    """Take the document that a text is in base64, or the address of. Raises as `read_input`."""
    read_input(URL_FIELD if text[:8].lower().startswith(_ADDRESS) else BASE64_FIELD, text, inputs)


def decode(text: str, inputs: Inputs) -> None:
    """Take a document in base64. Raises as `Inputs.document`, and BadBase64 unless it is kept with that one."""
    decoder = Base64Decoder(inputs.document("base64"))
    with inputs.decoding():
        for start in range(0, len(text), _CHUNK):
            decoder.feed(text[start : start + _CHUNK].encode(errors="surrogatepass"))
        decoder.finish()


def parse_object(body: Path) -> dict[str, JSON]:
    """The JSON object at `body`. Raises BadRequest."""
    try:
        value = json.loads(
            body.read_bytes().decode("utf-8-sig"), object_pairs_hook=_without_twins, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequest(f"The body is not valid JSON: {error.msg} at {where}.") from None
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8: byte {error.start + 1} belongs to no character.") from None
    except RecursionError:
        raise BadRequest(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError:  # an integer of thousands of digits
        raise BadRequest("The body holds a number that is too long.") from None
    if not isinstance(value, dict):
        raise BadRequest("The JSON is not an object: send {…}.")
    return value


def _without_twins(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in found if names.count(name) > 1)
        raise BadRequest(f"The field {shown(twin)} is given twice.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"The body is not valid JSON: it holds {name}.")


def _text(name: str, value: JSON) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"The field `{name}` is not a string.")
    return value


def measure(name: str, value: JSON) -> int:
    """Bytes of the field as JSON. Raises BadRequest for what could not go on: too deep, infinite, half a character."""
    if is_deep(value):
        raise BadRequest(f"The field {shown(name)} is nested deeper than {MAX_DEPTH} levels.")
    try:
        return len(json.dumps([name, value], ensure_ascii=False, allow_nan=False).encode())
    except UnicodeEncodeError:
        raise BadRequest(f"The field {shown(name)} holds half of a surrogate pair.") from None
    except ValueError:
        raise BadRequest(f"The field {shown(name)} holds a number that is too large.") from None


def is_deep(value: JSON) -> bool:
    """Whether something in it is nested deeper than `MAX_DEPTH` levels."""
    level: list[JSON] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return bool(level)


def _inside(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
