"""An MCP message that lies on disk → `Call`: its members as fields, without the document, which is written to the spool.

Runs in the page pool's child: what the HTTP process gets to parse is short, whatever was sent.
"""

from dataclasses import replace
from pathlib import Path

from server.call import JSON, MAX_FIELD_BYTES, Call, Inputs
from server.errors import BadRequest, UploadTooLarge
from server.intake import measure, parse_object, read_either


def read_message(body: Path, spool: Path) -> Call:
    """Read a JSON-RPC message; what its `document` holds is a document of the call, and is left empty in its fields.

    What is wrong with the document is kept, for the tool to tell. Raises UploadTooLarge, BadRequest.
    """
    message = parse_object(body)
    if "id" in message and type(message["id"]) not in {str, int}:
        raise BadRequest("The message's `id` is neither a string nor a whole number.")
    document = _taken(message)
    if measure("message", message) > MAX_FIELD_BYTES:
        raise UploadTooLarge(
            f"A message may have {MAX_FIELD_BYTES} bytes beside the document, which `ocr_document` takes as `document`."
        )
    if not document:
        return Call(message, ())
    with Inputs(spool, keeps=True) as inputs:
        read_either(document, inputs)
        return replace(inputs.call(), fields=message)


def _taken(message: dict[str, JSON]) -> str | None:
    match message:
        case {
            "method": "tools/call",
            "params": {"name": "ocr_document", "arguments": {"document": str(document)} as arguments},
        }:
            arguments["document"] = ""
            return document
    return None
