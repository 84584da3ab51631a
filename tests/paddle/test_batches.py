"""The worker as the server drives it: what has come goes through the pipeline together, and comes back page by page."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from server import catalog
from server.child import NotRecognisedError, Worker
from server.documents import Page
from server.engines.base import PageInput
from tests.contract.running import frozen
from tests.paddle.documents import page
from tests.paddle.patience import LOAD_S

ENTRY = catalog.read()["paddleocr-vl-1.5"]
OPTIONS = ENTRY.check_options({"max_new_tokens": 8})
SLOW = ENTRY.check_options({"max_new_tokens": 2000})


def _input(folder: Path, number: int, regions: tuple[str, ...] = ("title", "left")) -> PageInput:
    path = folder / f"page-{number:05}.ppm"
    image = page(f"page {number}", regions)
    image.save(path)
    return PageInput(number, path, *image.size, 9)


def _bytes_read(worker: Worker) -> int:
    """How much the worker has read so far, from wherever."""
    counts = dict(line.split(": ") for line in Path(f"/proc/{worker.pid}/io").read_text().splitlines())
    return int(counts["rchar"])


class Driver:
    """Sends pages and notes what comes back, in order: ("begun", page, how many together) or ("read", page)."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.events: list[tuple[Any, ...]] = []
        self.first_begun = asyncio.Event()

    async def read(self, page: PageInput, options: Any = OPTIONS, request_id: str = "r") -> Page:
        def begun(together: int) -> None:
            self.events.append(("begun", page.number, together))
            self.first_begun.set()

        [result] = await self.worker.recognise((page,), options, request_id, begun)
        self.events.append(("read", page.number))
        return result


def test_pages_that_wait_are_read_together_and_answered_one_by_one(weights: Path, tmp_path: Path) -> None:
    """The worker stands still in the midst of the first page, a slow one, until all others wait."""
    pages = [_input(tmp_path, number) for number in range(1, 6)]
    other = ENTRY.check_options({"max_new_tokens": 3})

    async def drive() -> tuple[list[Page], list[tuple[Any, ...]]]:
        worker = await Worker.start(ENTRY, paddlex_home=weights, load_timeout_s=LOAD_S)
        driver = Driver(worker)
        assert worker.concurrency == 4
        first = asyncio.create_task(driver.read(pages[0], ENTRY.check_options({"max_new_tokens": 400})))
        await driver.first_begun.wait()
        with frozen(worker.pid):
            rest = [
                asyncio.create_task(driver.read(each, other if each.number == 3 else OPTIONS, f"r{each.number}"))
                for each in pages[1:]
            ]
            await asyncio.sleep(0)  # each of them is sent
        results = list(await asyncio.gather(first, *rest))
        await worker.close()
        return results, driver.events

    results, events = asyncio.run(drive())
    assert [result.number for result in results] == [1, 2, 3, 4, 5]
    assert [result.engine_result["page_index"] for result in results if result.engine_result] == [0, 1, 2, 3, 4]
    # apart, because a page's answer and the next ones' beginning may come as one piece
    assert [event for event in events if event[0] == "begun"] == [
        *(("begun", 1, 1), ("begun", 2, 3), ("begun", 4, 3), ("begun", 5, 3), ("begun", 3, 1)),
    ]
    assert [event for event in events if event[0] == "read"] == [("read", number) for number in (1, 2, 4, 5, 3)]


def test_a_page_that_cannot_be_read_takes_no_other_with_it(weights: Path, tmp_path: Path) -> None:
    pages = [_input(tmp_path, number) for number in (1, 2, 3, 4)]
    pages[2].path.write_bytes(b"no image")

    async def drive() -> list[Any]:
        worker = await Worker.start(ENTRY, paddlex_home=weights, load_timeout_s=LOAD_S)
        driver = Driver(worker)
        alone = [await driver.read(each) for each in (pages[0], pages[1], pages[3])]
        together = await asyncio.gather(*(driver.read(each) for each in pages), return_exceptions=True)
        await worker.close()
        assert [result.markdown for result in together if isinstance(result, Page)] == [page.markdown for page in alone]
        return list(together)

    failed = asyncio.run(drive())[2]
    assert isinstance(failed, NotRecognisedError)
    assert str(failed) == "ValueError: page 3: page-00003.ppm is not an image"


def test_a_caller_who_leaves_takes_no_other_page_with_him(weights: Path, tmp_path: Path) -> None:
    """His page fails when its figures are to be written, seconds before the next one is read to its end."""
    (theirs := tmp_path / "theirs").mkdir()
    leaving, staying = _input(theirs, 1, ("left",)), _input(tmp_path, 2, ("left",))

    async def drive() -> tuple[Page, list[Any]]:
        worker = await Worker.start(ENTRY, paddlex_home=weights, load_timeout_s=LOAD_S)
        driver = Driver(worker)
        alone = await driver.read(staying, SLOW)
        before = _bytes_read(worker)
        with frozen(worker.pid):  # until the two have come together
            both = asyncio.gather(driver.read(leaving, SLOW), driver.read(staying, SLOW), return_exceptions=True)
            await asyncio.sleep(0)
        while ("begun", 1, 2) not in driver.events:  # noqa: ASYNC110 what is waited for has no event
            await asyncio.sleep(0.01)
        both_images = leaving.path.stat().st_size + staying.path.stat().st_size
        while _bytes_read(worker) < before + both_images:  # noqa: ASYNC110 nor has this
            await asyncio.sleep(0.01)
        shutil.rmtree(theirs)
        results = list(await both)
        await worker.close()
        return alone, results

    alone, [left, stayed] = asyncio.run(drive())
    assert isinstance(left, NotRecognisedError)
    assert isinstance(stayed, Page)
    assert (stayed.text, stayed.verdict) == (alone.text, alone.verdict)


def test_weights_that_are_no_weights_are_said_to_be_so(home: Path) -> None:
    (home / "official_models/PaddleOCR-VL-1.5/config.json").write_text("{")
    with pytest.raises(Exception, match=r"JSONDecodeError|config\.json"):
        asyncio.run(Worker.start(ENTRY, paddlex_home=home, load_timeout_s=LOAD_S))
