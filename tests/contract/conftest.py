"""Servers for the contract tests: one that most tests share, and others made for one test."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.contract.hosts import self_signed
from tests.contract.jobs import OTHER_TOKEN
from tests.contract.running import TOKEN, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The shared server, ready; no test may disturb it. At 72 dpi a PDF's points are pixels, and pages are quick."""
    with Server(PDF_DPI="72") as running:
        yield running.ready()


@pytest.fixture(scope="session")
def client(server: Server) -> httpx2.Client:
    """An authorised client of the shared server."""
    return server.client


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for docs.test, with its key, in one file; alone in FILE.crt."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def jobs_server() -> Iterator[Server]:
    """A server for jobs, of two callers."""
    with Server(PDF_DPI="72", API_TOKENS=f"{TOKEN},{OTHER_TOKEN}") as running:
        yield running.ready()


@pytest.fixture(scope="session")
def mine(jobs_server: Server) -> httpx2.Client:
    """A client of the server for jobs."""
    return jobs_server.client


@pytest.fixture(scope="session")
def theirs(jobs_server: Server) -> Iterator[httpx2.Client]:
    """A client of the other caller of that server."""
    with jobs_server.new_client(OTHER_TOKEN) as client:
        yield client
