"""Jobs and S3: what a job saves goes up, again and again until it is there; documents come from buckets."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.contract import jobs, samples
from tests.contract.running import Server, assert_problem, wait_for
from tests.contract.s3_servers import INPUTS, SECRET_KEY, Refused, S3Store

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


@pytest.fixture
def store() -> Iterator[S3Store]:
    with S3Store() as running:
        yield running


def post(server: Server, *documents: bytes, **fields: str) -> dict[str, Any]:
    files = [("file", (f"{number}.pdf", data)) for number, data in enumerate(documents)]
    reply = server.client.post("/jobs", files=files, data={"save": "true", **fields})
    assert reply.status_code == 202, reply.text
    job: dict[str, Any] = reply.json()
    return job


def look(server: Server, job: dict[str, Any], wait: int = 0) -> dict[str, Any]:
    shown: dict[str, Any] = server.client.get(f"{job['links']['self']}?wait={wait}").json()
    return shown


def uploaded(server: Server, job: dict[str, Any]) -> dict[str, Any]:
    def there() -> dict[str, Any] | None:
        files: dict[str, Any] | None = look(server, job)["s3_files"]
        return files if files and files["status"] == "uploaded" else None

    return wait_for(there, "the upload")  # type: ignore[return-value]


def test_what_a_job_saves_goes_up(start: Start, store: S3Store) -> None:
    server = start(PDF_DPI="72", **store.environment(S3_INPUT_BUCKETS=INPUTS)).ready()
    job = post(server, samples.pdf(2), formats="html")
    files = uploaded(server, job)
    done = look(server, job)
    assert (done["state"], set(files["keys"])) == ("done", {"markdown", "json", "html"})
    for kind, address in done["local_files"].items():
        assert httpx2.get(files[kind], trust_env=False).content == server.client.get(address).content
    result = server.client.get(job["links"]["result"]).json()
    assert (result["local_files"], result["s3_files"]["keys"]) == (done["local_files"], files["keys"])
    assert "<html>" in result["outputs"]["html"]

    two = post(server, samples.pdf(1), samples.pdf(2))
    assert set(uploaded(server, two)["keys"]) == {"json", "zip"}

    not_saved = post(server, samples.pdf(1), save="false")
    shown = look(server, not_saved, wait=60)
    assert (shown["local_files"], shown["s3_files"]) == (None, None)

    store.put(INPUTS, "in/a.png", samples.png("Order 42"))
    from_s3 = server.client.post("/jobs", json={"image_url": f"s3://{INPUTS}/in/a.png"}).json()
    assert look(server, from_s3, wait=60)["state"] == "done"
    assert server.client.get(from_s3["links"]["result"]).json()["text"] == "Order 42"
    refused = server.client.post("/jobs", json={"image_url": "s3://not-allowed/a.png"})
    assert_problem(refused, 403, "bucket_not_allowed")
    missing = server.client.post("/jobs", json={"image_url": f"s3://{INPUTS}/missing.png"}).json()
    failed = look(server, missing, wait=60)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "s3_fetch_failed")


def test_what_could_not_go_up_is_said_kept_and_tried_again_by_the_next_server(
    start: Start, store: S3Store, tmp_path: Path
) -> None:
    environment = {"PDF_DPI": "72", "DATA_DIR": str(tmp_path)}
    server = start(**environment, **store.environment(CLOUDRU_S3_SECRET_KEY="wrong-" + SECRET_KEY)).ready()
    job = post(server, samples.pdf(1))
    wait_for(lambda: look(server, job)["s3_files"], "the first attempt")
    shown = look(server, job)
    assert (shown["state"], shown["s3_files"]["status"]) == ("done", "failed")
    assert "CLOUDRU_S3_SECRET_KEY" in shown["s3_files"]["error"]
    assert server.client.get(shown["local_files"]["markdown"]).text == "Sheet 1"
    os.killpg(server.pid, signal.SIGKILL)
    server.process.wait()
    mended = start(**environment, PRELOAD="none", **store.environment()).live()
    uploaded(mended, job)
    assert len(store.objects()) == 2


def test_a_store_that_is_busy_for_a_while(start: Start, store: S3Store) -> None:
    server = start(PDF_DPI="72", **store.environment()).ready()
    store.fault = lambda _: Refused(503, "SlowDown").response()
    job = post(server, samples.pdf(1))
    wait_for(lambda: look(server, job)["s3_files"], "the first attempt")
    assert look(server, job)["s3_files"]["status"] == "failed"
    store.fault = lambda _: None
    uploaded(server, job)


def test_a_document_from_a_bucket_is_kept_once_it_is_fetched(start: Start, store: S3Store) -> None:
    server = start(PDF_DPI="72", JOBS_MAX_MB="1", **store.environment(S3_INPUT_BUCKETS=INPUTS)).ready()
    page = samples.png("Order 42")
    store.put(INPUTS, "a.png", page)
    asked = {"image_url": f"s3://{INPUTS}/a.png", "keep_document": True}
    job = server.client.post("/jobs", json=asked).json()
    assert look(server, job, wait=60)["state"] == "done"
    kept = server.client.get(job["links"]["self"] + "/document")
    assert (kept.headers["content-type"], kept.content) == ("image/png", page)
    assert server.client.get(job["links"]["self"] + "/pages/1/image").status_code == 200
    with jobs.database(server.folder / "data") as database:
        [size] = database.execute("SELECT size FROM jobs").fetchone()
    assert len(page) < size < 2 * len(page) + 2000
