"""`paddleocr-vl`, `-1.5`, `-1.6`: PaddleX's own PaddleOCR-VL pipeline, in the environment `.venv-paddle`.

The pipeline is the one behind the models' public demo; nothing of it is rebuilt here. One pipeline has one caller at a
time: shared by threads, PaddleX hands one page the layout of another and says nothing.
"""

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import httpx2

from server.chat import Chat, Ending, Said
from server.documents import Page
from server.engines import gpu_fit
from server.engines.base import Loading, Options, PageInput
from server.engines.paddle_pages import page_of
from server.engines.recogniser import RefusedError
from server.engines.vllm_chat import MOST_LOGPROBS
from server.engines.vllm_client import VllmClient
from server.engines.vllm_server import VllmServer
from server.errors import BadOption, BadRequest, NoChat

_PAGES = 4  # at once, recognised by PaddlePaddle: the next page's layout is found while this one is read
_PAGES_SERVED = 16  # at once, recognised by a server: its batches are made of the regions of many pages

_OURS = ("prettify_markdown", "show_formula_number", "table_format", "serving_figures")
"""Options that are about what is written down, not about `predict`."""
_SAMPLING = {"temperature": 0, "top_p": 1, "repetition_penalty": 1}
"""Options without effect in PaddlePaddle's own recogniser, and the value that means just what it does."""


@dataclass(frozen=True, slots=True)
class _Version:
    pipeline: str
    layout: str
    recogniser: str
    recogniser_weights: str


_VERSIONS = {
    "paddleocr-vl": _Version("v1", "PP-DocLayoutV2", "PaddleOCR-VL-0.9B", "PaddleOCR-VL"),
    "paddleocr-vl-1.5": _Version("v1.5", "PP-DocLayoutV3", "PaddleOCR-VL-1.5-0.9B", "PaddleOCR-VL-1.5"),
    "paddleocr-vl-1.6": _Version("v1.6", "PP-DocLayoutV3", "PaddleOCR-VL-1.6-0.9B", "PaddleOCR-VL-1.6"),
}
"""Model → what PaddleX calls its parts. All of them are given by name: PaddleX's own defaults move."""

_NO_PIXELS = "height and width must be > 0"
"""PaddleX's word for a region of which nothing is left (paddlex, doc_vlm/processors, `smart_resize`)."""

_SERVE = {
    "trust_request_mm_kwargs": True,  # PaddleX sends bounds of pixels with each request
    "enable_prefix_caching": False,  # no page is seen twice: nothing is worth keeping
    "mm_processor_cache_gb": 0,
    "max_model_len": 16384,
    "max_logprobs": MOST_LOGPROBS,
}
"""Arguments of `vllm serve`."""
_SERVER_PART = 0.8  # of the model's GPU memory; the layout model takes the rest

_PREPROCESSORS = {"use_doc_orientation_classify": "PP-LCNet_x1_0_doc_ori", "use_doc_unwarping": "UVDoc"}


class PaddleVlEngine:
    """One pipeline, called on the main thread with up to `concurrency` pages; chats are for its vLLM server alone."""

    batches = True
    withdraws = False
    concurrency = _PAGES

    def load(self, loading: Loading) -> None:
        """Import PaddlePaddle and build the pipeline.

        Raises RuntimeError off the main thread, UnfitError for a GPU that does not fit, and what PaddleX raises.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("PaddlePaddle must be imported on the main thread")
        device = gpu_fit.device(loading.knobs.allow_cpu, gpu_fit.installed_paddle())
        for handler in logging.root.handlers:  # else PaddleX brings one of its own, for the lines of its import
            logging.getLogger("paddlex").addHandler(handler)
        from paddleocr import PaddleOCRVL  # noqa: PLC0415 not before the GPU is known to fit
        from paddlex.inference import load_pipeline_config  # noqa: PLC0415

        from server.engines.paddle_outcomes import Outcomes  # noqa: PLC0415

        _take_over_logs()
        version, folders = _VERSIONS[loading.entry.name], loading.weights
        self._preprocessors = {option for option, name in _PREPROCESSORS.items() if name in folders}
        self._server: VllmServer | None = None
        self._client: VllmClient | None = None
        self._reading = False
        config = load_pipeline_config(loading.entry.name.replace("paddleocr-vl", "PaddleOCR-VL"))
        if loading.entry.recogniser(loading.knobs) is None:
            # One region is read at a time: pages come through one by one, each as soon as it is read.
            config["SubModules"]["LayoutDetection"]["batch_size"] = 1
        else:
            self.concurrency = _PAGES_SERVED
            share = loading.knobs.gpu_share and loading.knobs.gpu_share * _SERVER_PART
            folder, serve = folders[version.recogniser_weights], {**_SERVE, **loading.knobs.serve}
            self._server = VllmServer(folder, version.recogniser, serve, share)
            self._server.start()
            client = self._client = VllmClient(self._server, version.recogniser, serve["max_model_len"], {})
            self._server.watch(lambda: not self._reading and not client.in_work)
            transport = httpx2.AsyncHTTPTransport(uds=str(self._server.socket))
            config["SubModules"]["VLRecognition"]["genai_config"]["client_kwargs"] = {
                "http_client": httpx2.AsyncClient(transport=transport, timeout=600)
            }
        self._pipeline = PaddleOCRVL(
            paddlex_config=config,
            pipeline_version=version.pipeline,
            layout_detection_model_name=version.layout,
            layout_detection_model_dir=str(folders[version.layout]),
            vl_rec_model_name=version.recogniser,
            vl_rec_model_dir=str(folders[version.recogniser_weights]),
            vl_rec_backend="vllm-server" if self._server else "native",
            vl_rec_server_url="http://vllm/v1" if self._server else None,
            vl_rec_api_model_name=version.recogniser if self._server else None,
            **{option: option in self._preprocessors for option in _PREPROCESSORS},
            **_preprocessor_folders(loading),
            device=device,
        )
        self._outcomes = Outcomes(self._pipeline.paddlex_pipeline._pipeline)

    def recognise(self, pages: Sequence[PageInput], options: Options) -> Iterator[Page | Exception]:
        """Read the pages. Raises BadOption for what needs weights that are not here, ValueError for a file no image."""
        for option, name in _PREPROCESSORS.items():
            if options[option] and option not in self._preprocessors:
                raise BadOption(f"{option}: this server does not hold the weights of {name}, or not all of them.")
        _take_over_logs()  # of what was imported since
        _wait_for_paddlex()
        said = self._warnings(options)
        self._outcomes.forget()
        started = time.perf_counter()
        self._reading = True
        # With one page there is nothing to do meanwhile, and PaddleX's queues cost more than they give.
        results = self._pipeline.predict_iter(
            [_open(page) for page in pages], use_queues=len(pages) > 1, **_arguments(options)
        )
        try:
            for page, result in zip(pages, results, strict=True):
                read = time.perf_counter()
                try:
                    done = page_of(result, page, options, self._outcomes.next(), read - started)
                    yield replace(done, warnings=said)
                except Exception as error:  # noqa: BLE001 raised here, it would leave PaddleX's threads at work
                    yield error
                started = read
        except ValueError as error:
            if options["max_pixels"] is not None and _NO_PIXELS in str(error):
                raise BadOption(f"max_pixels: {options['max_pixels']} are too few for a region of the page.") from error
            raise
        except Exception:
            if self._server:
                self._server.prove_alive()
            raise
        finally:
            self._reading = False

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        """Ask the recogniser itself. Raises BadRequest, NoChat where PaddlePaddle is the recogniser."""
        if self._client is None:
            raise NoChat("The model answers no chats with PADDLE_VL_RECOGNISER=native.")
        try:
            return self._client.chat(chat, say, wanted)
        except RefusedError as error:
            raise BadRequest(str(error)) from error

    def close(self) -> None:
        """End PaddleX's own threads, and vLLM."""
        self._pipeline.close()
        if self._client:
            self._client.close()
        if self._server:
            self._server.close()
        del self._pipeline, self._outcomes

    def _warnings(self, options: Options) -> tuple[str, ...]:
        idle = [name for name, same in _SAMPLING.items() if options[name] not in {None, same} and not self._server]
        said = [f"{name} has no effect with PADDLE_VL_RECOGNISER=native" for name in idle]
        if options["use_doc_unwarping"]:
            said.append("boxes are in pixels of the flattened page")
        return tuple(said)


def _preprocessor_folders(loading: Loading) -> dict[str, str]:
    names = {"use_doc_orientation_classify": "doc_orientation_classify", "use_doc_unwarping": "doc_unwarping"}
    folders = {}
    for option, weights in _PREPROCESSORS.items():
        if weights in loading.weights:
            folders[f"{names[option]}_model_name"] = weights
            folders[f"{names[option]}_model_dir"] = str(loading.weights[weights])
    return folders


def _arguments(options: Options) -> dict[str, Any]:
    """The options as `predict` wants them; None is the pipeline's own value."""
    arguments = {name: value for name, value in options.items() if name not in _OURS}
    for name, value in arguments.items():
        if isinstance(value, dict) and name != "vlm_extra_args":
            arguments[name] = {int(number): one for number, one in value.items()}
    match arguments["layout_unclip_ratio"]:
        case [x, y]:
            arguments["layout_unclip_ratio"] = (x, y)
        case dict() as by_class:  # PaddleX takes pairs only
            pairs = {number: tuple(one) if isinstance(one, list) else (one, one) for number, one in by_class.items()}
            arguments["layout_unclip_ratio"] = pairs
    return arguments


def _wait_for_paddlex() -> None:
    """PaddleX gives its threads five seconds to end; one that still reads would share the pipeline with the next page."""
    for thread in threading.enumerate():
        if thread.name.endswith(("(_worker_input)", "(_worker_cv)", "(_worker_vlm)")):
            thread.join()


def _open(page: PageInput) -> Any:
    image = cv2.imread(str(page.path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"page {page.number}: {page.path.name} is not an image")
    return image


def _take_over_logs() -> None:
    """Paddle and PaddleX print by handlers of their own, past the worker's: their lines would have no request id."""
    warnings.filterwarnings("ignore", module=r"paddle\.")  # meant for developers: "No ccache found"
    logging.captureWarnings(True)
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger) and logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
