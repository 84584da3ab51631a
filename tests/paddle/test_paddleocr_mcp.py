"""The official `paddleocr-mcp`, self-hosted by our server and asked by an MCP client.

In this mode it sends no token of its own: a user name and the token stand in the address, as RFC 7617 has them.
"""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from tests.contract import samples
from tests.contract.running import TOKEN, Server
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.patience import PATIENT, loaded
from tests.paddle.peers import PYTHON

MODEL = "paddleocr-vl-1.6"


@pytest.fixture(scope="module")
def vl_server(weights: Path) -> Iterator[Server]:
    """A server whose default model is PaddleOCR-VL."""
    with Server(PADDLEX_HOME=str(weights), DEFAULT_MODEL=MODEL, **PATIENT) as running:
        yield loaded(running)


def ask(server: Server, *inputs: tuple[str, dict[str, Any]], token: str | None = TOKEN) -> list[list[Any]]:
    """What the tool of PaddleOCR-VL answers to each input, with its other arguments."""
    host = f"127.0.0.1:{server.port}"
    command = ["-m", "paddleocr_mcp", "--model", "PaddleOCR-VL-1.6", "--ppocr_source", "self_hosted"]
    command += ["--self-hosted-base-url", f"http://mcp:{token}@{host}" if token else f"http://{host}"]

    async def talk() -> list[list[Any]]:
        peer = StdioServerParameters(command=str(PYTHON), args=command, env={"PATH": "/usr/bin:/bin"})
        async with stdio_client(peer) as streams, ClientSession(*streams) as session:
            await session.initialize()
            answers = []
            for data, arguments in inputs:
                answer = await session.call_tool("paddleocr_vl", {"input_data": data, **arguments})
                answers.append([answer.is_error, *answer.content])
            return answers

    return asyncio.run(talk())


def test_an_image_and_a_pdf(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "two pages.pdf"
    path.write_bytes(samples.pdf(2))
    image = base64.b64encode(samples.png()).decode()
    answers = ask(
        server,
        (image, {"file_type": "image"}),
        (image, {}),
        (str(path), {"file_type": "pdf", "output_mode": "detailed"}),
    )
    for failed, text in answers[:2]:
        assert (failed, text.text) == (False, samples.WORDS)
    failed, text, pages = answers[2]
    assert (failed, text.text, pages.text) == (False, "Sheet 1\nSheet 2", "Pages: 2")


def test_paddleocr_vl_with_its_figures(vl_server: Server) -> None:
    picture = page("quick brown fox", ("title", "left", "figure"))
    data = {"image": encoded(picture), "pdf": pdf(picture, page("", ()))}
    options = {"runtime_params": {"max_new_tokens": 16, "use_chart_recognition": False}}
    inputs = [(base64.b64encode(data[kind]).decode(), {"file_type": kind, **options}) for kind in data]
    answers = ask(vl_server, *inputs)
    for (kind, bytes_), (failed, *content) in zip(data.items(), answers, strict=True):
        reply = vl_server.client.post(
            "/layout-parsing",
            json={"file": base64.b64encode(bytes_).decode(), "fileType": int(kind == "image"), "maxNewTokens": 16},
        ).json()
        first = reply["result"]["layoutParsingResults"][0]["markdown"]
        assert not failed
        assert content[0].text == first["text"].partition("<img")[0]
        assert [each.data for each in content if each.type == "image"] == list(first["images"].values())
        assert len(first["images"]) == 1


def test_without_a_token_nothing_is_read(server: Server) -> None:
    [[failed, _]] = ask(server, (base64.b64encode(samples.png()).decode(), {}), token=None)
    assert failed
