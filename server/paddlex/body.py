"""The body of `/layout-parsing`, on disk → `Call`; its document is written to the spool. Runs in the page pool's child."""

from pathlib import Path

from server.call import Call, Inputs
from server.errors import BadRequest, NoInput
from server.intake import measure, read_either, read_object

_FILE = "file"
_WAYS = "Send application/json with `file`: the document in base64, or its address."


def read_body(body: Path, content_type: str, spool: Path) -> Call:
    """Read the request body at `body`. Raises UnsupportedType, NoInput, EmptyFile, BadBase64, else BadRequest."""
    fields = read_object(body, content_type, _WAYS)
    document = fields.pop(_FILE, None)
    if document is None or document == "":
        raise NoInput(f"The request holds no document. {_WAYS}")
    if not isinstance(document, str):
        raise BadRequest(f"The field `{_FILE}` is not a string.")
    with Inputs(spool) as inputs:
        read_either(document, inputs)
        for name, value in fields.items():
            if value is not None:
                inputs.add(name, value, measure(name, value))
        return inputs.call()
