"""The schemas of errors, held against the errors."""

import json

import pytest
from jsonschema import Draft202012Validator

from server import error_shapes
from server.errors import BY_CODE

PATHS = ("/ocr", "/v1/models", "/v1/chat/completions", "/layout-parsing", "/restructure-pages", "/mcp")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("code", BY_CODE)
def test_every_error_is_as_its_schema_says(path: str, code: str) -> None:
    body, _ = error_shapes.write(BY_CODE[code]("What is wrong.", retry_after=3), path, "req_1")
    Draft202012Validator(error_shapes.SCHEMAS[error_shapes.shape_of(path)]).validate(json.loads(body))


def test_no_shape_is_taken_for_another() -> None:
    shapes = {error_shapes.shape_of(path) for path in PATHS}
    assert shapes == error_shapes.SCHEMAS.keys()
    error = BY_CODE["not_found"]("There is nothing.")
    for path in PATHS:
        body = json.loads(error_shapes.write(error, path, "req_1")[0])
        fits = {name for name, schema in error_shapes.SCHEMAS.items() if Draft202012Validator(schema).is_valid(body)}
        assert fits == {error_shapes.shape_of(path)}
