"""What went wrong, in the words of the wire format that the caller speaks.

    /v1/…                                  OpenAI: {"error": {"message", "type", "param", "code"}}
    /layout-parsing, /restructure-pages    PaddleX serving: {"logId", "errorCode", "errorMsg"}
    /mcp                                   JSON-RPC: {"jsonrpc", "id": null, "error": {"code", "message", "data": `Problem`}}
    anything else                          RFC 9457: `Problem`

The first as https://platform.openai.com/docs/guides/error-codes has it, the second as PaddleX 3.7's
`AIStudioNoResultResponse`, the third as MCP's streamable HTTP asks. Status, headers and `code` are the same in all of them.
"""

import json
from http import HTTPStatus
from typing import Any

from server.errors import OcrError
from server.reply import describe
from server.schemas import Problem

PROBLEM_TYPE = "application/problem+json"
_PADDLEX = ("/layout-parsing", "/restructure-pages")
_OPENAI = "/v1/"
_MCP = "/mcp"
_OPENAI_TYPES = {HTTPStatus.UNAUTHORIZED: "authentication_error", HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error"}

_TEXT = {"type": "string"}
_OPENAI_ERROR = {"message": _TEXT, "type": _TEXT, "param": {"type": ["string", "null"]}, "code": _TEXT}


_PROBLEM = Problem.model_json_schema()
_RPC_ID = {"type": ["string", "integer", "null"]}
_RPC_ERROR = {"code": {"type": "integer"}, "message": _TEXT, "data": _PROBLEM}


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


SCHEMAS: dict[str, dict[str, Any]] = {
    "Problem": _PROBLEM,
    "OpenAIError": _object({"error": _object(_OPENAI_ERROR)}),
    "PaddleXError": _object({"logId": _TEXT, "errorCode": {"type": "integer"}, "errorMsg": _TEXT}),
    "JsonRpcError": _object({"jsonrpc": {"const": "2.0"}, "id": _RPC_ID, "error": _object(_RPC_ERROR, "data")}),
}
"""The shapes in JSON Schema, by their names in the OpenAPI document."""


def shape_of(path: str) -> str:
    """Which of `SCHEMAS` the errors at the address `path` have."""
    if path.startswith(_OPENAI):
        return "OpenAIError"
    if path in _PADDLEX:
        return "PaddleXError"
    return "JsonRpcError" if path == _MCP else "Problem"


def write(error: OcrError, path: str, request_id: str) -> tuple[bytes, str]:
    """The body that tells of an error to who asked for the address `path`, and its media type."""
    match shape_of(path):
        case "OpenAIError":
            return _json(openai(error)), "application/json"
        case "PaddleXError":
            return _json(paddlex(error, request_id)), "application/json"
        case "JsonRpcError":
            return _json(json_rpc(error, request_id)), "application/json"
    return describe(error, request_id).model_dump_json(exclude_none=True).encode(), PROBLEM_TYPE


def openai(error: OcrError) -> dict[str, Any]:
    """OpenAI's shape, also that of an error event in a stream. `code` is our own."""
    by_status = "server_error" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    kind = _OPENAI_TYPES.get(error.status, by_status)
    return {"error": {"message": error.detail, "type": kind, "param": None, "code": error.code}}


def paddlex(error: OcrError, log_id: str) -> dict[str, Any]:
    """PaddleX's shape; `errorCode` is the HTTP status, as there."""
    return {"logId": log_id, "errorCode": error.status.value, "errorMsg": error.detail}


def json_rpc(error: OcrError, request_id: str) -> dict[str, Any]:
    """JSON-RPC 2.0's shape, for a message that was not taken; its codes are "invalid request" and "internal error"."""
    code = -32603 if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else -32600
    data = describe(error, request_id).model_dump(exclude_none=True)
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": error.detail, "data": data}}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
