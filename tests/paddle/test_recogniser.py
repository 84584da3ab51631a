"""`PADDLE_VL_RECOGNISER=vllm`: the engine's side of it. A stand-in answers as vLLM's OpenAI-compatible server does."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from server import catalog
from server.child import Worker
from server.documents import Verdict
from server.engines.base import PageInput
from tests.paddle.documents import page

ENTRY = catalog.read()["paddleocr-vl"]


class _StandIn(BaseHTTPRequestHandler):
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request)
        limit = request["max_completion_tokens"]
        [image, text] = request["messages"][0]["content"]
        assert image["image_url"]["url"].startswith("data:image/jpeg;base64,")
        message = {"role": "assistant", "content": f"{text['text']} {len(self.asked)}"}
        choice = {"index": 0, "message": message, "finish_reason": "length" if limit < 10 else "stop"}
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": request["model"], "choices": [choice]}
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def url() -> Iterator[str]:
    _StandIn.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _StandIn) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_regions_go_to_the_server_with_their_options_and_its_limits_are_told(
    url: str, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "page.ppm"
    image = page("a", ("title", "table"))
    image.save(path)
    given = {
        "temperature": 0.5,
        "repetition_penalty": 1.2,
        "max_new_tokens": 50,
        "min_pixels": 3136,
        "max_pixels": 50176,
    }

    async def drive() -> list[Any]:
        worker = await Worker.start(ENTRY, paddlex_home=weights, load_timeout_s=100, recogniser_url=url)
        _StandIn.asked.clear()
        results = []
        for options in (given, {"max_new_tokens": 9}):
            input_ = PageInput(1, path, *image.size)
            [result] = await worker.recognise((input_,), ENTRY.check_options(options), "r", lambda _: None)
            results.append(result)
        assert worker.concurrency == 16
        await worker.close()
        return results

    whole, cut = asyncio.run(drive())
    assert (whole.verdict, cut.verdict) == (Verdict.OK, Verdict.TRUNCATED)
    assert whole.warnings == ()
    assert [block.type for block in whole.blocks] == ["doc_title", "table"]
    assert whole.markdown.startswith("# OCR: ")
    assert sorted(each["messages"][0]["content"][1]["text"] for each in _StandIn.asked) == [
        *("OCR:", "OCR:", "Table Recognition:", "Table Recognition:")
    ]
    first = _StandIn.asked[0]
    assert (first["model"], first["temperature"], first["max_completion_tokens"]) == ("PaddleOCR-VL-0.9B", 0.5, 50)
    assert first["repetition_penalty"] == 1.2
    assert first["mm_processor_kwargs"] == {"min_pixels": 3136, "max_pixels": 50176}


def test_a_figure_inside_a_table_hides_none_at_the_same_place_on_another_page(
    url: str, weights: Path, tmp_path: Path
) -> None:
    """Pages go through PaddleX together here, and PaddleX by itself does not tell their figures apart."""
    inputs = []
    for number, regions in enumerate((("title",), ("table", "in_table"), ("in_table",)), start=1):
        path = tmp_path / f"page-{number:05}.ppm"
        image = page("a", regions)
        image.save(path)
        inputs.append(PageInput(number, path, *image.size))

    async def drive() -> tuple[list[Any], list[int]]:
        worker = await Worker.start(ENTRY, paddlex_home=weights, load_timeout_s=100, recogniser_url=url)
        together: list[int] = []
        reading = [worker.recognise((each,), ENTRY.check_options({}), "r", together.append) for each in inputs]
        results = await asyncio.gather(*reading)
        await worker.close()
        return [result for [result] in results], together

    results, together = asyncio.run(drive())
    assert together[-1] > 1
    assert [[block.type for block in result.blocks] for result in results] == [["doc_title"], ["table"], ["image"]]
    assert list(results[2].images) == [results[2].blocks[0].content]
