"""The API's description for programs: what the framework makes of the routes, with what it cannot know of them.

Every status of every operation is in it: a caller who meets another one has found a mistake.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from server import error_shapes
from server.catalog import ModelEntry
from server.errors import BY_CODE
from server.routes import ocr_body

Schema = dict[str, Any]

_HEADERS: dict[str, tuple[str, bool]] = {
    "X-Request-ID": ("The id of the request in the server's log", True),
    "Retry-After": ("Seconds after which the same request may succeed", False),
    "WWW-Authenticate": ("How to send a token", True),
}
_TOLD_WITH = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.TOO_MANY_REQUESTS: "Retry-After",
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
}
_OF_PROTECTED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)


def install(app: FastAPI, models: Iterable[ModelEntry], default_model: str) -> None:
    """Have the application describe itself this way; `models` are those that it serves."""
    framework, served = app.openapi, list(models)

    def whole() -> Schema:
        if app.openapi_schema is None:
            _complete(framework(), ocr_body.components(served, default_model))
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]  # the framework's own way to extend it


def _complete(document: Schema, of_bodies: Schema) -> None:
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):  # the framework's, which nobody is ever sent
        components["schemas"].pop(name, None)
    components["schemas"] |= error_shapes.SCHEMAS | of_bodies["schemas"]
    components["requestBodies"] = of_bodies["requestBodies"]
    components["headers"] = {
        name: {"description": description, "required": required, "schema": {"type": "string"}}
        for name, (description, required) in _HEADERS.items()
    }
    failures: Schema = {}
    components["responses"] = failures
    for path, operations in document["paths"].items():
        shape = error_shapes.shape_of(path)
        for operation in operations.values():
            operation["responses"] = _responses(operation, shape, failures)


def _responses(operation: Schema, shape: str, failures: Schema) -> Schema:
    """The operation's responses; its failures are references to `failures`."""
    own = operation["responses"]
    if "HTTPValidationError" in str(own.get("422")):
        del own["422"]
    failing = {int(status) for status in own if status >= "400" and "content" not in own[status]}
    failing |= {HTTPStatus.INTERNAL_SERVER_ERROR, *(_OF_PROTECTED if "security" in operation else ())}
    for status in failing:
        name = f"{shape}{status:d}"
        failures.setdefault(name, _failure(HTTPStatus(status), shape))
        own[str(int(status))] = {"$ref": f"#/components/responses/{name}"}
    for response in own.values():
        if "$ref" not in response:
            response["headers"] = response.get("headers", {}) | _header("X-Request-ID")
    return dict(sorted(own.items()))


def _failure(status: HTTPStatus, shape: str) -> Schema:
    codes = ", ".join(f"`{code}`" for code, error in BY_CODE.items() if error.status == status)
    told = _TOLD_WITH.get(status)
    media_type = "application/problem+json" if shape == "Problem" else "application/json"
    return {
        "description": f"{status.phrase}. Its `code` is one of {codes}" if codes else status.phrase,
        "headers": _header("X-Request-ID") | (_header(told) if told else {}),
        "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{shape}"}}},
    }


def _header(name: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"}}
