"""What schemathesis is told about this API beyond its description; loaded by its own process (SCHEMATHESIS_HOOKS)."""

import json
from collections.abc import Callable
from typing import Any

import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure, ServerError
from schemathesis.generation.jsonschema import strategy
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.transport.serialization import Binary

from server import error_shapes

# What only shows when the document is opened: no schema can promise that a text is a PDF, or has a page 7.
OF_THE_DOCUMENT = {
    *("bad_base64", "empty_file", "unsupported_type", "damaged_file", "bad_page_range"),
    *("too_many_files", "too_many_pages", "too_many_pixels", "upload_too_large"),
}


_judge = strategy._validator


def _judging_bytes(schema: Any) -> Callable[[Any], bool]:
    is_valid = _judge(schema)
    return lambda value: is_valid(_plain(value))


# schemathesis 4.32 shows its own kind of bytes to a validator that knows plain values only, and breaks off.
strategy._validator = _judging_bytes


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Whether a failure counts."""
    operation, code = case.operation.label, _code(response)
    if isinstance(failure, RejectedPositiveData):
        # the tool does not heed every keyword of JSON Schema
        return _as_described(case) and _is_a_surprise(operation, code, response)
    if isinstance(failure, AcceptedNegativeData):  # in a form all is text, and one field a list of one
        return "form" not in str(case.media_type) or not _as_described(case, as_sent=True)
    if isinstance(failure, ServerError):  # that it is switched off is what this route is there to say
        return (operation, code) != ("POST /test/s3-upload", "s3_disabled")
    return True


def _is_a_surprise(operation: str, code: str | None, response: Response) -> bool:
    if "/jobs/{job_id}/" in operation:  # it depends on what the job is of
        return code not in OF_THE_DOCUMENT | {"bad_option"}
    if operation == "POST /layout-parsing":  # whose errors have no code
        return response.status_code not in {400, 413, 415}
    return code not in OF_THE_DOCUMENT and "is not installed" not in response.text  # a language of Tesseract's


@schemathesis.check
def every_failure_has_its_shape(ctx: CheckContext, response: Response, case: Case) -> None:
    """Also where the description says nothing: of methods, media types and addresses that there are not."""
    assert response.headers["x-request-id"]
    if response.status_code < 400 or (case.path == "/health/ready" and response.status_code == 503):
        return
    shape = error_shapes.shape_of(case.path)
    [media_type] = response.headers["content-type"]
    assert media_type == ("application/problem+json" if shape == "Problem" else "application/json")
    found = response.json()
    Draft202012Validator(error_shapes.SCHEMAS[shape]).validate(found)
    assert response.status_code in {found.get("status"), found.get("errorCode")} or shape not in {
        "Problem",
        "PaddleXError",
    }


def _as_described(case: Case, *, as_sent: bool = False) -> bool:
    """Whether the body is what the description asks for; or would be, were a form's fields read `as_sent`: as texts."""
    document = case.operation.schema.raw_schema
    content = document["paths"][case.path][case.method.lower()].get("requestBody")
    if content is None or not isinstance(case.body, dict):
        return content is None
    if "$ref" in content:
        *_, name = content["$ref"].split("/")
        content = document["components"]["requestBodies"][name]
    schema = content["content"][case.media_type]["schema"]
    properties = schema.get("properties", {})
    body = {
        name: _field(each, properties.get(name, {}), as_sent)
        for name, each in case.body.items()
        if not (as_sent and each == [])
    }
    return Draft202012Validator({**document, **schema}).is_valid(body)


def _field(value: Any, schema: dict[str, Any], as_sent: bool) -> Any:
    if isinstance(value, list):
        values = [_field(each, {}, as_sent) for each in value]
        return values[0] if as_sent and schema.get("type") != "array" and len(values) == 1 else values
    value = _plain(value)
    if as_sent and not isinstance(value, str):
        value = json.dumps(value)
    return [value] if as_sent and schema.get("type") == "array" else value


def _plain(value: Any) -> Any:
    """With texts for bytes, as in JSON Schema."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return "bytes" if isinstance(value, Binary) else value


def _code(response: Response) -> str | None:
    if response.status_code < 400:
        return None
    found = response.json()
    code: str | None = found["error"]["code"] if "error" in found else found.get("code")
    return code
