"""One network on this machine's processor, for several threads at once and within a bounded memory."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import Core, InferRequest, Layout, Model, Type
from openvino.preprocess import PrePostProcessor


class CpuNetwork:
    """A network from an image to one array; `streams` inferences run at once and share `threads` processor cores.

    The arithmetic is OpenVINO's choice: bfloat16 where the processor computes in it, 32-bit floats elsewhere.
    """

    def __init__(self, core: Core, model: Model, *, streams: int, threads: int) -> None:
        # Pixels become −1…1 inside the network, which costs a tenth of doing it in NumPy.
        processor = PrePostProcessor(model)
        processor.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
        processor.input().preprocess().convert_element_type(Type.f32).mean(127.5).scale(127.5)
        processor.input().model().set_layout(Layout("NCHW"))
        config: dict[str, Any] = {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads,
            # Two networks live side by side here: pinned, both would sit on the same cores.
            "ENABLE_CPU_PINNING": False,
            # Kernels prepared for one input size; the default of 5000 is 700 MB after a hundred sizes.
            "CPU_RUNTIME_CACHE_CAPACITY": 300,
        }
        compiled = core.compile_model(processor.build(), "CPU", config)
        # A request keeps the memory of the largest input it has seen: few of them, used again and again.
        self._idle: LifoQueue[InferRequest] = LifoQueue()
        for _ in range(streams):
            self._idle.put(compiled.create_infer_request())

    @contextmanager
    def run(self, pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
        """The output for one image (H×W×3); valid inside the `with` block only. Waits while all streams are busy."""
        request = self._idle.get()
        try:
            request.infer([pixels[np.newaxis]], share_inputs=True)
            yield request.get_output_tensor().data
        finally:
            self._idle.put(request)


def return_freed_memory() -> None:
    """Have the C library hand large blocks back to the system as soon as they are freed.

    By itself it learns from the first large block to keep up to 32 MB ones, in one heap for each thread: 250 MB here
    after a few pages. Does nothing where the C library is not glibc. See mallopt(3).
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        trim_threshold, mmap_threshold, arena_max = -1, -3, -8
        libc.mallopt(mmap_threshold, 4 << 20)
        libc.mallopt(trim_threshold, 8 << 20)
        libc.mallopt(arena_max, 2)
