"""A job's document, sent as it goes away."""

from pathlib import Path
from typing import Any

import pytest

from server.errors import NotFound
from server.routes.job_pages import Sent
from tests.unit.fakes import run

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}


async def _receive() -> dict[str, Any]:
    raise AssertionError


def test_a_document_that_has_gone_is_not_there(tmp_path: Path) -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    path = tmp_path / "document-0"
    path.write_bytes(b"x")
    run(Sent(path)(SCOPE, _receive, send))
    assert [message.get("status", message.get("body")) for message in said] == [200, b"x"]
    path.unlink()
    said.clear()
    with pytest.raises(NotFound):
        run(Sent(path)(SCOPE, _receive, send))
    assert said == []
