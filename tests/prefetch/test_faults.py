"""Everything that a hub, a network or a disk can do to a download: named, never kept, and mended by the next run."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from server import catalog, lock
from tests.prefetch.conftest import Command, Done, filled_hub, patience
from tests.prefetch.hub import Fault, Hub
from tests.prefetch.repositories import REPOSITORIES, noise, safetensors

pytestmark = pytest.mark.prefetch

FILE = "model.safetensors"
SMALL = set(catalog.read_weights()["GLM-OCR"].choose(REPOSITORIES["zai-org/GLM-OCR"])) - {FILE}
REASONS = {
    "truncated": "",  # each client has words of its own
    "short": "",
    "wrong_bytes": "has no safetensors header",
    "flipped": "has the SHA-256",
    "html": "",
    "pointer": "",
    "status_401": "access refused",
    "status_403": "access refused",
    "status_404": "not found",
    "status_503": "",
    "stall": "",
}


CASES = [(source, kind) for kind in REASONS for source in ("huggingface", "modelscope", "bos")]


@dataclass
class Run:
    """A run against a hub with one fault, with all that it left behind."""

    done: Done
    folders: list[str]
    locked: bool


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Run]:
    """One for every fault of every source, all at the same time: they spend it waiting for their next attempt."""

    def run(case: tuple[str, str], folder: Path) -> Run:
        source, kind = case
        with filled_hub() as hub:
            hub.faults = [Fault(kind, source, "*.tar" if source == "bos" else FILE)]
            hub.faults += [Fault("status_404", other, "listing") for other in ("huggingface", "modelscope")]
            hub.faults = [fault for fault in hub.faults if (fault.source, fault.path) != (source, "listing")]
            command = Command.of(hub, folder)
            patient = patience(10) if kind == "stall" else {}
            done = command("fetch", "PP-DocLayoutV2" if source == "bos" else "GLM-OCR", **patient)
            return Run(done, command.folders(), (command.home / lock.FILE_NAME).exists())

    folders = [tmp_path_factory.mktemp("run") for _ in CASES]
    with ThreadPoolExecutor(len(CASES)) as threads:
        return dict(zip(CASES, threads.map(run, CASES, folders), strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("source", "kind"), CASES)
def test_a_fault_is_named_and_leaves_no_folder(runs: dict[tuple[str, str], Run], source: str, kind: str) -> None:
    run = runs[source, kind]
    assert run.done.code == 1
    model, file = ("paddleocr-vl", "PP-DocLayoutV2") if source == "bos" else ("glm-ocr", f"GLM-OCR/{FILE}")
    [failure] = [line for line in run.done.out.splitlines() if line.startswith(f"failed: {model}: ")]
    assert re.search(f"{re.escape(file)}.* from {source}: ", failure)
    assert REASONS[kind] in failure or source == "bos"
    assert ("HF_TOKEN" in failure) == (source == "huggingface" and "refused" in failure)
    assert run.folders == []
    assert not run.locked
    assert "Traceback" not in run.done.out


def test_a_flipped_byte_in_an_archive_is_found_by_its_md5_or_by_the_lock(prefetch: Command, hub: Hub) -> None:
    assert prefetch("fetch", "PP-DocLayoutV2").code == 0
    shutil.rmtree(prefetch.home / "official_models")
    files = dict(REPOSITORIES["PaddlePaddle/PP-DocLayoutV2"])
    files["inference.pdiparams"] = noise("another", len(files["inference.pdiparams"]))
    hub.add_archive("PP-DocLayoutV2", files)
    hub.faults = [Fault("status_404", "huggingface"), Fault("status_404", "modelscope")]
    done = prefetch("fetch", "PP-DocLayoutV2")
    assert done.code == 1
    assert "PP-DocLayoutV2/inference.pdiparams from bos: is not what models.lock.json names" in done.out
    hub.faults.append(Fault("flipped", "bos"))
    assert "its MD5 is" in prefetch("fetch", "PP-DocLayoutV2").out
    assert prefetch.folders() == []


@pytest.mark.parametrize("kind", ["truncated", "flipped", "html", "status_503", "stall"])
def test_a_fault_that_passes_is_survived(prefetch: Command, hub: Hub, kind: str) -> None:
    hub.faults = [Fault(kind, "huggingface", FILE, times=1)]
    done = prefetch("fetch", "GLM-OCR", **(patience(10) if kind == "stall" else {}))
    assert done.code == 0, done.out
    assert lock.read(prefetch.home / lock.FILE_NAME)["GLM-OCR"].source == "huggingface"
    assert prefetch("check").code == 0


def test_when_one_hub_has_wrong_bytes_the_next_is_asked(prefetch: Command, hub: Hub) -> None:
    hub.faults = [Fault("flipped", "huggingface", FILE)]
    done = prefetch("fetch", "GLM-OCR")
    assert done.code == 0, done.out
    assert lock.read(prefetch.home / lock.FILE_NAME)["GLM-OCR"].source == "modelscope"


def test_a_revision_that_the_hub_does_not_have(prefetch: Command, hub: Hub) -> None:
    assert prefetch("fetch", "GLM-OCR").code == 0
    shutil.rmtree(prefetch.home / "hub")
    for key in [key for key in hub.commits if key[1] != "main"]:
        del hub.commits[key]
    done = prefetch("fetch", "GLM-OCR")
    assert done.code == 1
    assert "from huggingface: HTTP 404, not found (RevisionNotFound)" in done.out
    assert prefetch.folders() == []


def test_a_repository_without_a_needed_file(prefetch: Command, hub: Hub) -> None:
    files = {name: data for name, data in REPOSITORIES["zai-org/GLM-OCR"].items() if name != FILE}
    hub.add("zai-org/GLM-OCR", files)
    hub.add("ZhipuAI/GLM-OCR", files, "master")
    done = prefetch("fetch", "GLM-OCR")
    assert done.code == 1
    assert "GLM-OCR/model*.safetensors from huggingface: no such file in zai-org/GLM-OCR" in done.out
    assert hub.sent("*") == []


def test_a_shard_that_the_index_names_and_the_hub_lacks(prefetch: Command, hub: Hub) -> None:
    files = dict(REPOSITORIES["deepseek-ai/DeepSeek-OCR"])
    files["model.safetensors.index.json"] = b'{"weight_map": {"a": "model-00002-of-000002.safetensors"}}'
    hub.add("deepseek-ai/DeepSeek-OCR", files)
    hub.add("deepseek-ai/DeepSeek-OCR", files, "master")
    done = prefetch("fetch", "deepseek-ocr")
    assert done.code == 1
    assert "names model-00002-of-000002.safetensors, which is not there" in done.out
    assert prefetch.folders() == []


# --- damage on the disk


def test_a_byte_flipped_after_the_download_is_found_and_mended(prefetch: Command, hub: Hub) -> None:
    assert prefetch("fetch", "GLM-OCR").code == 0
    path = prefetch.home / "hub/GLM-OCR" / FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    expected = lock.read(prefetch.home / lock.FILE_NAME)["GLM-OCR"].files[FILE].sha256

    checked = prefetch("check")
    assert checked.code == 3
    assert f"glm-ocr: GLM-OCR/{FILE}: {path}: SHA-256 expected {expected}, found {lock.sha256(path)}" in checked.out

    hub.faults = [Fault("status_404", "*", "listing")]
    assert prefetch("fetch", "GLM-OCR").code == 1
    assert prefetch.folders() == []

    hub.faults.clear()
    hub.requests.clear()
    assert prefetch("fetch", "GLM-OCR").code == 0
    assert [each.path for each in hub.sent("*")] == [FILE]
    assert prefetch("check").code == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "config.json is missing"),
        (lambda path: path.write_bytes(b"{}"), "config.json has 2 bytes, not"),
        (lambda path: path.with_name("stray.bin").write_bytes(b"x"), "stray.bin is not in models.lock.json"),
    ],
)
def test_check_names_what_is_wrong(prefetch: Command, damage: Callable[[Path], None], message: str) -> None:
    assert prefetch("fetch", "GLM-OCR").code == 0
    damage(prefetch.home / "hub/GLM-OCR/config.json")
    done = prefetch("check", "GLM-OCR")
    assert done.code == 3
    assert message in done.out


def test_check_of_what_was_never_locked(prefetch: Command) -> None:
    done = prefetch("check")
    assert (done.code, "names no weights" in done.out) == (3, True)
    assert prefetch("fetch", "GLM-OCR").code == 0
    done = prefetch("check", "deepseek-ocr")
    assert (done.code, "DeepSeek-OCR: not in" in done.out) == (3, True)


def test_a_lock_that_is_none_is_an_error(prefetch: Command) -> None:
    prefetch.home.mkdir()
    (prefetch.home / lock.FILE_NAME).write_text("{")
    for command in ("fetch", "check", "lock", "list"):
        done = prefetch(command)
        assert (done.code, "is no lock of weights" in done.out) == (3, True)


@pytest.fixture
def small_disk(prefetch: Command) -> Iterator[None]:
    """PADDLEX_HOME on a disk of its own, with 1.5 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")
    prefetch.home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(prefetch.home)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield
    subprocess.run(["umount", str(prefetch.home)], check=True)


@pytest.mark.usefixtures("small_disk")
def test_too_small_a_disk_is_said_before_anything_is_transferred(prefetch: Command, hub: Hub) -> None:
    files = {**REPOSITORIES["zai-org/GLM-OCR"], FILE: safetensors("large", 2_000_000)}
    hub.add("zai-org/GLM-OCR", files)
    done = prefetch("fetch", "GLM-OCR")
    assert done.code == 4
    assert "failed: glm-ocr: GLM-OCR/" in done.out
    assert "from huggingface: no room: 3.0 MB more are needed" in done.out
    assert hub.sent("*") == []
    assert prefetch.folders() == []


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_a_disk_that_fills_up_meanwhile(prefetch: Command, hub: Hub, source: str) -> None:
    files = {**REPOSITORIES["zai-org/GLM-OCR"], FILE: safetensors("large", 400_000)}
    hub.add("zai-org/GLM-OCR", files)
    hub.add("ZhipuAI/GLM-OCR", files, "master")
    hub.faults = [Fault("held", "*", FILE)]
    if source == "modelscope":
        hub.faults.append(Fault("status_404", "huggingface", "listing"))
    process = prefetch.start("fetch", "GLM-OCR")
    staged = prefetch.home / ".staging/GLM-OCR"
    _wait_for(lambda: hub.sent(FILE) and all((staged / name).exists() for name in SMALL))
    with (prefetch.home / "fills").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    hub.go_on.set()
    out, _ = process.communicate(timeout=100)
    assert process.returncode == 4, out
    assert f"failed: glm-ocr: GLM-OCR/{FILE} from {source}: No space left on device" in out
    assert prefetch.folders() == []
    (prefetch.home / "fills").unlink()
    hub.faults.clear()
    assert prefetch("fetch", "GLM-OCR").code == 0


# --- interruptions


def _wait_for(look: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fetch_goes_on_where_it_was(prefetch: Command, hub: Hub, how: signal.Signals) -> None:
    files = {**REPOSITORIES["zai-org/GLM-OCR"], FILE: safetensors("large", 30_000_000)}
    hub.add("zai-org/GLM-OCR", files)
    hub.faults = [Fault("slow", "huggingface", FILE)]
    process = prefetch.start("fetch", "glm-ocr")
    # the small files are done, and of the large one the client has written its first chunk
    staged = prefetch.home / ".staging/GLM-OCR"
    _wait_for(lambda: all((staged / name).exists() for name in SMALL) and _partial(staged) > 10_000_000)
    process.send_signal(how)
    out, _ = process.communicate(timeout=100)
    assert process.returncode == (-9 if how is signal.SIGKILL else 130)
    assert "Traceback" not in out
    assert prefetch.folders() == ["official_models/PP-DocLayoutV3_safetensors"]

    hub.faults.clear()
    hub.requests.clear()
    done = prefetch("fetch", "glm-ocr")
    assert done.code == 0, done.out
    assert "GLM-OCR: 7 of 8 files are here from before" in done.out
    [request] = hub.sent("*")
    assert request.path == FILE
    assert request.range
    assert request.sent < 20_000_000
    assert prefetch("check").code == 0


def _partial(folder: Path) -> int:
    return max((path.stat().st_size for path in folder.rglob("*.incomplete")), default=0)


def test_two_runs_at_once_do_not_meet(prefetch: Command, hub: Hub) -> None:
    hub.faults = [Fault("held", "huggingface", FILE, times=1)]
    first = prefetch.start("fetch", "GLM-OCR")
    _wait_for(lambda: hub.sent(FILE))
    second = prefetch("fetch", "GLM-OCR")
    assert (second.code, "another run is at work" in second.out) == (1, True)
    hub.go_on.set()
    first.communicate(timeout=100)
    assert first.returncode == 0


# --- tokens


def test_the_token_goes_to_hugging_face_only_and_is_never_shown(prefetch: Command, hub: Hub, tmp_path: Path) -> None:
    secret = "hf_" + "s3cret" * 5
    hub.faults = [Fault("status_403", "*", FILE)]
    done = prefetch("fetch", "GLM-OCR", HF_TOKEN=secret)
    assert done.code == 1
    assert secret not in done.out
    bearers = {(each.source, each.authorization) for each in hub.requests if each.authorization}
    assert bearers == {("huggingface", f"Bearer {secret}")}
    hub.faults.clear()
    hub.requests.clear()
    file = tmp_path / "token"
    file.write_text(secret + "\n")
    assert prefetch("fetch", "GLM-OCR", HF_TOKEN_PATH=str(file)).code == 0
    assert f"Bearer {secret}" in {each.authorization for each in hub.requests}
    # the storage behind the redirect is another host
    assert all(each.authorization is None for each in hub.sent(FILE))
    assert not any(secret in path.read_text("utf-8", "replace") for path in prefetch.home.rglob("*") if path.is_file())


def test_a_token_left_in_the_home_folder_is_not_used(prefetch: Command, hub: Hub) -> None:
    folder = prefetch.tmp / ".cache/huggingface"
    folder.mkdir(parents=True)
    (folder / "token").write_text("hf_somebody")
    assert prefetch("fetch", "GLM-OCR").code == 0
    assert {each.authorization for each in hub.requests} == {None}


def test_a_token_file_that_is_not_there_is_said(prefetch: Command, tmp_path: Path) -> None:
    done = prefetch("fetch", "GLM-OCR", HF_TOKEN_PATH=str(tmp_path / "nope"))
    assert (done.code, "HF_TOKEN_PATH: " in done.out) == (1, True)
