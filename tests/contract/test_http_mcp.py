"""`/mcp` as assistants use it: through the SDK's own client, in both revisions of the protocol; and as nobody should."""

import asyncio
import base64
import json
import re
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, TextResourceContents

from tests.contract import samples
from tests.contract.jobs import LONG, OTHER_TOKEN, counted_pages, hand_in, long_document
from tests.contract.running import TOKEN, Server, assert_problem, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]
T = TypeVar("T")

ACCEPT = {"Accept": "application/json, text/event-stream"}
LEGACY, MODERN = "legacy", "2026-07-28"
HEAD = (
    f"POST /mcp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    "Content-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
).encode()
each_revision = pytest.mark.parametrize("mode", [LEGACY, MODERN])


@pytest.fixture(scope="module")
def strict_server() -> Iterator[Server]:
    """A request may take so long that one of a sound caller is in time on a busy machine, too."""
    with Server(PDF_DPI="72", REQUEST_TIMEOUT_S="5") as running:
        yield running.ready()


@pytest.fixture(scope="module")
def mcp_server() -> Iterator[Server]:
    """Nobody has sent it a message before the first test that uses it."""
    tokens = f"{TOKEN},{OTHER_TOKEN}"
    with Server(PDF_DPI="72", MAX_UPLOAD_MB="1", API_TOKENS=tokens, CORS_ORIGINS="https://desk.test") as running:
        yield running.ready()


def talk(server: Server, say: Callable[[Client], Awaitable[T]], mode: str = LEGACY, token: str = TOKEN) -> T:
    """What comes of a conversation with the server."""

    async def conversation() -> T:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=90, trust_env=False) as http:
            async with Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=mode) as client:
                return await say(client)

    return asyncio.run(conversation())


def refused(
    server: Server, say: Callable[[Client], Awaitable[object]], mode: str = LEGACY, token: str = TOKEN
) -> MCPError:
    """The error that the conversation ends with."""
    with pytest.raises(BaseExceptionGroup) as caught:
        talk(server, say, mode, token)
    errors: BaseException = caught.value
    while isinstance(errors, BaseExceptionGroup):
        [errors] = errors.exceptions
    assert isinstance(errors, MCPError)
    return errors


def call(server: Server, tool: str, mode: str = LEGACY, token: str = TOKEN, **arguments: Any) -> CallToolResult:
    return talk(server, lambda client: client.call_tool(tool, arguments), mode, token)


def text_of(result: CallToolResult) -> str:
    """The last of its texts, which is the document's where there is one."""
    assert isinstance(result.content[-1], TextContent)
    return result.content[-1].text


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def test_the_sdk_comes_with_the_first_message(mcp_server: Server) -> None:
    maps = Path(f"/proc/{mcp_server.pid}/maps")
    with mcp_server.new_client() as client:
        assert_problem(client.get("/mcp"), 405, "method_not_allowed")
        assert_problem(client.post("/mcp"), 415, "unsupported_type")
        idle_mb = mcp_server.rss_mb()
        assert "cryptography" not in maps.read_text()  # which the SDK loads
        reply = client.post("/mcp", json=message("ping"), headers=ACCEPT)
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    assert "cryptography" in maps.read_text()
    print(f"RSS of the HTTP process: {idle_mb:.1f} MB, with the SDK {mcp_server.rss_mb():.1f} MB")
    assert idle_mb < 90
    assert mcp_server.rss_mb() < 120


def test_a_page_of_a_listed_origin_may_call(mcp_server: Server) -> None:
    client, headers = mcp_server.client, {"Origin": "https://desk.test", **ACCEPT}
    reply = client.post("/mcp", json=message("ping"), headers=headers)
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "https://desk.test")
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "mcp-protocol-version"}
    assert client.options("/mcp", headers=headers | asks).status_code == 200


def test_who_sends_too_slowly_is_told_so(strict_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", strict_server.port), 30) as connection:
        connection.sendall(HEAD + b"{")
        assert connection.recv(100).startswith(b"HTTP/1.1 504 ")
    wait_for(lambda: not strict_server.spooled(), "the spool is empty")


def test_a_call_that_takes_too_long(strict_server: Server) -> None:
    with strict_server.engine_stopped():
        result = call(strict_server, "ocr_document", document=encoded(samples.pdf(60)))
    assert result.is_error
    assert "code: deadline_exceeded" in text_of(result)
    wait_for(lambda: not strict_server.spooled(), "the spool is empty")


@each_revision
def test_what_there_is(mcp_server: Server, mode: str) -> None:
    async def say(client: Client) -> tuple[Any, Any, Any]:
        return client.server_info, await client.list_tools(), await client.list_resource_templates()

    info, listed, templates = talk(mcp_server, say, mode)
    if mode == LEGACY:  # later clients ask for it no more
        assert (info.name, info.version) == ("offline-ocr", mcp_server.health()["version"])
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {"ocr_document", "list_models", "get_job"}
    assert all(tool.description and tool.input_schema["type"] == "object" for tool in listed.tools)
    assert tools["ocr_document"].input_schema["required"] == ["document"]
    assert {each.uri_template for each in templates.resource_templates} == {
        "ocr://files/{type}/{name}",
        "ocr://jobs/{job_id}/result/{format}",
    }


@each_revision
def test_a_document(mcp_server: Server, mode: str) -> None:
    told: list[tuple[float, float | None]] = []

    async def progress(done: float, of: float | None, _: str | None) -> None:
        told.append((done, of))

    document = "data:application/pdf;base64," + encoded(samples.pdf(3))
    result = talk(
        mcp_server,
        lambda client: client.call_tool("ocr_document", {"document": document}, progress_callback=progress),
        mode,
    )
    assert (result.is_error, text_of(result)) == (False, "Sheet 1\n\n---\n\nSheet 2\n\n---\n\nSheet 3")
    assert result.structured_content == {"status": "success", "result": text_of(result), "job": None}
    assert told == sorted(set(told))
    assert told[-1] == (3, 3)
    wait_for(lambda: not mcp_server.spooled(), "the spool is empty")


def test_its_pages_and_forms(mcp_server: Server) -> None:
    document = encoded(samples.pdf(3))
    assert text_of(call(mcp_server, "ocr_document", document=document, pages=2, output_format="text")) == "Sheet 2"
    as_json = call(mcp_server, "ocr_document", document=document, pages="2-3", output_format="json")
    reply = json.loads(text_of(as_json))
    assert as_json.structured_content["result"] == reply
    assert [page["text"] for page in reply["pages"]] == ["Sheet 2", "Sheet 3"]
    assert (reply["input_type"], reply["model"]) == ("base64", "pp-ocr")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "bad_option"),
        ({"document": 3}, "bad_option"),
        ({"document": ""}, "no_input"),
        ({"document": "", "as_job": True}, "no_input"),
        ({"document": "data:;base64,"}, "empty_file"),
        ({"document": "not base64!"}, "bad_base64"),
        ({"document": "not base64!", "as_job": True}, "bad_base64"),
        ({"document": encoded(b"plain text")}, "unsupported_type"),
        ({"document": encoded(b"plain text"), "as_job": True}, "unsupported_type"),
        ({"document": "https://example.com/a.pdf"}, "url_input_disabled"),
        ({"document": "s3://bucket/a.pdf"}, "s3_disabled"),
        ({"document": encoded(samples.png()), "model_name": "none"}, "unknown_model"),
        ({"document": encoded(samples.png()), "pages": "2"}, "bad_page_range"),
        ({"document": encoded(samples.png()), "output_format": "docx"}, "bad_option"),
        ({"document": encoded(samples.png()), "page": "1"}, "bad_option"),
        ({"document": encoded(samples.png() + bytes(1 << 20))}, "upload_too_large"),
    ],
)
def test_what_is_wrong_with_a_call(mcp_server: Server, arguments: dict[str, Any], code: str) -> None:
    result = call(mcp_server, "ocr_document", MODERN, **arguments)
    assert result.is_error
    assert re.fullmatch(rf".+\. .+ \(code: {code}\)", text_of(result)), text_of(result)


def test_the_models(mcp_server: Server) -> None:
    told = call(mcp_server, "list_models").structured_content
    known = mcp_server.client.get("/models").json()
    assert told["default_model"] == known["default_model"]
    assert [model["name"] for model in told["models"]] == [model["name"] for model in known["models"]]
    assert json.loads(text_of(call(mcp_server, "list_models"))) == told


@each_revision
def test_a_job(mcp_server: Server, mode: str) -> None:
    async def say(client: Client) -> tuple[CallToolResult, CallToolResult, Any]:
        began = await client.call_tool("ocr_document", {"document": encoded(samples.pdf(2)), "as_job": True})
        job_id = began.structured_content["job"]["id"]
        ended = await client.call_tool("get_job", {"job_id": job_id, "wait_seconds": 60})
        return began, ended, await client.read_resource(f"ocr://jobs/{job_id}/result/text")

    began, ended, resource = talk(mcp_server, say, mode)
    job = began.structured_content["job"]
    assert (job["state"], job["total_pages"], began.structured_content["result"]) == ("queued", 2, None)
    assert mcp_server.client.get(job["links"]["self"]).json()["id"] == job["id"]
    assert ended.structured_content["job"]["state"] == "done"
    assert ended.structured_content["status"] == "success"
    assert ended.structured_content["result"] == text_of(ended) == "Sheet 1\n\n---\n\nSheet 2"
    assert resource.contents == [
        TextResourceContents(uri=resource.contents[0].uri, mime_type="text/plain", text="Sheet 1\n\fSheet 2")
    ]


def test_jobs_that_were_handed_in_elsewhere(mcp_server: Server) -> None:
    job = hand_in(mcp_server.client, samples.pdf(1), samples.pdf(1, "Leaf"))

    def of(**arguments: Any) -> CallToolResult:
        return call(mcp_server, "get_job", job_id=job["id"], wait_seconds=60, **arguments)

    assert text_of(of(file=1)) == "Leaf 1"
    assert len(of(output_format="json").structured_content["result"]["results"]) == 2
    assert "code: bad_option" in text_of(of())
    with mcp_server.engine_stopped():
        bad = hand_in(mcp_server.client, samples.pdf(1), pages="1")
        assert mcp_server.client.delete(bad["links"]["self"]).json()["state"] == "cancelled"
    assert call(mcp_server, "get_job", job_id=bad["id"]).structured_content["result"] in {None, "Sheet 1"}
    assert "code: not_found" in text_of(call(mcp_server, "get_job", job_id="job_x"))


@each_revision
def test_saved_results_are_resources(mcp_server: Server, mode: str) -> None:
    saved = mcp_server.ocr(samples.png(), "Счёт №1.png", save="true", formats="zip").json()["local_files"]

    async def say(client: Client) -> dict[str, Any]:
        listed = (await client.list_resources()).resources
        return {
            each.uri: (each, (await client.read_resource(each.uri)).contents[0])
            for each in listed
            if Path(each.name).stem in saved["json"]
        }

    found = talk(mcp_server, say, mode)
    assert len(found) == len(saved) == 3
    for resource, content in found.values():
        kind = re.match("ocr://files/([a-z]+)/", resource.uri)[1]
        data = mcp_server.client.get(saved[kind]).content
        assert resource.size == len(data)
        assert resource.mime_type == content.mime_type != "application/octet-stream"
        assert (base64.b64decode(content.blob) if kind == "zip" else content.text.encode()) == data


def test_a_long_list_comes_in_parts(mcp_server: Server) -> None:
    saved = mcp_server.ocr(samples.png(), save="true").json()["local_files"]
    [first] = (mcp_server.folder / "data/results").glob(f"*/json/{Path(saved['json']).name}")
    for number in range(150):
        first.with_name(first.name.replace(first.stem[-8:], f"{number:08x}")).write_bytes(first.read_bytes())

    async def say(client: Client) -> tuple[Any, Any]:
        start = await client.list_resources()
        return start, await client.list_resources(cursor=start.next_cursor)

    start, rest = talk(mcp_server, say)
    assert len(start.resources) == 100
    assert (len(rest.resources) >= 51, rest.next_cursor) == (True, None)
    assert not {each.uri for each in start.resources} & {each.uri for each in rest.resources}
    assert "bad_option" in refused(mcp_server, lambda client: client.list_resources(cursor="x")).message


@pytest.mark.parametrize(
    "uri",
    [
        "x",
        "ocr://files/json/nope.json",
        "ocr://files/json/..%2f..%2fjobs.sqlite3",
        "ocr://jobs/x/result/md",
        "ocr://jobs/x/result/docx",
    ],
)
@each_revision
def test_resources_that_there_are_not(mcp_server: Server, mode: str, uri: str) -> None:
    error = refused(mcp_server, lambda client: client.read_resource(uri), mode)
    assert error.code == -32602
    assert "code: not_found" in error.message


@each_revision
def test_a_tool_that_there_is_not(mcp_server: Server, mode: str) -> None:
    error = refused(mcp_server, lambda client: client.call_tool("nope", {}), mode)
    assert "There is no tool 'nope'" in error.message


def test_callers_do_not_see_each_others(mcp_server: Server) -> None:
    saved = mcp_server.ocr(samples.png(), save="true").json()["local_files"]["json"]
    job = hand_in(mcp_server.client, samples.pdf(1))

    async def say(client: Client) -> list[Any]:
        seen: list[Any] = (await client.list_resources()).resources
        for uri in (f"ocr:/{saved}", f"ocr://jobs/{job['id']}/result/md"):
            with pytest.raises(MCPError, match="not_found"):
                await client.read_resource(uri)
        return seen

    assert talk(mcp_server, say, token=OTHER_TOKEN) == []
    assert talk(mcp_server, lambda client: client.read_resource(f"ocr:/{saved}")).contents
    assert "code: not_found" in text_of(call(mcp_server, "get_job", token=OTHER_TOKEN, job_id=job["id"]))


def test_a_wrong_token(mcp_server: Server) -> None:
    error = refused(mcp_server, lambda client: client.list_tools(), token="wrong")
    assert error.message == "The token is not one that this server knows."
    with mcp_server.new_client("wrong") as client:
        assert_problem(client.post("/mcp", json=message("ping"), headers=ACCEPT), 401, "unauthorized")
    headers = {"X-API-Key": TOKEN, **ACCEPT}
    with mcp_server.new_client(None) as client:
        assert client.post("/mcp", json=message("ping"), headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_methods_of_sessions(mcp_server: Server, method: str) -> None:
    reply = mcp_server.client.request(method, "/mcp", headers=ACCEPT)
    assert_problem(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("version", [{}, {"MCP-Protocol-Version": "2025-11-25"}, {"MCP-Protocol-Version": MODERN}])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1}',
        b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1.5, "method": 7, "params": []}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": "x"}',
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ocr_document", "arguments": 7}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": 7}}',
    ],
)
def test_garbage(mcp_server: Server, body: bytes, version: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json", **ACCEPT, **version}
    reply = mcp_server.client.post("/mcp", content=body, headers=headers)
    if reply.status_code == 200:  # a message that could be understood, answered in a stream
        assert "error" in json.loads(reply.text.partition("data: ")[2])
    elif reply.status_code == 202:  # the SDK takes a request whose id is none for a notification
        assert b'"id": {}' in body
    else:
        assert reply.status_code == 400, reply.text
        assert "error" in reply.json()
    assert "Traceback" not in reply.text


def test_what_is_refused_at_the_door(mcp_server: Server) -> None:
    client, ping = mcp_server.client, message("ping")
    assert client.post("/mcp", json=ping, headers={"Accept": "application/json"}).status_code == 406
    assert_problem(client.post("/mcp", json=ping, headers=ACCEPT | {"Origin": "https://evil.test"}), 403, "forbidden")
    wrong = {"Content-Type": "text/plain", **ACCEPT}
    assert_problem(client.post("/mcp", content=b"{}", headers=wrong), 415, "unsupported_type")
    large = message("tools/call", name="ocr_document", arguments={"document": "A" * 2_000_000})
    assert_problem(client.post("/mcp", json=large, headers=ACCEPT), 413, "upload_too_large")
    wordy = message("tools/call", name="ocr_document", arguments={"file": "A" * 100_000})
    problem = assert_problem(client.post("/mcp", json=wordy, headers=ACCEPT), 413, "upload_too_large")
    assert "`document`" in problem["detail"]
    wait_for(lambda: not mcp_server.spooled(), "the spool is empty")


def test_it_is_in_the_log_and_in_the_metrics(mcp_server: Server) -> None:
    headers = {"X-Request-ID": "asked-1", **ACCEPT}
    reply = mcp_server.client.post("/mcp", json=message("tools/list"), headers=headers)
    assert reply.headers.get_list("x-request-id") == ["asked-1"]
    [line] = wait_for(
        lambda: [each for each in mcp_server.log() if each.get("request_id") == "asked-1"], "the request's line"
    )
    assert (line["event"], line["path"], line["status"]) == ("request", "/mcp", 200)
    assert 'ocr_http_requests_total{method="POST",route="/mcp",status="200"}' in mcp_server.client.get("/metrics").text
    assert "mcp" not in {each["logger"].partition(".")[0] for each in mcp_server.log()}


@each_revision
def test_who_hangs_up_leaves_nothing(mcp_server: Server, mode: str) -> None:
    meta = {} if mode == LEGACY else {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }  # fmt: skip
    named = {} if mode == LEGACY else {
        "MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "ocr_document",
    }  # fmt: skip
    document, _ = long_document()
    arguments = {"document": encoded(document)}
    asks = message("tools/call", name="ocr_document", arguments=arguments, _meta={"progressToken": 1, **meta})
    before, pages = mcp_server.open_files(), counted_pages(mcp_server)
    with mcp_server.new_client() as client:
        with client.stream("POST", "/mcp", json=asks, headers=ACCEPT | named) as reply:
            assert reply.status_code == 200
            for line in reply.iter_lines():
                if "notifications/progress" in line:
                    break
    wait_for(lambda: not mcp_server.spooled(), "the spool is empty")
    wait_for(lambda: mcp_server.metric("ocr_queue_pages") == 0, "the queue is empty")
    wait_for(lambda: not mcp_server.is_busy(), "no page is in work")
    wait_for(lambda: mcp_server.open_files() <= before, "what was open is closed")
    assert counted_pages(mcp_server) - pages < LONG / 2
    assert call(mcp_server, "list_models").is_error is False


def test_who_hangs_up_while_sending_leaves_nothing(mcp_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", mcp_server.port), 10) as connection:
        connection.sendall(HEAD + b'{"jsonrpc": "2.0", "id"')
        wait_for(mcp_server.spooled, "the body begins to lie in the spool")
    wait_for(lambda: not mcp_server.spooled(), "the spool is empty")


def test_the_end_of_the_server(start: Start) -> None:
    """Calls that work are finished, those that wait for a job are let go, and newcomers are sent elsewhere."""
    server = start(PDF_DPI="72", SHUTDOWN_GRACE_S="100").ready()

    def asking(client: httpx2.Client, tool: str, **arguments: Any) -> AbstractContextManager[httpx2.Response]:
        return client.stream("POST", "/mcp", json=message("tools/call", name=tool, arguments=arguments), headers=ACCEPT)

    def answer(reply: httpx2.Response) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(reply.read().decode().rpartition("data: ")[2])["result"]["structuredContent"]
        return found

    with ExitStack() as still, server.new_client() as one, server.new_client() as other:
        still.enter_context(server.engine_stopped())
        with asking(one, "ocr_document", document=encoded(samples.pdf(14))) as working:
            job = hand_in(server.client, samples.pdf(60))
            with asking(other, "get_job", job_id=job["id"], wait_seconds=60) as waiting:
                server.process.send_signal(signal.SIGTERM)
                wait_for(lambda: server.health()["status"] == "draining", "it drains")
                [line] = [each for each in server.log() if each["event"] == "draining"]
                assert line["requests"] == 1  # it does not wait for who waits
                assert_problem(server.client.post("/mcp", json=message("ping"), headers=ACCEPT), 503, "draining")
                still.close()
                assert answer(working)["result"].count("Sheet") == 14
                assert answer(waiting)["job"]["state"] in {"queued", "running"}
    assert server.process.wait(60) == 0
    server.assert_nothing_left()
