"""`/v1` on a server that holds no model with a chat: what it lists, and how it says no."""

import json
import socket
from typing import Any

import httpx2
import openai
import pytest

from tests.contract.running import TOKEN, Server, assert_error, wait_for

pytestmark = pytest.mark.contract

CHAT: dict[str, Any] = {"model": "pp-ocr", "messages": [{"role": "user", "content": "hello"}]}


def image(data: str) -> dict[str, Any]:
    part = {"type": "image_url", "image_url": {"url": data}}
    return {**CHAT, "messages": [{"role": "user", "content": [part]}]}


def test_no_model_here_answers_chats(client: httpx2.Client) -> None:
    assert client.get("/v1/models").json() == {"object": "list", "data": []}
    assert "'pp-ocr'" in assert_error(client.get("/v1/models/pp-ocr"), 404, "unknown_model")
    said = assert_error(client.post("/v1/chat/completions", json=CHAT), 400, "no_chat")
    assert said == "pp-ocr answers no chats. Models that do: none on this server."


def test_openais_own_client_understands_the_refusal(server: Server) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0) as client:
        assert list(client.models.list()) == []
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError, match="answers no chats") as raised:
                client.chat.completions.create(**CHAT, stream=stream)
            assert raised.value.code == "no_chat"
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(**{**CHAT, "model": "gpt-4o"})
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_a_model_whose_weights_are_not_here(client: httpx2.Client) -> None:
    said = assert_error(
        client.post("/v1/chat/completions", json={**CHAT, "model": "glm-ocr"}), 503, "model_unavailable"
    )
    assert said.startswith("glm-ocr cannot run on this server: ")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad_request"),
        ([], 400, "bad_request"),
        ({**CHAT, "n": 2}, 400, "bad_request"),
        ({**CHAT, "temperature": "0"}, 400, "bad_request"),
        ({**CHAT, "messages": []}, 400, "bad_request"),
        ({**CHAT, "messages": [[]]}, 400, "bad_request"),
        ({**CHAT, "tools": [{}]}, 400, "bad_request"),
        ({**CHAT, "messages": [{"role": "user", "content": "a" * (1 << 20)}]}, 400, "bad_request"),
        ({**image("data:image/png;base64,AAAA"), "messages": image("x")["messages"] * 9}, 400, "too_many_files"),
        ({**CHAT, "model": "a" * 101}, 400, "bad_request"),
        ({**CHAT, "model": "\ud800"}, 400, "bad_request"),
    ],
)
def test_refusals(client: httpx2.Client, body: Any, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert_error(client.post("/v1/chat/completions", content=json.dumps(body), headers=headers), status, code)


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_only_json_is_taken(client: httpx2.Client, content_type: str) -> None:
    reply = client.post("/v1/chat/completions", content=b"{}", headers={"Content-Type": content_type})
    assert_error(reply, 415, "unsupported_type")


def test_images_are_looked_at_before_a_model_is_loaded(client: httpx2.Client) -> None:
    """None of these models could be loaded here."""
    for data, status, code in (
        ("data:image/png;base64,????", 400, "bad_base64"),
        ("data:image/png;base64,", 400, "empty_file"),
        ("data:image/png;base64,aGVsbG8=", 415, "unsupported_type"),
        ("data:image/png;base64,iVBORw0KGgo=", 422, "damaged_file"),
        ("https://example.com/a.png", 403, "url_input_disabled"),
        ("document:0", 403, "url_input_disabled"),
        ("/etc/passwd", 403, "url_input_disabled"),
    ):
        reply = client.post("/v1/chat/completions", json={**image(data), "model": "glm-ocr"})
        assert_error(reply, status, code)


def test_a_caller_who_leaves_before_the_end_of_the_body_leaves_nothing(server: Server) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\nContent-Type: application/json\r\n\r\n{{".encode())
    assert server.client.get("/v1/models").status_code == 200
    wait_for(lambda: server.health()["queue_pages"] == 0, "its place is free")


def test_the_body_and_its_answers_are_described(client: httpx2.Client) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/v1/chat/completions"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert {"model", "messages"} == set(schema["required"])
    assert "$ref" not in json.dumps(schema)
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
