"""The recogniser for whatever vLLM can serve: a server of its own, and all crops of all pages with it at once.

vLLM makes its batches itself, token by token, so that the more it is asked at once the more it reads in a second.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image

from server.engines import gpu_fit
from server.engines.base import Loading
from server.engines.drafts import has_draft_layer
from server.engines.recogniser import Crop, Reading, RefusedError, Sampling, WithdrawnError
from server.engines.vllm_messages import VllmError, guarded, reading, request
from server.engines.vllm_server import VllmServer

_PAGES = 32  # at once: enough regions, or whole pages, to fill vLLM's batches
_LOOK_EVERY_S = 0.1  # whether the page is still wanted
_REQUESTS = 256  # at once, each over a socket; vLLM takes about as many into one step
_SERVE = {
    "stream_interval": 64,  # tokens in one event, which costs more than a token
    "limit_mm_per_prompt": {"image": 1, "video": 0},  # or else memory is set aside for videos
    "disable_uvicorn_access_log": True,
}

log = logging.getLogger("server.engines.vllm")


class VllmRecogniser:
    """A vLLM server and its client."""

    concurrency = _PAGES

    def load(self, loading: Loading, folder: Path) -> None:
        """Start the server and read one small image. Raises CannotLoadError."""
        spec = loading.entry.vlm
        assert spec is not None
        self._name = loading.entry.name
        self._guard = guarded(spec.ngram_guard, folder)
        gpu_fit.device(loading.knobs.allow_cpu, gpu_fit.installed_torch())  # said before vLLM fails in its own words
        share = loading.knobs.gpu_share and loading.knobs.gpu_share * spec.server_part
        serve = {**_SERVE, **spec.serve, **loading.knobs.serve}
        self._longest = serve.get("max_model_len")
        if "speculative_config" in serve and not has_draft_layer(folder):
            log.warning("the weights have no layer for drafts: every token takes a step of its own")
            del serve["speculative_config"]
        self._server = VllmServer(folder, self._name, serve, share)
        self._server.start()
        self._in_work = 0
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="vllm-client", daemon=True).start()
        self._client = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(
                uds=str(self._server.socket), limits=httpx2.Limits(max_connections=_REQUESTS)
            ),
            base_url="http://vllm",
            headers={"Content-Type": "application/json"},
            timeout=None,  # the page's time is watched by whoever asks
        )
        self.read([Crop(Image.new("RGB", (112, 112), "white"), "")], Sampling(max_new_tokens=2), lambda: True)
        self._server.watch(lambda: self._in_work == 0)

    def read(self, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]) -> list[Reading]:
        """All crops at once. A page that nobody wants any more is cancelled in vLLM, too: it sees its client leave.

        Raises WithdrawnError, and RefusedError for a prompt that is too long or an option that this model does not take.
        """
        work = self._submit(self._read_all(crops, sampling))
        while not wait([work], _LOOK_EVERY_S).done:
            if not wanted():
                work.cancel()
                self._server.prove_alive()  # it may be that vLLM hangs, and with it every other page
                raise WithdrawnError
        readings: list[Reading] = work.result()
        return readings

    def close(self) -> None:
        """End the server."""
        self._submit(self._client.aclose()).result()
        self._server.close()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _submit(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _read_all(self, crops: Sequence[Crop], sampling: Sampling) -> list[Reading]:
        self._in_work += 1
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._read_one(crop, sampling)) for crop in crops]
            return [task.result() for task in tasks]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            self._in_work -= 1

    async def _read_one(self, crop: Crop, sampling: Sampling) -> Reading:
        body = await asyncio.to_thread(request, crop, sampling, self._name, self._longest, self._guard)
        try:
            async with self._client.stream("POST", "/v1/chat/completions", content=body) as reply:
                if 400 <= reply.status_code < 500:
                    await reply.aread()
                    raise RefusedError(f"{self._name} cannot read this: {_said(reply)}")
                reply.raise_for_status()
                return await reading(reply.aiter_lines(), self._server.heard)
        except (httpx2.HTTPError, VllmError):
            await asyncio.to_thread(self._server.prove_alive)
            raise


def _said(reply: httpx2.Response) -> str:
    try:
        return str(reply.json()["error"]["message"])[:500]
    except (ValueError, LookupError, TypeError):
        return reply.text[:500]
