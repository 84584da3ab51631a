"""Tiny DeepSeek-OCR and DeepSeek-OCR-2 with the published files and the published names of tensors.

vLLM serves them with the towers of plugin/tiny_towers.py. Transformers' own class for the second one reads the weights
as published, but not that config.json: so the model comes a second time, configured as transformers does it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from transformers import DeepseekOcr2Config, PreTrainedTokenizerFast
from transformers.models.deepseek_ocr2.image_processing_pil_deepseek_ocr2 import DeepseekOcr2ImageProcessorPil

from tests.vllm.deepseek_tensors import EXPERTS, INNER, LAYERS, NARROW, WIDTH, Shapes, first_shapes, second_shapes
from tests.vllm.lively import plain_paper, randomise, speak
from tests.vllm.plugin.tiny_towers import QWEN, SAM, SAM_ENDS
from tests.vllm.tokens import train_tokenizer, visible

BEGIN, END, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"
SPECIAL = (BEGIN, END, PAD, "<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>")
TAGS = ("<td>", "</td>", "<tr>", "</tr>")
TEMPLATE = """{{ bos_token }}
{%- for message in messages -%}
{%- if message.content is string -%}{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type in ["image", "image_url"] -%}<image>{{ "\\n" }}
{%- elif part.type == "text" -%}{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endfor -%}
"""
_GAINS = {"sam_model.pos_embed": 0.5, "_model.": 1.5, "embed_tokens": 2.0, "q_proj": 4.0, "layers.": 1.5}
_TOWERS: dict[str, Any] = {
    "sam_config": {
        **{"hidden_size": SAM["embed_dim"], "num_hidden_layers": SAM["depth"], "num_attention_heads": SAM["num_heads"]},
        **{"output_channels": SAM["out_chans"], "downsample_channels": list(SAM_ENDS), "global_attn_indexes": []},
    },
    "encoder_config": {
        **{"hidden_size": QWEN["hidden_dimension"], "num_hidden_layers": QWEN["decoder_layer"], "vocab_size": 1},
        **{key: QWEN[key] for key in ("intermediate_size", "num_attention_heads", "num_key_value_heads")},
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
    },
}
"""The sizes of plugin/tiny_towers.py as transformers' class calls them; vLLM does not look at them."""


def make_deepseek_ocr(folder: Path, seed: int = 2) -> None:
    _write(folder, "DeepseekOCRForCausalLM", first_shapes, seed)


def make_deepseek_ocr2(folder: Path, seed: int = 3) -> None:
    _write(folder, "DeepseekOCR2ForCausalLM", second_shapes, seed)


def make_deepseek_ocr2_transformers(folder: Path, seed: int = 3) -> None:
    """The second one once more, in the layout that transformers' class is loaded from; the weights stay the same."""
    make_deepseek_ocr2(folder, seed)
    published = json.loads((folder / "config.json").read_text())
    DeepseekOcr2Config(
        vision_config=_TOWERS,
        text_config=_text(published["language_config"]),
        image_token_id=SPECIAL.index("<image>"),
        architectures=["DeepseekOcr2ForConditionalGeneration"],
    ).save_pretrained(folder)
    pictures = DeepseekOcr2ImageProcessorPil()
    pictures.processor_class = "DeepseekOcr2Processor"
    pictures.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def _write(folder: Path, architecture: str, shapes_of: Callable[[int], Shapes], seed: int) -> None:
    tokens = train_tokenizer(SPECIAL, TAGS, bos_token=BEGIN, eos_token=END, pad_token=PAD)
    weights = randomise(shapes_of(len(tokens)), seed, _GAINS)
    plain_paper(weights, "model.sam_model.patch_embed.proj", [1, 1, 1], seed)
    grounding = [tokens.convert_tokens_to_ids(tag) for tag in SPECIAL[4:8]]
    end = tokens.convert_tokens_to_ids(END)
    speak(weights, "lm_head.weight", [*visible(tokens), *grounding], [end], gain=12)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tokens.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(_configuration(architecture, tokens), indent=2))


def _configuration(architecture: str, tokens: PreTrainedTokenizerFast) -> dict[str, Any]:
    second = "DeepseekOCR2" in architecture
    language = {
        **{"architectures": ["DeepseekV2ForCausalLM"], "bos_token_id": 0, "eos_token_id": 1, "torch_dtype": "bfloat16"},
        **{"vocab_size": len(tokens), "hidden_size": WIDTH, "intermediate_size": INNER, "rope_theta": 10000.0},
        **{"num_hidden_layers": LAYERS, "num_attention_heads": 2, "num_key_value_heads": 2, "use_mla": False},
        **{"kv_lora_rank": None, "q_lora_rank": None, "qk_nope_head_dim": 0, "qk_rope_head_dim": 0, "v_head_dim": 0},
        **{"first_k_dense_replace": 1, "n_routed_experts": EXPERTS, "n_shared_experts": 1, "num_experts_per_tok": 2},
        **{"moe_intermediate_size": NARROW, "n_group": 1, "topk_group": 1, "topk_method": "greedy"},
        **{"max_position_embeddings": 8192},
    }
    projector = {"model_type": "mlp_projector", "projector_type": "linear", "n_embed": WIDTH}
    return {
        **{"architectures": [architecture], "model_type": "deepseek_vl_v2", "torch_dtype": "bfloat16"},
        **{"bos_token_id": 0, "eos_token_id": 1, "candidate_resolutions": [[1024, 1024]], "global_view_pos": "head"},
        **{"tile_tag": "2D", "vocab_size": len(tokens), "language_config": language},
        "projector_config": projector | {"input_dim": QWEN["hidden_dimension"] if second else 2 * SAM_ENDS[1]},
        "vision_config": {
            **{"model_type": "vision", "image_size": 1024, "model_name": "deeplip_b_l"},
            **(_TOWERS if second else {}),
        },
    }


def _text(language: dict[str, Any]) -> dict[str, Any]:
    """The published sizes of the language model as transformers' class calls them."""
    same = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    same += ("num_key_value_heads", "n_routed_experts", "n_shared_experts", "num_experts_per_tok")
    same += ("moe_intermediate_size", "max_position_embeddings", "bos_token_id", "eos_token_id", "topk_method")
    return {
        **{key: language[key] for key in same},
        **{"mlp_layer_types": ["dense", "sparse"], "pad_token_id": SPECIAL.index(PAD)},
        "rope_parameters": {"rope_type": "default", "rope_theta": language["rope_theta"]},
    }
