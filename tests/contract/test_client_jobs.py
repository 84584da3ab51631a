"""The client's work: documents through the jobs of a real server, which is killed now and then."""

import json
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import makers
from tests.contract import samples
from tests.contract.command import LIMIT_S, Command
from tests.contract.running import Server, wait_for

pytestmark = pytest.mark.contract
Start = Callable[..., Server]


@pytest.fixture
def ocr(server: Server) -> Command:
    """The client for the shared server."""
    return Command(server.url)


def _write(folder: Path, **documents: bytes) -> None:
    for name, content in documents.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _jobs(command: Command) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command("jobs", "list", "--json", "--limit", "1000").stdout)
    return found


def test_ocr_prints_what_it_read(ocr: Command, tmp_path: Path) -> None:
    _write(tmp_path, a_png=samples.png(), b_pdf=samples.pdf(3))
    done = ocr("ocr", tmp_path / "a.png", "--format", "text")
    assert (done.returncode, done.stdout, done.stderr) == (0, samples.WORDS + "\n", "")
    done = ocr("ocr", tmp_path / "b.pdf", "--pages", "2", "--format", "json")
    assert [page["text"] for page in json.loads(done.stdout)["pages"]] == ["Sheet 2"]
    done = ocr("ocr", tmp_path / "a.png", tmp_path / "b.pdf", "--format", "text")
    assert [line for line in done.stdout.splitlines() if "==>" in line] == [
        f"==> {tmp_path / name} <==" for name in ("a.png", "b.pdf")
    ]


def test_a_token_that_is_refused(server: Server, tmp_path: Path) -> None:
    _write(tmp_path, in__a_png=samples.png(), in__b_png=samples.png("other"))
    for words in (("jobs",), ("ocr", tmp_path / "in/a.png"), ("batch", tmp_path / "in", "--out", tmp_path / "out")):
        done = Command(server.url, "wrong")(*words)
        assert done.returncode == 4
        assert "does not take the token" in done.stderr.splitlines()[-1]


def test_ocr_writes_what_it_read(ocr: Command, tmp_path: Path) -> None:
    _write(tmp_path, a_png=samples.png())
    for form, suffix in (("zip", "zip"), ("html", "html"), ("text", "txt")):
        done = ocr("ocr", tmp_path / "a.png", "--format", form, "--out", tmp_path / "out")
        assert (done.returncode, done.stdout) == (0, f"{tmp_path}/out/a.png.{suffix}\n")
    assert zipfile.is_zipfile(tmp_path / "out/a.png.zip")


def test_one_document_that_fails_does_not_stop_the_others(ocr: Command, tmp_path: Path) -> None:
    _write(tmp_path, a_pdf=makers.truncated_pdf(), b_pdf=makers.damaged_page_pdf(), c_png=samples.png())
    done = ocr("ocr", *(tmp_path / name for name in ("a.pdf", "none.pdf", "b.pdf", "c.png")), "--format", "text")
    assert done.returncode == 1
    assert samples.WORDS in done.stdout
    damaged, missing, partial = done.stderr.splitlines()
    assert "a.pdf: The document is damaged: " in damaged
    assert "none.pdf: No such file" in missing
    assert "b.pdf: pages that could not be read: 1" in partial


def test_a_model_or_an_option_that_there_is_not(ocr: Command, tmp_path: Path) -> None:
    _write(tmp_path, in__a_png=samples.png(), in__b_png=samples.png("other"))
    for words in (("--model", "nope"), ("--option", "nope=1")):
        done = ocr("ocr", tmp_path / "in/a.png", *words)
        assert done.returncode == 2
        assert "nope" in done.stderr
        done = ocr("batch", tmp_path / "in", "--out", tmp_path / "out", *words)
        assert done.returncode == 2
        assert "nope" in done.stderr.splitlines()[-1]


def test_an_upload_that_is_too_large_is_not_tried_again(start: Start, tmp_path: Path) -> None:
    server = start(MAX_UPLOAD_MB="1").ready()
    _write(tmp_path, in__a_png=makers.encode(samples.noise(1200, 1200), "PNG"), in__b_png=samples.png())
    done = Command(server.url)("batch", tmp_path / "in", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "a.png: The upload has too many bytes" in done.stdout
    assert (tmp_path / "out/b.png.md").exists()


def test_a_batch_mirrors_the_folder_and_reads_nothing_twice(start: Start, tmp_path: Path) -> None:
    command = Command(start(PDF_DPI="72").ready().url)
    _write(tmp_path, in__a__b_pdf=samples.pdf(2), in__a__b_png=samples.png(), in__bad_pdf=b"%PDF-1.7 no")
    line = ("batch", tmp_path / "in", "--out", tmp_path / "out")
    first = command(*line, "--format", "text", "--format", "md")
    assert first.returncode == 1
    assert first.stdout.startswith("3 documents: 2 read, 1 failed, 0 skipped (read before)\nbad.pdf: ")
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {".offline-ocr.jsonl", "a/b.pdf.txt", "a/b.pdf.md", "a/b.png.txt", "a/b.png.md"}
    assert (tmp_path / "out/a/b.png.txt").read_text("utf-8").strip() == samples.WORDS
    assert [job["state"] for job in _jobs(command)] == ["done", "done"]

    (tmp_path / "in/bad.pdf").unlink()
    again = command(*line, "--format", "md")
    assert (again.returncode, again.stdout) == (0, "2 documents: 0 read, 0 failed, 2 skipped (read before)\n")

    # a form more is fetched, not read anew
    more = command(*line, "--format", "html")
    assert more.stdout == "2 documents: 2 read, 0 failed, 0 skipped (read before)\n"
    assert len(_jobs(command)) == 2

    (tmp_path / "in/a/b.png").write_bytes(samples.png("Another 7"))
    changed = command(*line, "--format", "text")
    assert changed.stdout == "2 documents: 1 read, 0 failed, 1 skipped (read before)\n"
    assert (tmp_path / "out/a/b.png.txt").read_text("utf-8").strip() == "Another 7"


def test_what_failed_is_tried_again_by_the_next_run(start: Start, tmp_path: Path) -> None:
    command = Command(start().ready().url)
    _write(tmp_path, in__a_png=samples.png())
    (tmp_path / "in/a.png").write_bytes(b"no picture")
    line = ("batch", tmp_path / "in", "--out", tmp_path / "out")
    for _ in range(2):
        done = command(*line)
        assert done.returncode == 1
        assert done.stdout.startswith("1 documents: 0 read, 1 failed")
    assert len(_jobs(command)) <= 1


def _restart(server: Server) -> None:
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not server.processes(), "the server's processes end")
    server.client.close()
    server.__enter__()


@pytest.mark.timeout(300)
def test_200_documents_and_a_server_that_is_killed_twice(start: Start, tmp_path: Path) -> None:
    server = start(PDF_DPI="36").ready()
    command = Command(server.url)
    for number in range(200):
        name = f"{number % 7}__{number}_png"
        _write(tmp_path / "in", **{name: makers.plain("PNG", (40, 20), (number, 100, 200))})
    out = tmp_path / "out"
    with command.start("batch", tmp_path / "in", "--out", out, "--format", "json") as running:
        for count in (30, 80):  # well before the last one
            wait_for(lambda: len(list(out.rglob("*.json"))) >= count or running.poll() is not None, "some results")  # noqa: B023
            assert running.poll() is None, running.communicate()[0]
            _restart(server)
        output, _ = running.communicate(timeout=200)
    assert running.returncode == 0, output
    assert output.splitlines()[-1] == "200 documents: 200 read, 0 failed, 0 skipped (read before)"
    assert len(list(out.rglob("*.json"))) == 200
    jobs = _jobs(command)
    names = [job["files"][0]["filename"] for job in jobs]
    assert (len(names), len(set(names)), {job["state"] for job in jobs}) == (200, 200, {"done"})


@pytest.mark.timeout(240)
def test_a_server_that_lost_its_disk_gets_the_documents_again(start: Start, tmp_path: Path) -> None:
    server = start(PDF_DPI="72").ready()
    _write(tmp_path, in__a_pdf=samples.pdf(25), in__b_pdf=samples.pdf(2, "Leaf"))
    with Command(server.url).start("batch", tmp_path / "in", "--out", tmp_path / "out", "--format", "text") as running:
        wait_for(
            lambda: any(job["processed_pages"] for job in server.client.get("/jobs").json()["jobs"]), "a page is read"
        )
        server.environment["DATA_DIR"] = str(server.folder / "another")
        _restart(server)
        output, _ = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 0, output
    assert "Sheet 25" in (tmp_path / "out/a.pdf.txt").read_text("utf-8")
    assert "Leaf 2" in (tmp_path / "out/b.pdf.txt").read_text("utf-8")


def test_an_interrupted_batch_goes_on(start: Start, tmp_path: Path) -> None:
    server = start(PDF_DPI="72").ready()
    command = Command(server.url)
    _write(tmp_path, in__a_pdf=samples.pdf(20), in__b_png=samples.png())
    line = ("batch", tmp_path / "in", "--out", tmp_path / "out", "--format", "text")
    with server.engine_stopped(), command.start(*line) as running:
        wait_for(lambda: len(server.client.get("/jobs").json()["jobs"]) == 2, "both documents are sent")
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 130, output
    assert output.splitlines()[-1].startswith("Interrupted.")
    assert command(*line).returncode == 0
    assert "Sheet 20" in (tmp_path / "out/a.pdf.txt").read_text("utf-8")
    assert len(_jobs(command)) == 2


def test_what_was_cancelled_is_read_by_the_next_run(start: Start, tmp_path: Path) -> None:
    server = start(PDF_DPI="72").ready()
    command = Command(server.url)
    _write(tmp_path, in__a_pdf=samples.pdf(20))
    line = ("batch", tmp_path / "in", "--out", tmp_path / "out", "--format", "text")
    with server.engine_stopped(), command.start(*line) as running:
        [job] = wait_for(lambda: server.client.get("/jobs").json()["jobs"], "the document is sent")
        assert command("jobs", "cancel", job["id"]).returncode == 0
        output, _ = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 1, output
    assert f"a.pdf: Job {job['id']} was cancelled." in output
    assert command(*line).returncode == 0
    assert "Sheet 20" in (tmp_path / "out/a.pdf.txt").read_text("utf-8")


def test_an_interrupted_reading_is_cancelled(start: Start, tmp_path: Path) -> None:
    server = start(PDF_DPI="72").ready()
    command = Command(server.url)
    _write(tmp_path, a_pdf=samples.pdf(300))
    with server.engine_stopped(), command.start("ocr", tmp_path / "a.pdf") as running:
        wait_for(lambda: [job["state"] for job in _jobs(command)] == ["running"], "the job runs")
        running.send_signal(signal.SIGINT)
        assert (running.wait(LIMIT_S), running.communicate()[0]) == (130, "Interrupted.\n")
    wait_for(lambda: [job["state"] for job in _jobs(command)] == ["cancelled"], "the job is cancelled")


@pytest.mark.timeout(240)
def test_jobs_are_listed_shown_followed_and_cancelled(start: Start, tmp_path: Path) -> None:
    server = start(PDF_DPI="72").ready()
    command = Command(server.url)
    posted = [
        server.client.post(
            "/jobs", files={"file": ("a.pdf", samples.pdf(pages))}, headers={"Idempotency-Key": str(pages)}
        )
        for pages in (3, 300)
    ]
    first, second = (reply.json()["id"] for reply in posted)

    followed = command("jobs", "show", first, "--follow", "--json")
    assert followed.returncode == 0
    *events, job = map(json.loads, followed.stdout.splitlines())
    assert [event["page_number"] for event in events if event["event"] == "page"] == [1, 2, 3]
    assert (events[-1]["event"], events[-1]["state"], job["state"]) == ("state", "done", "done")
    assert "Sheet 3" in command("jobs", "result", first, "--format", "text").stdout

    with server.engine_stopped():
        assert command("jobs", "cancel", second).stdout == f"{second} cancelled\n"
    assert command("jobs", "cancel", second).returncode == 1
    shown = command("jobs", "show", first)
    assert "3/3" in shown.stdout
    refused = command("jobs", "cancel", first)
    assert (refused.returncode, "done" in refused.stderr) == (1, True)
    assert command("jobs", "result", first).returncode == 0  # it was not removed

    lines = command("jobs").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [[second, "cancelled"], [first, "done"]]
    assert len(command("jobs", "list", "--state", "done").stdout.splitlines()) == 2
    assert len(json.loads(command("jobs", "list", "--limit", "1", "--json").stdout)) == 1
    missing = command("jobs", "show", "job_none")
    assert (missing.returncode, missing.stdout) == (1, "")


@pytest.mark.timeout(240)
def test_events_are_followed_over_a_restart(start: Start) -> None:
    server = start(PDF_DPI="72").ready()
    job = server.client.post("/jobs", files={"file": ("a.pdf", samples.pdf(25))}).json()["id"]
    with Command(server.url).start("jobs", "show", job, "--follow", "--json") as running:
        assert running.stdout
        first = running.stdout.readline()  # it has reached the server
        _restart(server)
        rest = running.stdout.read()  # not communicate(), which leaves out what readline() had read ahead
        running.wait(LIMIT_S)
    output = first + rest
    assert running.returncode == 0, output
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert {event["page_number"] for event in events if event.get("event") == "page"} == set(range(1, 26))
    assert events[-1]["state"] == "done"


def test_models_are_compared(ocr: Command, tmp_path: Path) -> None:
    _write(tmp_path, a_pdf=samples.pdf(2))
    done = ocr("compare", tmp_path / "a.pdf")
    assert (done.returncode, done.stderr) == (0, "")
    head, row, *_ = done.stdout.splitlines()
    assert head.split() == ["model", "seconds", "pages", "confidence", "verdicts", "characters", "likeness"]
    name, seconds, pages, *_, alike = row.split()
    assert (name, pages, alike) == ("pp-ocr", "2", "1.000")
    assert float(seconds) > 0
    assert "==> pp-ocr <==\nSheet 1\n\nSheet 2\n" in done.stdout
    assert ocr("compare", tmp_path / "a.pdf", "--models", "nope").returncode == 2
    assert ocr("compare", tmp_path / "a.pdf", "--models", "pp-ocr,").returncode == 2
