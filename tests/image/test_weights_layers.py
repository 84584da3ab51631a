"""Weights in layers of their own: fetched whole or not at all, held against the lock, built anew the same, moved once.

The image here has two folders of weights and no large environment; nothing in these tests depends on what is in them.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import catalog
from tests.contract.running import ROOT
from tests.image import tiny
from tests.image.conftest import NAME, Build
from tests.image.docker import Docker
from tests.image.registry import Registry, registry
from tests.prefetch.hub import Fault, Hub

MODELS = "pp-ocr PP-LCNet_x1_0_doc_ori UVDoc"
WEIGHTS = slice(1, 1 + len(catalog.read_weights()) + 1)  # after the operating system
WEB = WEIGHTS.stop + 3  # after three environments
CODE, COMMIT = WEB + 3, WEB + 4  # after the documents and the server's packages
PACKAGES = "/opt/offline-ocr/.venv/lib/python3.11/site-packages"
PARAMETERS = "/opt/models/official_models/UVDoc/inference.pdiparams"


@pytest.fixture
def bare_settings(hub: Hub) -> dict[str, str]:
    return {"TARGET": "gpu", "CUDA": "cpu", "MODELS": MODELS, **hub.environment}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (f"sed -i '1s/^./X/' {PARAMETERS}", f"{PARAMETERS}: SHA-256 expected"),
        (f"rm {PARAMETERS}", f"{PARAMETERS} is missing"),
        ("touch /opt/models/official_models/UVDoc/more.py", "more.py is not in models.lock.json"),
        (f"echo import > {PACKAGES}/x.pth", "x.pth was not there when the image was built"),
        ("chmod 666 /opt/offline-ocr/server/formats.py", "formats.py can be written to by others than root"),
        ("rm /opt/offline-ocr/server/formats.py", "/opt/offline-ocr/server/formats.py is missing"),
        ("echo '#' >> /usr/lib/python3.11/socket.py", "/usr/lib/python3.11/socket.py is not the file that was built"),
    ],
)  # fmt: skip
def test_what_is_not_as_built_is_named(docker: Docker, bare: str, tmp_path: Path, change: str, said: str) -> None:
    code, found, _ = docker.verify(docker.derive(bare, f"{NAME}:spoiled", tmp_path, f"RUN {change}"))
    assert code != 0
    assert said in found


def test_the_image_says_which_weights_it_holds(docker: Docker, bare: str, hub: Hub) -> None:
    labels = docker.inspect(bare)["Config"]["Labels"]
    found = {each["name"]: each for each in json.loads(labels["offline-ocr.weights"])}
    assert found.keys() == {"PP-LCNet_x1_0_doc_ori", "UVDoc"}
    assert found["UVDoc"]["repository"] == "PaddlePaddle/UVDoc"
    assert found["UVDoc"]["commit"] == hub.commits["PaddlePaddle/UVDoc", "main"].id
    assert found["UVDoc"]["licence"] == "Apache-2.0"
    bill = json.loads(docker("run", "--rm", "--entrypoint", "cat", bare, "/opt/offline-ocr/sbom.cdx.json").stdout)
    [weights] = [each for each in bill["components"] if each["name"] == "UVDoc"]
    assert (weights["type"], weights["version"]) == ("machine-learning-model", found["UVDoc"]["commit"])


def test_a_wrong_file_breaks_the_build_and_leaves_no_image(
    docker: Docker, settings: dict[str, str], home: Path, tmp_path: Path
) -> None:
    before = set(docker("images", "-a", "-q").stdout.split())
    with tiny.hub(home) as hub:  # another address: nothing of it is in the builder's cache
        hub.faults.append(Fault("flipped", path="inference.pdiparams"))
        variables = {"TARGET": "gpu", "CUDA": "cpu", "MODELS": MODELS, **hub.environment}
        done = docker.make("image", TAG=f"{NAME}:broken", **{**settings, **variables})
    assert done.returncode != 0
    assert "UVDoc: " in done.stderr
    assert "inference.pdiparams" in done.stderr
    assert re.search("from huggingface: has the .* is listed", done.stderr)
    assert set(docker("images", "-a", "-q").stdout.split()) == before


def test_built_anew_weights_and_code_are_the_same_layers(
    docker: Docker, build: Build, bare: str, bare_settings: dict[str, str]
) -> None:
    again = build(f"{NAME}:again", BUILD_ARGS="--no-cache", **bare_settings)
    first, second = docker.layers(bare), docker.layers(again)
    different = [number for number, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]]
    print(f"{len(first)} layers, different when built anew: {different}")
    assert different == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this repository's files to be changed."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.split("\0")[:-1]:
        target = tmp_path / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    for command in ("init -q", "add -A", "-c user.name=a -c user.email=a@b.c commit -qm x"):
        subprocess.run(["git", *command.split()], cwd=tmp_path / "checkout", check=True)
    return tmp_path / "checkout"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def test_a_change_moves_only_what_lies_above_it(
    docker: Docker, build: Build, bare_settings: dict[str, str], checkout: Path, store: Registry
) -> None:
    def push(tag: str) -> int:
        """Build, push; how many bytes went up."""
        image = build(f"{store.name}/{NAME}:{tag}", root=checkout, **bare_settings)
        before = store.blobs()
        done = docker.make("push", root=checkout, TAG=image, IMAGE=image)
        assert done.returncode == 0
        new = store.blobs().items() - before.items()
        already = len(re.findall("Layer already exists", done.stdout))
        print(
            f"{tag}: {sum(size for _, size in new) / 1e6:.3f} MB in {len(new)} blobs went up, {already} layers were there"
        )
        return sum(size for _, size in new)

    everything = push("first")
    layers = docker.layers(f"{store.name}/{NAME}:first")
    for tag, name, before, after, moved in (
        ("code", "server/confidence.py", '"""', '"""A line more. ', CODE),
        ("page", "web/icon.svg", "<svg ", '<svg id="icon" ', WEB),
    ):
        file = checkout / name
        file.write_text(file.read_text().replace(before, after, 1))
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "y"], cwd=checkout, check=True
        )
        assert push(tag) < 1e6 < everything
        later = docker.layers(f"{store.name}/{NAME}:{tag}")
        different = [number for number, pair in enumerate(zip(layers, later, strict=True)) if pair[0] != pair[1]]
        assert different == [moved, COMMIT]
        layers = later

    requirements = checkout / "requirements/server.txt"
    extra = re.search(r"^iniconfig==.*?(?=^\S)", (ROOT / "requirements/dev.txt").read_text(), re.DOTALL | re.MULTILINE)
    assert extra
    requirements.write_text(requirements.read_text() + extra[0])
    push("dependency")
    later = docker.layers(f"{store.name}/{NAME}:dependency")
    assert later[WEIGHTS.stop] != layers[WEIGHTS.stop]  # the server's environment
    assert later[WEIGHTS] == layers[WEIGHTS]


def test_a_further_model_comes_with_its_entry(docker: Docker, build: Build, checkout: Path, hub: Hub) -> None:
    """What catalog.toml at the root of the checkout adds is fetched, locked, and known to the server inside."""
    hub.add("example/Further", {"config.json": b'{"model_type": "further"}'})
    entry = '[weights.Further]\nfolder = "hub/Further"\nlicence = "MIT"\nsize_mb = 1\nfiles = ["config.json"]\n'
    (checkout / "catalog.toml").write_text(entry + 'huggingface = "example/Further"\n')
    variables = {"TARGET": "gpu", "CUDA": "cpu", "MODELS": "pp-ocr Further", **hub.environment}
    image = build(f"{NAME}:further", root=checkout, **variables)
    command = ["python", "scripts/prefetch_models.py", "check", "Further"]
    assert "whole: 1 weights" in docker("run", "--rm", "--network", "none", image, *command).stderr
