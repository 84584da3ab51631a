"""An error is told in the words of whoever asks."""

import json

import pytest

from server.error_shapes import PROBLEM_TYPE, write
from server.errors import InternalError, OcrError, QueueFull, Unauthorized, UnknownModel


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UnknownModel("none"), "invalid_request_error"),
        (Unauthorized("who"), "authentication_error"),
        (QueueFull("later", retry_after=3), "rate_limit_error"),
        (InternalError("oh"), "server_error"),
    ],
)
def test_openai(error: OcrError, kind: str) -> None:
    body, media_type = write(error, "/v1/models", "req_1")
    assert json.loads(body) == {
        "error": {"message": error.detail, "type": kind, "param": None, "code": error.code},
    }
    assert media_type == "application/json"


@pytest.mark.parametrize("path", ["/layout-parsing", "/restructure-pages"])
def test_paddlex(path: str) -> None:
    body, media_type = write(UnknownModel("нет"), path, "req_1")
    assert json.loads(body) == {"logId": "req_1", "errorCode": 404, "errorMsg": "нет"}
    assert media_type == "application/json"


@pytest.mark.parametrize(("error", "code"), [(UnknownModel("нет"), -32600), (InternalError("oh"), -32603)])
def test_mcp(error: OcrError, code: int) -> None:
    body, media_type = write(error, "/mcp", "req_1")
    problem = json.loads(write(error, "/ocr", "req_1")[0])
    assert json.loads(body) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": code, "message": error.detail, "data": problem},
    }
    assert media_type == "application/json"


@pytest.mark.parametrize("path", ["/ocr", "/v1", "/layout-parsing/", "/restructure-pages2"])
def test_anybody_else(path: str) -> None:
    body, media_type = write(UnknownModel("none"), path, "req_1")
    assert (json.loads(body)["code"], media_type) == (UnknownModel.code, PROBLEM_TYPE)


def test_half_a_character_is_no_obstacle() -> None:
    body, _ = write(UnknownModel("\ud800"), "/v1/models", "req_1")
    assert json.loads(body)["error"]["message"] == "?"
