"""The recogniser for whatever vLLM can serve: a server of its own, and all crops of all pages with it at once.

vLLM makes its batches itself, token by token, so that the more it is asked at once the more it reads in a second.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from server.chat import MAX_IMAGES, Chat, Ending, Said
from server.engines import gpu_fit
from server.engines.base import Loading
from server.engines.drafts import has_draft_layer
from server.engines.recogniser import Crop, Reading, Sampling
from server.engines.vllm_chat import MOST_LOGPROBS
from server.engines.vllm_client import VllmClient
from server.engines.vllm_messages import guarded, reading, request
from server.engines.vllm_server import VllmServer

_PAGES = 32  # at once: enough regions, or whole pages, to fill vLLM's batches
_SERVE = {
    "stream_interval": 16,  # tokens in one event, which costs more than a token
    "limit_mm_per_prompt": {"image": MAX_IMAGES, "video": 0},  # or else memory is set aside for videos
    "max_logprobs": MOST_LOGPROBS,
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
        name = loading.entry.name
        gpu_fit.device(loading.knobs.allow_cpu, gpu_fit.installed_torch())  # said before vLLM fails in its own words
        share = loading.knobs.gpu_share and loading.knobs.gpu_share * spec.server_part
        serve = {**_SERVE, **spec.serve, **loading.knobs.serve}
        if "speculative_config" in serve and not has_draft_layer(folder):
            log.warning("the weights have no layer for drafts: every token takes a step of its own")
            del serve["speculative_config"]
        self._server = VllmServer(folder, name, serve, share)
        self._server.start()
        guard = guarded(spec.ngram_guard, folder)
        self._client = VllmClient(self._server, name, serve.get("max_model_len"), guard)
        self.read([Crop(Image.new("RGB", (112, 112), "white"), "")], Sampling(max_new_tokens=2), lambda: True)
        self._server.watch(lambda: self._client.in_work == 0)

    def read(self, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]) -> list[Reading]:
        """All crops at once. A page that nobody wants any more is cancelled in vLLM, too.

        Raises WithdrawnError, and RefusedError for a prompt that is too long or an option that this model does not take.
        """
        readings: list[Reading] = self._client.wait(self._read_all(crops, sampling), wanted)
        return readings

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        """The answer as vLLM gives it. One that nobody wants any more is cancelled as a page is. Raises as `read`."""
        return self._client.chat(chat, say, wanted)

    def close(self) -> None:
        """End the server."""
        self._client.close()
        self._server.close()

    async def _read_all(self, crops: Sequence[Crop], sampling: Sampling) -> list[Reading]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._read_one(crop, sampling)) for crop in crops]
            return [task.result() for task in tasks]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _read_one(self, crop: Crop, sampling: Sampling) -> Reading:
        client = self._client
        body = await asyncio.to_thread(request, crop, sampling, client.name, client.longest, client.extra)
        async with client.asked(body) as lines:
            return await reading(lines, client.heard)
