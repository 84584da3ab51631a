"""A tiny GLM-OCR: one folder for vLLM and for transformers, files named as the published ones."""

from pathlib import Path

from transformers import GenerationConfig, GlmOcrConfig, GlmOcrForConditionalGeneration
from transformers.models.glm46v.image_processing_pil_glm46v import Glm46VImageProcessorPil

from tests.vllm.lively import plain_paper, randomise, speak
from tests.vllm.tokens import train_tokenizer, visible

SPECIAL = (
    *("<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<|system|>", "<|user|>", "<|assistant|>"),
    *("<|observation|>", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
    *("<|image|>", "<|video|>"),
)
TEMPLATE = """[gMASK]<sop>
{%- for message in messages -%}
<|{{ message.role }}|>{{ "\\n" }}
{%- if message.content is string -%}{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type in ["image", "image_url"] -%}<|begin_of_image|><|image|><|end_of_image|>
{%- elif part.type == "text" -%}{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{{ "\\n" }}{%- endif -%}
"""
_GAINS = {"language_model.layers.": 1.5}


def make_glm_ocr(folder: Path, seed: int = 1) -> None:
    tokens = train_tokenizer(SPECIAL, eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    number = tokens.convert_tokens_to_ids
    end = [number("<|endoftext|>"), number("<|user|>")]
    config = GlmOcrConfig(
        text_config={
            # three times the vision tower's width, as published: vLLM reads the merger's size from here
            **{"vocab_size": len(tokens), "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2},
            **{"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "max_position_embeddings": 131072},
            **{"pad_token_id": end[0], "eos_token_id": end},
            # vLLM on a CPU takes a head of 32 or 64; the sections make half of one
            "rope_parameters": {
                **{"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0},
                "mrope_section": [4, 6, 6],
            },
        },
        vision_config={
            **{"depth": 1, "hidden_size": 64, "num_heads": 2, "out_hidden_size": 64, "intermediate_size": 128},
            **{"image_size": 336, "patch_size": 14},
        },
        image_token_id=number("<|image|>"),
        video_token_id=number("<|video|>"),
        image_start_token_id=number("<|begin_of_image|>"),
        image_end_token_id=number("<|end_of_image|>"),
        video_start_token_id=number("<|begin_of_video|>"),
        video_end_token_id=number("<|end_of_video|>"),
    )
    model = GlmOcrForConditionalGeneration(config)
    pictures = Glm46VImageProcessorPil(size={"shortest_edge": 112 * 112, "longest_edge": 28 * 28 * 2 * 64})
    weights = randomise({name: value.shape for name, value in model.state_dict().items()}, seed, _GAINS)
    white = [(1 - mean) / deviation for mean, deviation in zip(pictures.image_mean, pictures.image_std, strict=True)]
    plain_paper(weights, "model.visual.patch_embed.proj", white, seed)
    speak(weights, "lm_head.weight", visible(tokens), end, gain=12)
    model.load_state_dict(weights)
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end[0])
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    pictures.processor_class = "Glm46VProcessor"
    pictures.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
