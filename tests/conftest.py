"""Fixtures of more than one suite."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.contract.blackhole import BlackHole, impossible
from tests.contract.outside import Outside
from tests.contract.running import Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The shortest tests last: with several processes none of them is left alone with a long one at the end."""
    items.sort(key=lambda item: item.path.parent.name == "unit")


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers with their own environment; they end with the test."""
    with ExitStack() as stack:
        yield lambda **variables: stack.enter_context(Server(**variables))


@pytest.fixture
def hole() -> Iterator[BlackHole]:
    """A network that swallows packets and counts them."""
    if reason := impossible():
        pytest.skip(reason)
    with BlackHole() as made:
        yield made


@pytest.fixture
def outside() -> Iterator[Outside]:
    """A network with one public host, which receives webhooks."""
    if reason := impossible():
        pytest.skip(reason)
    with Outside() as made:
        yield made
