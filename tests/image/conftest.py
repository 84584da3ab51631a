"""A Docker engine, a hub with tiny models, and the images that all tests look at."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.running import ROOT
from tests.image import tiny, wheels
from tests.image.docker import Docker, build_settings, engine, provide_base
from tests.prefetch.hub import Hub

_HERE = Path(__file__).parent
NAME = "offline-ocr-test"  # nobody's own images
CPU, LARGE, BARE = f"{NAME}:cpu", f"{NAME}:gpu", f"{NAME}:bare"

TOKEN = "hf_a_token_that_must_not_be_found"

Build = Callable[..., str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs Docker, and time."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.image)
            item.add_marker(pytest.mark.timeout(7200))


@pytest.fixture(scope="session")
def docker(request: pytest.FixtureRequest) -> Iterator[Docker]:
    """The engine; its data stay in pytest's cache, so that a second run builds on the first."""
    assert request.config.cache
    folder = Path(request.config.cache.mkdir("docker"))
    with engine(folder) as found:
        provide_base(found, folder)
        yield found
        found.remove(NAME)


@pytest.fixture(scope="session")
def settings() -> Iterator[dict[str, str]]:
    """Variables of `make image` that this machine needs."""
    with wheels.served() as links:
        yield build_settings(links)


@pytest.fixture(scope="session")
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PADDLEX_HOME with all tiny models."""
    return tiny.home(request.config, tmp_path_factory.mktemp("weights") / "home")


@pytest.fixture(scope="session")
def hub(home: Path) -> Iterator[Hub]:
    """Where they are fetched from; tests that spoil it mend it."""
    with tiny.hub(home) as running:
        yield running


@pytest.fixture(scope="session")
def build(docker: Docker, settings: dict[str, str]) -> Build:
    """`make image`, which must succeed; returns the tag."""

    def make(tag: str, root: Path = ROOT, **variables: str) -> str:
        done = docker.make("image", root=root, TAG=tag, **{**settings, **variables})
        assert done.returncode == 0, done.stderr[-3000:]
        return tag

    return make


@pytest.fixture(scope="session")
def cpu(build: Build) -> str:
    """The target cpu."""
    return build(CPU, TARGET="cpu")


@pytest.fixture(scope="session")
def bare(build: Build, hub: Hub) -> str:
    """The target gpu with two folders of weights and no large environment."""
    return build(BARE, TARGET="gpu", CUDA="cpu", MODELS="pp-ocr PP-LCNet_x1_0_doc_ori UVDoc", **hub.environment)


@pytest.fixture(scope="session")
def large(build: Build, hub: Hub) -> str:
    """The target gpu with every stack and tiny models, its packages those for the CPU."""
    return build(LARGE, TARGET="gpu", CUDA="cpu", MODELS=" ".join(tiny.MODELS), HF_TOKEN=TOKEN, **hub.environment)


@pytest.fixture(scope="session")
def known_texts(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tiny models read outside of the image."""
    path = tmp_path_factory.mktemp("known") / "known_texts.json"
    path.write_text(tiny.texts(home, tiny.MODELS))
    return path
