"""A worker process, driven as the server drives it, with the real engine that is always there."""

import asyncio
from pathlib import Path

import pytest
import structlog
from PIL import Image

from server import catalog
from server.child import NotRecognisedError, Worker
from server.documents import Verdict
from server.engines.base import PageInput

pytestmark = pytest.mark.engines


def _page(path: Path) -> PageInput:
    return PageInput(1, path, 200, 100)


def test_only_a_page_that_is_there_can_be_an_error(tmp_path: Path) -> None:
    """A caller who hangs up takes the page with him while the worker is about to open it: nobody's mistake."""
    blank, broken = tmp_path / "blank.ppm", tmp_path / "broken.ppm"
    Image.new("RGB", (200, 100), "white").save(blank)
    broken.write_bytes(b"not an image")

    async def drive() -> list[str]:
        worker = await Worker.start(catalog.read()["pp-ocr"], paddlex_home=tmp_path, load_timeout_s=60)
        for unreadable in (tmp_path / "gone.ppm", broken):
            with pytest.raises(NotRecognisedError, match="is not an image"):
                await worker.recognise((_page(unreadable),), {}, unreadable.stem, lambda _: None)
        [page] = await worker.recognise((_page(blank),), {}, "blank", lambda _: None)
        await worker.close()
        return [page.verdict]

    with structlog.testing.capture_logs() as lines:
        assert asyncio.run(drive()) == [Verdict.BLANK]
    said = [(line["event"], line["log_level"], line["request_id"]) for line in lines if "request_id" in line]
    assert said == [("pages withdrawn", "info", "gone"), ("pages not recognised", "error", "broken")]
