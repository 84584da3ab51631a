"""A tiny model that no catalogue of ours knows: Qwen2.5-VL, on which many a page reader is built."""

from pathlib import Path

from transformers import GenerationConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from tests.vllm.lively import randomise, speak
from tests.vllm.tokens import train_tokenizer, visible

SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
    *("<|image_pad|>", "<|video_pad|>"),
)
TEMPLATE = """{% for message in messages -%}
<|im_start|>{{ message.role }}{{ "\\n" }}
{%- if message.content is string -%}{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type in ["image", "image_url"] -%}<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.type == "text" -%}{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>{{ "\\n" }}
{%- endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant{{ "\\n" }}{%- endif -%}
"""
_GAINS = {"embed_tokens": 2.0, "language_model.layers.0.self_attn.q_proj": 4.0, "language_model.layers.": 1.5}


def make_custom(folder: Path, seed: int = 4) -> None:
    tokens = train_tokenizer(SPECIAL, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    number = tokens.convert_tokens_to_ids
    end = [number("<|im_end|>"), number("<|endoftext|>")]
    config = Qwen2_5_VLConfig(
        text_config={
            **{"vocab_size": len(tokens), "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
            **{"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 32768},
            **{"bos_token_id": end[1], "eos_token_id": end[0], "pad_token_id": end[1]},
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6]},
        },
        vision_config={
            **{"depth": 1, "hidden_size": 64, "num_heads": 2, "intermediate_size": 128, "out_hidden_size": 64},
            "fullatt_block_indexes": [0],
        },
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    model = Qwen2_5_VLForConditionalGeneration(config)
    weights = randomise({name: value.shape for name, value in model.state_dict().items()}, seed, _GAINS)
    speak(weights, "lm_head.weight", visible(tokens), end, gain=12)
    model.load_state_dict(weights)
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end[1])
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    pictures = Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 64})
    pictures.processor_class = "Qwen2_5_VLProcessor"
    pictures.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
