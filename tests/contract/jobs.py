"""Jobs of a real server, as a caller sees them."""

import json
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.contract import samples
from tests.contract.running import TOKEN, Server, wait_for

OTHER_TOKEN = "tok-77aa01-of-another-caller"
LONG = 300
_DISTINCT = 12
FINISHED = {"done", "failed", "cancelled"}


def small_pages(pages: int, word: str = "Sheet") -> bytes:
    """A PDF of pages that take the least time: at 72 dpi. One made twice has other bytes the second time."""
    return samples.pdf(pages, word, (160, 60))


def long_document() -> tuple[bytes, bytes]:
    """A document of `LONG` pages, and one of the few distinct pages that it repeats."""
    few = small_pages(_DISTINCT)
    return samples.repeated(few, LONG), few


def as_of(few: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """How page `number` of the long document reads, by the pages of the short one."""
    return timeless(few[(number - 1) % _DISTINCT]) | {"page_number": number}


def timeless(page: dict[str, Any]) -> dict[str, Any]:
    """A page's result without what differs from run to run."""
    return {key: value for key, value in page.items() if key != "timing_seconds"}


def hand_in(client: httpx2.Client, *documents: bytes, key: str | None = None, **fields: str) -> dict[str, Any]:
    """POST /jobs; the accepted job."""
    reply = post(client, *documents, key=key, **fields)
    assert reply.status_code == 202, reply.text
    job: dict[str, Any] = reply.json()
    assert reply.headers["location"] == job["links"]["self"] == f"/jobs/{job['id']}"
    return job


def post(client: httpx2.Client, *documents: bytes, key: str | None = None, **fields: str) -> httpx2.Response:
    """POST /jobs with a form."""
    files = [("file", (f"{index}.pdf", data)) for index, data in enumerate(documents)]
    return client.post("/jobs", files=files, data=fields, headers={"Idempotency-Key": key} if key else {})


def job_of(client: httpx2.Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job as it is now."""
    reply = client.get(job["links"]["self"])
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def ended(client: httpx2.Client, job: dict[str, Any], state: str = "done") -> dict[str, Any]:
    """The job when it is finished."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(job["links"]["self"], params={"wait": "5"}).json()
        return found if found["state"] in FINISHED else None

    found = wait_for(look, "the job ends", 110)
    assert found["state"] == state, found
    return found


def under_way(client: httpx2.Client, job: dict[str, Any], pages: int = 1) -> dict[str, Any]:
    """The job when so many of its pages are read."""

    def look() -> dict[str, Any] | None:
        found = job_of(client, job)
        assert found["state"] not in FINISHED, found
        return found if found["processed_pages"] >= pages else None

    return wait_for(look, f"{pages} pages are read")


@contextmanager
def held(server: Server, job: dict[str, Any], pages: int = 1) -> Iterator[dict[str, Any]]:
    """The job when so many of its pages are read; inside, its engine stands still, so that it does not end."""
    under_way(server.client, job, pages)
    with server.engine_stopped():
        found = job_of(server.client, job)
        assert found["state"] not in FINISHED, found
        yield found


def wait_for_all(server: Server) -> None:
    """Until no job of any caller is unfinished."""
    unfinished = [f'ocr_jobs{{state="{state}"}}' for state in ("queued", "running")]
    wait_for(lambda: not any(map(server.metric, unfinished)), "earlier jobs end", 110)


def result(client: httpx2.Client, job: dict[str, Any], **query: str) -> dict[str, Any]:
    """The result as JSON."""
    reply = client.get(job["links"]["result"], params=query)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


@dataclass(frozen=True)
class SentEvent:
    """One server-sent event; `id` is None where it has none."""

    id: int | None
    kind: str
    data: dict[str, Any]


def parsed(text: str) -> list[SentEvent]:
    """The whole events in a stream; one that was cut off is none (html.spec.whatwg.org, 9.2.6)."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "data" in fields:
            number = int(fields["id"]) if "id" in fields else None
            found.append(SentEvent(number, fields["event"], json.loads(fields["data"])))
    return found


def all_events(client: httpx2.Client, job: dict[str, Any], last: str | None = None) -> list[SentEvent]:
    """The stream of a job up to its end."""
    reply = client.get(job["links"]["events"], headers={"Last-Event-ID": last} if last is not None else {})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    return parsed(reply.text)


class Follower:
    """Follows a job's events to its end, over connections that it drops at random places, from whatever server runs."""

    def __init__(self, job: dict[str, Any], url: Callable[[], str], seed: int) -> None:
        self.events: list[SentEvent] = []
        self.connections = 0
        self._job, self._url, self._random = job, url, random.Random(seed)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def ended(self) -> list[SentEvent]:
        """The events with an id, when the stream has come to the job's end."""
        self._thread.join(100)
        assert not self._thread.is_alive(), self.events[-1:]
        return self.events

    def _follow(self) -> None:
        while not (self.events and self.events[-1].data.get("state") in FINISHED):
            try:
                self._connect(self._random.randrange(100, 3000))
            except httpx2.TransportError:  # between two servers
                threading.Event().wait(0.05)

    def _connect(self, most: int) -> None:
        last = {"Last-Event-ID": str(self.events[-1].id)} if self.events else {}
        text = ""
        with (
            httpx2.Client(
                base_url=self._url(), headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False
            ) as client,
            client.stream("GET", self._job["links"]["events"], headers=last, timeout=30) as reply,
        ):
            assert reply.status_code == 200
            self.connections += 1
            try:
                for part in reply.iter_text():
                    text += part
                    if len(text) > most:
                        break
            finally:
                self.events += [event for event in parsed(text[:most]) if event.id is not None]


def assert_complete(events: list[SentEvent], numbers: list[int]) -> None:
    """Every event once, in order; every page once, in order; the last one tells the end."""
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    pages = [event.data for event in events if event.kind == "page"]
    assert [page["page_number"] for page in pages] == numbers
    assert [page["processed_pages"] for page in pages] == list(range(1, len(numbers) + 1))
    assert {page["total_pages"] for page in pages} == {len(numbers)}
    assert {page["verdict"] for page in pages} == {"ok"}
    assert (events[0].kind, events[0].data["state"]) == ("state", "queued")
    assert (events[-1].kind, events[-1].data["state"]) == ("state", "done")


@contextmanager
def database(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """The server's own file of jobs; what is changed inside is kept."""
    with closing(sqlite3.connect(data_dir / "jobs" / "jobs.sqlite3", timeout=30)) as connection, connection:
        yield connection


def counted_pages(server: Server) -> float:
    """How many pages this server has read."""
    return server.metric("ocr_pages_total")
