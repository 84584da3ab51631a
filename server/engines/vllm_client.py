"""A vLLM server's client: everything is asked at once, and what nobody wants any more is asked no further."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future, wait
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2

from server.chat import Chat, Ending, Said
from server.engines import vllm_chat
from server.engines.recogniser import RefusedError, WithdrawnError
from server.engines.vllm_messages import VllmError
from server.engines.vllm_server import VllmServer

_LOOK_EVERY_S = 0.1  # whether it is still wanted
_REQUESTS = 256  # at once, each over a socket; vLLM takes about as many into one step


class VllmClient:
    """Asks a server that is started for the model `name`; `extra` goes with every request.

    Its methods may be called by many threads at once. `longest` is the most tokens that the server takes together.
    """

    def __init__(self, server: VllmServer, name: str, longest: int | None, extra: Mapping[str, Any]) -> None:
        self.name = name
        self.longest = longest
        self.extra = extra
        self.in_work = 0
        self.heard = server.heard
        self._server = server
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="vllm-client", daemon=True).start()
        self._http = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(
                uds=str(server.socket), limits=httpx2.Limits(max_connections=_REQUESTS)
            ),
            base_url="http://vllm",
            headers={"Content-Type": "application/json"},
            timeout=None,  # the page's time is watched by whoever asks
        )

    def wait(self, work: Coroutine[Any, Any, Any], wanted: Callable[[], bool]) -> Any:
        """What the work comes to. Raises WithdrawnError soon after `wanted` is false: vLLM sees its client leave."""
        working = self._submit(self._counted(work))
        while not wait([working], _LOOK_EVERY_S).done:
            if not wanted():
                working.cancel()
                self._server.prove_alive()  # it may be that vLLM hangs, and with it every other page
                raise WithdrawnError
        return working.result()

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        """The answer as vLLM gives it. Raises RefusedError, and as `wait`."""
        ending: Ending = self.wait(self._chat(chat, say), wanted)
        return ending

    @asynccontextmanager
    async def asked(self, body: bytes) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of the answer. Raises RefusedError; ends this process where vLLM is not there to answer."""
        try:
            async with self._http.stream("POST", "/v1/chat/completions", content=body) as reply:
                if 400 <= reply.status_code < 500:
                    await reply.aread()
                    raise RefusedError(f"{self.name} cannot read this: {_said(reply)}")
                reply.raise_for_status()
                yield reply.aiter_lines()
        except (httpx2.HTTPError, VllmError):
            await asyncio.to_thread(self._server.prove_alive)
            raise

    def close(self) -> None:
        """End the connections; the server is not the client's to end."""
        self._submit(self._http.aclose()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _submit(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _counted(self, work: Coroutine[Any, Any, Any]) -> Any:
        self.in_work += 1
        try:
            return await work
        finally:
            self.in_work -= 1

    async def _chat(self, chat: Chat, say: Callable[[Said], None]) -> Ending:
        started = time.perf_counter()
        body = await asyncio.to_thread(vllm_chat.request, chat, self.name, self.longest, self.extra)
        async with self.asked(body) as lines:
            ending = await vllm_chat.answer(lines, chat.sampling, self.heard, say)
        return replace(ending, seconds=time.perf_counter() - started)


def _said(reply: httpx2.Response) -> str:
    try:
        return str(reply.json()["error"]["message"])[:500]
    except (ValueError, LookupError, TypeError):
        return reply.text[:500]
