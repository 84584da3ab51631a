"""Pages → engine → Document: in order, few in memory, a bad page kept to itself, nothing left behind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server import pipeline as pipeline_module
from server.admission import Admission
from server.child import Worker
from server.documents import Document, FileType, Page, Verdict
from server.engines.base import Options, PageInput
from server.errors import (
    DamagedFile,
    DeadlineExceeded,
    Draining,
    EngineCrashed,
    EngineFailed,
    ModelLoading,
    ModelUnavailable,
    OcrError,
    OutOfSpace,
    QueueFull,
    ReaderKilled,
    TooManyPixels,
    Unavailable,
)
from server.metrics import Metrics
from server.model_host import ModelHost, Policy
from server.page_task import Urgency
from server.pages import Opened, Reader
from server.pipeline import Pipeline
from server.stages import Stages
from server.states import ModelState
from server.tracing import Tracing
from tests.unit.fakes import ENTRY, FakeWorker, FakeWorkers, page_input, read_page, room_for_all, run_at_once, until

Step = Callable[[int], Awaitable[None]]


async def at_once(_: int) -> None:
    """A page goes through without a hitch."""
    await asyncio.sleep(0)


def failing(errors: dict[int, Exception], otherwise: Step = at_once) -> Step:
    """These pages fail."""

    async def step(number: int) -> None:
        await otherwise(number)
        if number in errors:
            raise errors[number]

    return step


class FakeReader:
    """As `server.pages.Reader`: writes a page's file into the spool, which the test looks at."""

    def __init__(self, folder: Path, step: Step = at_once) -> None:
        self.folder = folder
        self.step = step
        self.rendered: list[int] = []
        self.most = 0

    async def render(self, number: int, name: str = "page") -> PageInput:
        """A page's file."""
        await self.step(number)
        image = page_input(number, self.folder)
        image.path.write_bytes(b"P6 1 1 255\n\0\0\0")
        self.rendered.append(number)
        self.most = max(self.most, len(self.files()))
        return image

    def files(self) -> list[Path]:
        """What lies in the spool now."""
        return list(self.folder.iterdir())


class FakeHost:
    """As `server.model_host.ModelHost`: reads pages that are still in the spool."""

    entry = ENTRY

    def __init__(self, step: Step = at_once, concurrency: int = 1) -> None:
        self.concurrency = self.side_by_side = concurrency
        self.step = step
        self.not_loaded: OcrError | None = None
        self.loaded = True
        self.documents = 0
        self._turns = asyncio.Semaphore(concurrency)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Counts the documents that use it."""
        self.documents += 1
        try:
            yield
        finally:
            self.documents -= 1

    async def wait_loaded(self, timeout_s: float) -> None:
        """Loaded, unless the test says otherwise."""
        assert self.documents
        if self.not_loaded:
            raise self.not_loaded

    async def recognise(
        self,
        page: PageInput,
        options: Options,
        request_id: str,
        *,
        start_within_s: float | None,
        urgency: Urgency,
        on_begun: Callable[[], None],
    ) -> Page:
        """The page, read."""
        async with self._turns:
            on_begun()
            assert self.documents
            assert page.path.exists()
            await self.step(page.number)
            assert page.path.exists()
        return read_page(page.number, seconds=2.0)


class Service:
    """The parts around one pipeline."""

    def __init__(self, folder: Path, host: FakeHost | ModelHost, max_wait_s: float = 5) -> None:
        self.folder = folder
        self.host = host
        self.admission = Admission(1000, 1)
        self.metrics = Metrics("0", "r")
        self.pipeline = Pipeline(self.admission, Stages(self.metrics, Tracing()), max_wait_s)

    async def read(self, reader: FakeReader, numbers: list[int], total: int | None = None) -> Document:
        """One document."""
        opened = Opened(FileType.PDF, "application/pdf", total or len(numbers))
        with self.admission.enter() as permit:
            permit.set_pages(len(numbers))
            return await self.pipeline.run(
                cast("Reader", reader), opened, numbers, cast("ModelHost", self.host), {}, permit, "req_1"
            )

    def count(self, name: str) -> dict[str, float]:
        """A metric's values by verdict, or by stage."""
        families = text_string_to_metric_families(self.metrics.text().decode())
        return {
            sample.labels.get("verdict", sample.labels.get("stage", "")): sample.value
            for family in families
            for sample in family.samples
            if sample.name == name
        }


# --- order


@pytest.mark.parametrize("concurrency", [1, 4])
def test_pages_come_back_in_order_however_long_each_takes(tmp_path: Path, concurrency: int) -> None:
    async def step(number: int) -> None:
        await asyncio.sleep(0.01 / number)

    async def case() -> None:
        service = Service(tmp_path, FakeHost(step, concurrency))
        document = await service.read(FakeReader(tmp_path), [2, 3, 5, 7, 11], total=20)
        assert document == Document(
            FileType.PDF, 20, tuple(read_page(number, seconds=2.0) for number in (2, 3, 5, 7, 11))
        )

    run_at_once(case())


def test_every_page_is_counted_and_its_place_given_back_as_it_is_done(tmp_path: Path) -> None:
    places: list[int] = []

    async def case() -> None:
        async def step(_: int) -> None:
            await asyncio.sleep(0)
            places.append(service.admission.pages)

        service = Service(tmp_path, FakeHost(step))
        errors: dict[int, Exception] = {4: DamagedFile("torn")}
        await service.read(FakeReader(tmp_path, failing(errors)), [1, 2, 3, 4])
        assert places[:2] == [4, 3]
        assert places[2] < 3
        assert service.admission.pages == 0
        assert service.count("ocr_pages_total") == {"ok": 3, "failed": 1}
        assert service.count("ocr_page_seconds_count") == {"": 3}
        assert service.count("ocr_page_confidence_ratio_count") == {"": 3}
        assert service.count("ocr_stage_seconds_count") == {"wait": 3, "recognise": 3}

    run_at_once(case())


def test_the_queue_learns_how_long_a_page_takes(tmp_path: Path) -> None:
    async def case() -> None:
        service = Service(tmp_path, FakeHost(concurrency=4))
        await service.read(FakeReader(tmp_path), list(range(1, 50)))
        service.admission.reserve(pages=100)
        assert service.admission.retry_after() in {25, 26}  # 50 pages at 2 s, four at once

    run_at_once(case())


# --- errors


@pytest.mark.parametrize(
    "error",
    [DamagedFile("torn"), ReaderKilled("too much"), TooManyPixels("too large")],
    ids=lambda error: error.code,
)
def test_a_page_that_cannot_be_opened_is_kept_to_itself(tmp_path: Path, error: OcrError) -> None:
    async def case() -> None:
        service = Service(tmp_path, FakeHost())
        document = await service.read(FakeReader(tmp_path, failing({2: error})), [1, 2, 3])
        assert document.pages[1] == Page(2, 0, 0, verdict=Verdict.FAILED, error=error.detail)
        assert [document.pages[0], document.pages[2]] == [read_page(1, seconds=2.0), read_page(3, seconds=2.0)]

    run_at_once(case())


def test_many_bad_pages_do_not_keep_the_good_ones_from_their_turn(tmp_path: Path) -> None:
    async def case() -> None:
        service = Service(tmp_path, FakeHost())
        bad: dict[int, Exception] = dict.fromkeys(range(1, 30), DamagedFile("torn"))
        document = await asyncio.wait_for(service.read(FakeReader(tmp_path, failing(bad)), list(range(1, 31))), 1)
        assert [page.number for page in document.pages if page.verdict is Verdict.OK] == [30]

    run_at_once(case())


@pytest.mark.parametrize(
    "error",
    [EngineCrashed("twice"), EngineFailed("no"), DeadlineExceeded("too long")],
    ids=lambda error: error.code,
)
def test_a_page_that_cannot_be_read_is_kept_to_itself(tmp_path: Path, error: OcrError) -> None:
    async def case() -> None:
        service = Service(tmp_path, FakeHost(failing({2: error}), concurrency=2))
        document = await service.read(FakeReader(tmp_path), [1, 2, 3])
        assert document.pages[1] == Page(2, 640, 480, verdict=Verdict.FAILED, error=error.detail)
        assert [page.verdict for page in document.pages] == [Verdict.OK, Verdict.FAILED, Verdict.OK]
        assert list(tmp_path.iterdir()) == []

    run_at_once(case())


def test_when_every_page_fails_the_first_ones_error_is_raised(tmp_path: Path) -> None:
    async def later(number: int) -> None:
        await asyncio.sleep(0.01 / number)

    async def case() -> None:
        errors: dict[int, Exception] = {3: EngineFailed("three"), 4: EngineFailed("four"), 5: EngineFailed("five")}
        service = Service(tmp_path, FakeHost(failing(errors, later), concurrency=3))
        with pytest.raises(EngineFailed, match=r"^three$"):
            await service.read(FakeReader(tmp_path), [3, 4, 5])

    run_at_once(case())


@pytest.mark.parametrize(
    "error",
    [Unavailable("no reader", retry_after=5), OutOfSpace("full", retry_after=5), Draining("over")],
    ids=lambda error: error.code,
)
@pytest.mark.parametrize("number", [1, 3])
def test_an_error_that_concerns_no_single_page_is_raised_as_it_is(tmp_path: Path, error: OcrError, number: int) -> None:
    async def case() -> None:
        service = Service(tmp_path, FakeHost())
        with pytest.raises(OcrError) as raised:
            await service.read(FakeReader(tmp_path, failing({number: error})), [1, 2, 3])
        assert raised.value is error
        assert list(tmp_path.iterdir()) == []

    run_at_once(case())


@pytest.mark.parametrize(
    "error",
    [QueueFull("late", retry_after=3), ModelUnavailable("gone"), OutOfSpace("full", retry_after=5)],
    ids=lambda e: e.code,
)
def test_an_error_of_the_model_is_raised_as_it_is(tmp_path: Path, error: OcrError) -> None:
    async def case() -> None:
        service = Service(tmp_path, FakeHost(failing({2: error}), concurrency=2))
        with pytest.raises(OcrError) as raised:
            await service.read(FakeReader(tmp_path), [1, 2, 3, 4, 5])
        assert raised.value is error
        assert list(tmp_path.iterdir()) == []
        assert service.admission.pages == 0

    run_at_once(case())


def test_two_errors_at_once_are_one(tmp_path: Path) -> None:
    async def case() -> None:
        errors: dict[int, Exception] = dict.fromkeys((1, 2), ModelUnavailable("gone"))
        service = Service(tmp_path, FakeHost(failing(errors), concurrency=2))
        with pytest.raises(ModelUnavailable):
            await service.read(FakeReader(tmp_path), [1, 2, 3])

    run_at_once(case())


def test_a_mistake_of_ours_is_not_hidden_behind_a_page(tmp_path: Path) -> None:
    async def case() -> None:
        service = Service(tmp_path, FakeHost(failing({1: ZeroDivisionError("ours")})))
        with pytest.raises(ExceptionGroup) as raised:
            await service.read(FakeReader(tmp_path), [1, 2])
        assert isinstance(raised.value.exceptions[0], ZeroDivisionError)

    run_at_once(case())


def test_nothing_is_rendered_for_a_model_that_is_not_loaded(tmp_path: Path) -> None:
    async def case() -> None:
        host = FakeHost()
        host.not_loaded = ModelLoading("soon", retry_after=10)
        reader = FakeReader(tmp_path)
        with pytest.raises(ModelLoading):
            await Service(tmp_path, host).read(reader, [1])
        assert reader.rendered == []

    run_at_once(case())


# --- memory


@pytest.mark.parametrize("concurrency", [1, 3])
def test_of_one_document_one_image_more_lies_in_the_spool_than_is_read(tmp_path: Path, concurrency: int) -> None:
    async def step(_: int) -> None:
        await asyncio.sleep(0.002)

    async def case() -> None:
        reader = FakeReader(tmp_path)
        await Service(tmp_path, FakeHost(step, concurrency)).read(reader, list(range(1, 15)))
        assert reader.most == concurrency + 1
        assert list(tmp_path.iterdir()) == []

    run_at_once(case())


def test_of_all_documents_together_no_more_images_lie_in_the_spool_than_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "_SPOOL_PAGES", 3)
    most = 0

    async def case() -> None:
        nonlocal most
        service = Service(tmp_path, FakeHost(concurrency=2))
        readers = []
        for number in range(8):
            (folder := tmp_path / str(number)).mkdir()
            readers.append(FakeReader(folder))

        async def step(_: int) -> None:
            nonlocal most
            most = max(most, sum(len(reader.files()) for reader in readers))
            await asyncio.sleep(0.001)

        service.host = FakeHost(step, concurrency=2)
        documents = await asyncio.gather(*(service.read(reader, [1, 2, 3, 4]) for reader in readers))
        assert all(len(document.pages) == 4 for document in documents)

    run_at_once(case())
    assert most == 3


def test_an_image_leaves_the_spool_as_soon_as_its_page_is_read(tmp_path: Path) -> None:
    async def case() -> None:
        left: list[set[str]] = []

        async def step(number: int) -> None:
            await asyncio.sleep(0.002)
            left.append(
                {path.name for path in tmp_path.iterdir()} - {page_input(n).path.name for n in (number, number + 1)}
            )

        await Service(tmp_path, FakeHost(step)).read(FakeReader(tmp_path), [1, 2, 3, 4])
        assert left == [set()] * 4

    run_at_once(case())


# --- ends


@pytest.mark.parametrize("steps", range(40))
def test_cancelled_at_any_point_it_leaves_nothing_and_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(pipeline_module, "_SPOOL_PAGES", 2)

    async def case() -> None:
        service = Service(tmp_path, FakeHost(concurrency=2))
        for _ in range(3):  # one permit lost each time would be more than there are
            reading = asyncio.create_task(service.read(FakeReader(tmp_path), list(range(1, 9))))
            for _ in range(steps):
                await asyncio.sleep(0)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            assert list(tmp_path.iterdir()) == []
            assert (service.admission.pages, service.admission.requests) == (0, 0)
        reader = FakeReader(tmp_path)
        document = await asyncio.wait_for(service.read(reader, [1, 2, 3, 4]), 1)
        assert [page.number for page in document.pages] == [1, 2, 3, 4]
        assert reader.most == 2  # neither fewer permits than before nor more

    run_at_once(case())


def test_a_cancelled_request_stops_at_the_next_page(tmp_path: Path) -> None:
    async def case() -> None:
        reader = FakeReader(tmp_path)

        async def step(_: int) -> None:
            await asyncio.sleep(0.005)

        reading = asyncio.create_task(Service(tmp_path, FakeHost(step)).read(reader, list(range(1, 100))))
        await until(lambda: len(reader.rendered) == 3)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        assert len(reader.rendered) <= 4

    run_at_once(case())


def test_a_failed_request_gives_its_places_in_the_spool_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "_SPOOL_PAGES", 2)

    async def case() -> None:
        service = Service(tmp_path, FakeHost())
        for _ in range(5):
            with pytest.raises(Unavailable):
                await service.read(FakeReader(tmp_path, failing({2: Unavailable("no reader")})), [1, 2, 3])
            await service.read(FakeReader(tmp_path, failing({2: DamagedFile("torn")})), [1, 2, 3])
        assert len((await asyncio.wait_for(service.read(FakeReader(tmp_path), [1, 2, 3]), 1)).pages) == 3

    run_at_once(case())


# --- with a real host


def test_a_document_whose_first_page_is_slow_is_not_turned_away_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(_: FakeWorker, page: int) -> list[Page]:
        await asyncio.sleep(0.1)
        return [read_page(page)]

    async def case() -> None:
        monkeypatch.setattr(Worker, "start", FakeWorkers(script).start)
        host = ModelHost(ENTRY, Policy(Path("/models"), 5, 5, 1000, 1_000_000), room_for_all(), lambda _: None)
        service = Service(tmp_path, host, max_wait_s=0.03)  # shorter than one page takes
        document = await service.read(FakeReader(tmp_path), [1, 2, 3])
        assert [page.number for page in document.pages] == [1, 2, 3]
        await host.unload()

    run_at_once(case())


def test_a_document_whose_turn_does_not_come_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(_: FakeWorker, page: int) -> list[Page]:
        await asyncio.sleep(0.1)
        return [read_page(page)]

    async def case() -> None:
        monkeypatch.setattr(Worker, "start", FakeWorkers(script).start)
        host = ModelHost(ENTRY, Policy(Path("/models"), 5, 5, 1000, 1_000_000), room_for_all(), lambda _: None)
        service = Service(tmp_path, host, max_wait_s=0.03)
        await host.wait_loaded(1)
        other = asyncio.create_task(host.recognise(page_input(9), {}, "req_2", start_within_s=None))
        await until(lambda: host.state is ModelState.BUSY)
        with pytest.raises(QueueFull):
            await service.read(FakeReader(tmp_path), [1, 2])
        assert list(tmp_path.iterdir()) == []
        await other
        await host.unload()

    run_at_once(case())


# --- chats


def test_chats_with_many_images_never_wait_for_each_other_and_give_all_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has more than half of the room: together, piece by piece, they would have it all and wait for ever."""
    monkeypatch.setattr(pipeline_module, "_SPOOL_PAGES", 4)

    async def case() -> None:
        pipeline = Pipeline(Admission(10, 10), Metrics("", ""), 1)
        inside = most = 0

        async def chat() -> None:
            nonlocal inside, most
            async with pipeline.room_for(3):
                inside += 3
                most = max(most, inside)
                await asyncio.sleep(0.001)
                inside -= 3

        await asyncio.gather(*(chat() for _ in range(5)))
        assert most == 3

        async with pipeline.room_for(3):
            waiting = asyncio.create_task(chat())  # it has one, and wants two more
            await asyncio.sleep(0.001)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with pipeline.room_for(4):
            assert inside == 0

    run_at_once(case())
