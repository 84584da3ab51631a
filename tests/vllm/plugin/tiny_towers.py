"""A vLLM plugin that makes the vision towers of DeepSeek-OCR and DeepSeek-OCR-2 small: put this folder on PYTHONPATH.

vLLM takes the towers' sizes from its own source, not from the checkpoint: 400 million parameters and several seconds a
page on a CPU, which tiny weights cannot change. Only numbers are replaced here; every class stays vLLM's own.
"""

from functools import partial
from typing import Any

SAM = {"embed_dim": 32, "depth": 1, "num_heads": 1, "global_attn_indexes": (), "out_chans": 16}
"""The first tower; its attention is within windows only, the slow kind over the whole page is left out."""

SAM_ENDS = (32, 64)
"""Channels after each of the two convolutions that close the first tower; the second tower is as wide as its end."""

CLIP = {"hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
"""The second tower of DeepSeek-OCR."""

QWEN = {
    **{"hidden_dimension": 64, "intermediate_size": 64, "decoder_layer": 1},
    **{"num_attention_heads": 2, "num_key_value_heads": 1},
}
"""The second tower of DeepSeek-OCR-2."""


def register() -> None:
    """Called by vLLM in each of its processes, maybe more than once."""
    from vllm.model_executor.layers.conv import Conv2dLayer  # noqa: PLC0415 - not before vLLM is ready
    from vllm.model_executor.models import deepencoder, deepseek_ocr, deepseek_ocr2  # noqa: PLC0415

    published: Any = deepencoder.ImageEncoderViT
    if published.__name__ == "TinySam":
        return

    class TinySam(published):  # type: ignore[misc]
        def __init__(self, **sizes: Any) -> None:
            super().__init__(**{**sizes, **SAM})
            end = partial(Conv2dLayer, kernel_size=3, stride=2, padding=1, bias=False)
            self.net_2 = end(SAM["out_chans"], SAM_ENDS[0])
            self.net_3 = end(*SAM_ENDS)

    def tiny_clip(**sizes: Any) -> Any:
        return clip(**{**sizes, **CLIP})

    clip: Any = deepseek_ocr.CLIPVisionConfig
    deepencoder.ImageEncoderViT = deepseek_ocr2.ImageEncoderViT = TinySam
    deepseek_ocr.CLIPVisionConfig = tiny_clip
    deepseek_ocr2.build_qwen2_decoder_as_encoder = partial(deepseek_ocr2.build_qwen2_decoder_as_encoder, **QWEN)
