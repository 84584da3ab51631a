"""The server's HTTP API: one method a call, each failure an error of `errors.py`."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from server.client.environment import TOKEN, URL, Place
from server.client.errors import (
    Busy,
    NoConnection,
    NotTheServer,
    Refused,
    ServerFault,
    TokenRefused,
    WrongUsage,
)
from server.client.job import Job, parse
from server.client.patience import Patience

_SILENCE_S = 90.0  # longer than any wait that is asked for, and than a gateway lets one last
_PASSING = {408, 429, 500, 502, 503, 504}
"""Statuses that a gateway gives while the server behind it is away."""
_OF_EVERY_DOCUMENT = {"unknown_model", "bad_option"}
"""Problems of what was typed, not of the document it was typed for."""


class Api:
    """One server. A call is tried again as `patience` has it; a context manager, because connections stay open."""

    def __init__(self, place: Place, patience: Patience) -> None:
        self.patience = patience
        headers = {"Authorization": f"Bearer {place.token}"} if place.token else {}
        timeout = httpx2.Timeout(_SILENCE_S, connect=10.0, pool=None)
        self._url = place.url
        self._has_token = bool(place.token)
        self._client = httpx2.AsyncClient(base_url=place.url, headers=headers, timeout=timeout)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

    async def get(
        self, path: str, *needs: str, query: Mapping[str, str | int] | None = None, also: int | None = None
    ) -> dict[str, Any]:
        """The JSON object at `path`, which has what it `needs`; a reply of status `also` is an answer, too.

        Raises ClientError.
        """
        found = _json(await self.patience.answer(lambda: self._once("GET", path, also=also, params=query or {})))
        if not isinstance(found, dict) or not found.keys() >= set(needs):
            raise NotTheServer(f"What answers at {self._url} is not offline-ocr. Is {URL} right?")
        return found

    async def submit(self, document: Path, fields: Mapping[str, str], key: str) -> Job:
        """The job for a document; a repeated call with the same `key` finds the same one. Raises ClientError, OSError."""

        async def once() -> httpx2.Response:
            name = os.fsencode(document.name).decode("utf-8", "replace")
            with document.open("rb") as file:
                return await self._once(
                    "POST", "/jobs", files={"file": (name, file)}, data=fields, headers={"Idempotency-Key": key}
                )

        try:
            return parse(_json(await self.patience.answer(once)))
        except Refused as error:
            if error.code != "not_found":
                raise
            raise NotTheServer(
                f"The server at {self._url} is an offline-ocr without jobs. Bring it up to date."
            ) from error

    async def job(self, job_id: str, wait_s: int = 0) -> Job:
        """The job as it is when it has ended, or after `wait_s` seconds (0–60). Raises ClientError."""
        return parse(await self.get(f"/jobs/{job_id}", query={"wait": wait_s}))

    async def result(self, job_id: str, form: str, file: int = 0) -> bytes:
        """The job's result in a form of the API. Raises ClientError."""
        query = {"format": form, "file": file}
        ask = self.patience.answer(lambda: self._once("GET", f"/jobs/{job_id}/result", params=query))
        return (await ask).content

    async def delete(self, job_id: str) -> Job | None:
        """Cancel a job that goes on, or remove one that has ended: then None. Raises ClientError."""
        reply = await self.patience.answer(lambda: self._once("DELETE", f"/jobs/{job_id}"))
        return parse(_json(reply)) if reply.content else None

    @asynccontextmanager
    async def events(self, job_id: str, last: str) -> AsyncIterator[httpx2.EventSource]:
        """The job's events after the one with the id `last` ("": all); not tried again here. Raises ClientError."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        try:
            async with self._client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as reply:
                if not reply.is_success:
                    await reply.aread()
                yield httpx2.EventSource(self._checked(reply, None))
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    async def _once(self, method: str, path: str, *, also: int | None = None, **more: Any) -> httpx2.Response:
        try:
            reply = await self._client.request(method, path, **more)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise self._unreachable(error) from error
        return self._checked(reply, also)

    def _unreachable(self, error: Exception) -> NoConnection:
        return NoConnection(
            f"No answer from {self._url} ({URL}): {str(error) or type(error).__name__}.".replace("..", ".")
        )

    def _checked(self, reply: httpx2.Response, also: int | None) -> httpx2.Response:
        status = reply.status_code
        problem = _problem(reply)
        if reply.is_success or (status == also and problem is None and _is_json(reply)):
            return reply
        if status in {401, 403}:
            sent = f"does not take the token in {TOKEN}" if self._has_token else f"wants a token, and {TOKEN} is empty"
            raise TokenRefused(f"{self._url} {sent} ({status} {reply.reason_phrase}).")
        if problem is None:
            said = f"{self._url} answered {status} {reply.reason_phrase}, which offline-ocr did not say."
            if status in _PASSING:
                raise NoConnection(said, _retry_after(reply))
            raise NotTheServer(f"{said} Is {URL} right?")
        retry_after = _retry_after(reply)
        if retry_after is not None and status in {429, 503}:
            raise Busy(str(problem), retry_after)
        if problem.code in _OF_EVERY_DOCUMENT:
            raise WrongUsage(str(problem))
        raise problem


def _is_json(reply: httpx2.Response) -> bool:
    return "json" in reply.headers.get("content-type", "")


def _json(reply: httpx2.Response) -> Any:
    try:
        return reply.json()
    except ValueError as error:
        raise NotTheServer(
            f"What answers at {reply.url} is not offline-ocr: it sends no JSON. Is {URL} right?"
        ) from error


def _problem(reply: httpx2.Response) -> Refused | None:
    if "problem+json" not in reply.headers.get("content-type", ""):
        return None
    try:
        body = reply.json()
        kind = ServerFault if reply.status_code == httpx2.codes.INTERNAL_SERVER_ERROR else Refused
        return kind(reply.status_code, str(body["code"]), str(body["title"]), str(body.get("detail") or ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _retry_after(reply: httpx2.Response) -> float | None:
    """Seconds; a date, which RFC 9110 allows as well, our server never sends."""
    given = reply.headers.get("retry-after", "")
    return float(given) if given.isdecimal() else None
