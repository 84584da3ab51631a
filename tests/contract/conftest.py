"""Servers for the contract tests: one that most tests share, and others made for one test."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.contract.running import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The shared server, ready; no test may disturb it. At 72 dpi a PDF's points are pixels, and pages are quick."""
    with Server(PDF_DPI="72") as running:
        yield running.ready()


@pytest.fixture(scope="session")
def client(server: Server) -> httpx2.Client:
    """An authorised client of the shared server."""
    return server.client
