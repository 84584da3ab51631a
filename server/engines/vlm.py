"""Image-text-to-text models: whole pages, or the regions that a layout model finds, read by vLLM or by transformers.

Which model, which prompts and which of the two ways is the catalogue's matter: a further model is an entry there.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from server.chat import Chat, Ending, Said
from server.documents import Page
from server.engines import regions, whole_page
from server.engines.base import Loading, Options, PageInput
from server.engines.layout_detection import LayoutDetector
from server.engines.recogniser import Recogniser, RefusedError
from server.engines.vlm_page import VlmPage
from server.errors import BadOption, BadRequest


class VlmEngine:
    """A recogniser and, for a model that reads regions, what finds them."""

    batches = False
    withdraws = True
    concurrency = 1

    def load(self, loading: Loading) -> None:
        """Load the layout model, if there is one, then the recogniser. Raises CannotLoadError."""
        spec = loading.entry.vlm
        assert spec is not None
        [weights] = (folder for name, folder in loading.weights.items() if name != spec.layout)
        self._entry = loading.entry
        self._layout = LayoutDetector(loading, loading.weights[spec.layout]) if spec.layout else None
        self._recogniser = _recogniser(loading)
        self._recogniser.load(loading, weights)
        self.concurrency = self._recogniser.concurrency

    def recognise(self, pages: Sequence[PageInput], options: Options) -> Iterator[Page | Exception]:
        """Read the pages one after the other; by a prompt of the caller's own, as a whole. Raises BadOption."""
        for each in pages:
            started = time.perf_counter()
            page = VlmPage(each, self._entry, options, self._recogniser)
            try:
                if self._layout is not None and options["prompt"] is None:
                    done = regions.read(page, self._layout.find)
                else:
                    done = whole_page.read(page)
            except RefusedError as error:
                if options["prompt"] is not None:
                    raise BadOption(f"prompt: {error}") from error
                raise
            yield replace(done, seconds=time.perf_counter() - started)

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        """Answer a chat. Raises BadRequest."""
        try:
            return self._recogniser.chat(chat, say, wanted)
        except RefusedError as error:
            raise BadRequest(str(error)) from error

    def close(self) -> None:
        """Free the models."""
        self._recogniser.close()


def _recogniser(loading: Loading) -> Recogniser:
    if loading.entry.recogniser(loading.knobs) == "vllm":
        from server.engines.vllm import VllmRecogniser  # noqa: PLC0415 one of the two is needed

        return VllmRecogniser()
    from server.engines.transformers import TransformersRecogniser  # noqa: PLC0415

    return TransformersRecogniser()
