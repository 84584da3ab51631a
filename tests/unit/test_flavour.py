"""What the build of the image is told to install."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.image.flavour import REQUIREMENTS, STACKS, FlavourError, pip_arguments, replaced
from server.engines import gpu_fit

FLAVOURS = tomllib.loads((REQUIREMENTS / "cuda.toml").read_text("utf-8"))
GPU_FLAVOURS = {name: flavour for name, flavour in FLAVOURS.items() if name != "cpu"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Requirements of a flavour whose files for vLLM are there, and those for PaddlePaddle are not."""
    (tmp_path / "cuda.toml").write_text(
        """
        [cpu]
        paddle.indexes = []
        vllm.indexes = []
        [cu1]
        paddle.indexes = ["https://one.example/simple"]
        vllm.indexes = ["https://two.example/a", "https://two.example/b"]
        """
    )
    for name in ("paddle.txt", "paddle-cpu.txt", "vllm.txt", "vllm-cpu.txt", "vllm-cu1.txt"):
        (tmp_path / name).touch()
    return tmp_path


def test_vllm_for_gpus_is_one_file_and_its_indexes(folder: Path) -> None:
    assert pip_arguments("cu1", "vllm", folder=folder) == [
        f"--requirement={folder}/vllm-cu1.txt",
        "--extra-index-url=https://two.example/a",
        "--extra-index-url=https://two.example/b",
    ]


def test_what_flavours_share_comes_first(folder: Path) -> None:
    (folder / "paddle-cu1.txt").touch()
    assert pip_arguments("cu1", "paddle", folder=folder) == [
        f"--requirement={folder}/paddle.txt",
        f"--requirement={folder}/paddle-cu1.txt",
        "--extra-index-url=https://one.example/simple",
    ]
    assert pip_arguments("cpu", "vllm", folder=folder) == [
        f"--requirement={folder}/vllm.txt",
        f"--requirement={folder}/vllm-cpu.txt",
    ]


def test_a_mirror_stands_in_for_the_flavours_indexes(folder: Path) -> None:
    arguments = pip_arguments("cu1", "vllm", replaced("https://mirror.example/x  https://mirror.example/y"), folder)
    assert arguments[1:] == ["--extra-index-url=https://mirror.example/x", "--extra-index-url=https://mirror.example/y"]
    assert len(pip_arguments("cu1", "vllm", replaced("none"), folder)) == 1
    assert pip_arguments("cu1", "vllm", replaced(None), folder) == pip_arguments("cu1", "vllm", folder=folder)


def test_a_flavour_that_is_not_known_is_answered_with_those_that_are(folder: Path) -> None:
    with pytest.raises(FlavourError, match=r"CUDA=cu9 .* known are cpu, cu1\."):
        pip_arguments("cu9", "vllm", folder=folder)


def test_a_file_that_was_not_made_is_named_with_what_makes_it(folder: Path) -> None:
    with pytest.raises(FlavourError, match=r"paddle-cu1\.txt .* `make lock-gpu CUDA=cu1 STACKS=paddle`.*one\.example"):
        pip_arguments("cu1", "paddle", folder=folder)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = REQUIREMENTS.parent / "scripts/image/flavour.py"
    return subprocess.run([sys.executable, "-I", program, *arguments], capture_output=True, text=True, check=False)


def test_as_a_program_it_prints_an_argument_a_line_and_nothing_else() -> None:
    done = run("cpu", "vllm", "--indexes", "none")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"--requirement={REQUIREMENTS}/vllm.txt",
        f"--requirement={REQUIREMENTS}/vllm-cpu.txt",
    ]


def test_as_a_program_it_fails_with_the_reason_alone() -> None:
    done = run("cu99", "paddle")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert "known are cpu, cu126" in done.stderr


@pytest.mark.parametrize("cuda", GPU_FLAVOURS)
def test_every_flavour_says_the_driver_that_the_gpu_doctor_asks_for(cuda: str) -> None:
    flavour = GPU_FLAVOURS[cuda]
    major, minor = map(int, flavour["cuda"].split("."))
    assert cuda == f"cu{major}{minor}"
    driver = tuple(map(int, flavour["driver"].split(".")[:2]))
    wheel = gpu_fit.Wheel("X", "1", (major, minor), [(8, 0)])
    assert gpu_fit.mismatch(wheel, gpu_fit.Gpu("A100", (8, 0), driver)) is None
    assert gpu_fit.mismatch(wheel, gpu_fit.Gpu("A100", (8, 0), (driver[0] - 1, 0))) is not None


@pytest.mark.parametrize("cuda", GPU_FLAVOURS)
def test_every_flavour_has_what_its_files_are_made_from(cuda: str) -> None:
    assert (REQUIREMENTS / f"vllm-{cuda}.in").is_file()
    assert all(GPU_FLAVOURS[cuda][stack]["capabilities"] for stack in STACKS)


@pytest.mark.parametrize("pinned", sorted(REQUIREMENTS.glob("*.txt")), ids=lambda path: path.name)
def test_a_pinned_file_has_hashes_and_no_address(pinned: Path) -> None:
    text = pinned.read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert all("--hash=" in entry for entry in re.split(r"\n(?=[A-Za-z])", text) if "==" in entry)


@pytest.mark.parametrize("pinned", sorted(REQUIREMENTS.glob("vllm-cu*.txt")), ids=lambda path: path.name)
def test_vllm_for_gpus_is_the_release_that_the_tests_run(pinned: Path) -> None:
    on_cpu = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (REQUIREMENTS / "vllm.txt").read_text("utf-8"), re.M))
    on_cpu |= dict(re.findall(r"^([a-z0-9-]+)==([^ ;+]+)", (REQUIREMENTS / "vllm-cpu.txt").read_text("utf-8"), re.M))
    here = dict(re.findall(r"^([a-z0-9-]+)==([^ ;+]+)", pinned.read_text("utf-8"), re.M))
    assert here["vllm"] == on_cpu["vllm-cpu"]
    same = ("torch", "torchvision", "transformers", "tokenizers", "numpy", "pillow", "httpx2", "nvidia-ml-py")
    assert {name: here[name] for name in same} == {name: on_cpu[name] for name in same}
