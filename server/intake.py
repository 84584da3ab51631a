"""A request body that lies on disk → `Call`; its document is written to the spool. Runs in the page pool's child.

Takes multipart/form-data (RFC 7578), application/x-www-form-urlencoded and application/json (an object). The document
is exactly one of: a file part `file` or `image`; `image_base64`, text, a data URI (RFC 2397) allowed; `image_url`, text.
A form field or an input in JSON that is empty counts as not given, as does null. Other fields are handed on as they came.
"""

import json
from pathlib import Path
from typing import NoReturn

from python_multipart.multipart import parse_options_header

from server.base64_text import Base64Decoder
from server.call import BASE64_FIELD, DOCUMENT, FILE_FIELDS, JSON, URL_FIELD, WAYS, Call, Inputs, shown
from server.errors import BadRequest, NoInput, UnsupportedType
from server.forms import read_multipart, read_urlencoded

__all__ = ["MAX_DEPTH", "Call", "read_call"]

MAX_DEPTH = 32
"""Of JSON arrays and objects inside each other."""
_CHUNK = 1 << 20


def read_call(body: Path, content_type: str, spool: Path) -> Call:
    """Read the request body at `body`; the document is written to the spool as `DOCUMENT`.

    Raises UnsupportedType for another content type, NoInput, TwoInputs, EmptyFile, BadBase64, else BadRequest.
    """
    try:
        media_type, parameters = parse_options_header(content_type)
    except ValueError:
        raise BadRequest("The Content-Type header cannot be read.") from None
    with Inputs(spool / DOCUMENT) as inputs:
        if media_type == b"application/json":
            _read_json(body, inputs)
        elif media_type == b"multipart/form-data":
            read_multipart(body, parameters.get(b"boundary", b""), inputs)
        elif media_type == b"application/x-www-form-urlencoded":
            read_urlencoded(body, inputs)
        elif not media_type and body.stat().st_size == 0:
            raise NoInput(f"The request has no body. {WAYS}")
        else:
            named = shown(media_type.decode("latin-1")) if media_type else "unknown (no Content-Type)"
            raise UnsupportedType(f"A request body of type {named} is not accepted. {WAYS}")
        return inputs.call()


def _read_json(body: Path, inputs: Inputs) -> None:
    for name, value in _parse_object(body).items():
        if value is None or (value == "" and name in (BASE64_FIELD, URL_FIELD)):
            continue
        if name == BASE64_FIELD:
            text = _text(name, value)
            decoder = Base64Decoder(inputs.document("base64"))
            for start in range(0, len(text), _CHUNK):
                decoder.feed(text[start : start + _CHUNK].encode(errors="surrogatepass"))
            decoder.finish()
        elif name == URL_FIELD:
            inputs.url(_text(name, value))
        elif name in FILE_FIELDS:
            raise BadRequest(f"The field `{name}` takes a file, by multipart/form-data. In JSON send `image_base64`.")
        else:
            inputs.add(name, value, _measure(name, value))


def _parse_object(body: Path) -> dict[str, JSON]:
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


def _measure(name: str, value: JSON) -> int:
    """Bytes of the field as JSON. Raises BadRequest for what could not go on: too deep, infinite, half a character."""
    level: list[JSON] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise BadRequest(f"The field {shown(name)} is nested deeper than {MAX_DEPTH} levels.")
    try:
        return len(json.dumps([name, value], ensure_ascii=False, allow_nan=False).encode())
    except UnicodeEncodeError:
        raise BadRequest(f"The field {shown(name)} holds half of a surrogate pair.") from None
    except ValueError:
        raise BadRequest(f"The field {shown(name)} holds a number that is too large.") from None


def _inside(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
