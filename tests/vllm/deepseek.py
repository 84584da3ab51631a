"""Tiny DeepSeek-OCR and DeepSeek-OCR-2 with the published files and the published names of tensors.

vLLM serves them with the towers of plugin/tiny_towers.py. The second one's weights are read by transformers' own class
as well, but not its config.json, so it comes a second time with the configuration that transformers writes.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import DeepseekOcr2Config, PreTrainedTokenizerFast
from transformers.models.deepseek_ocr2.image_processing_pil_deepseek_ocr2 import DeepseekOcr2ImageProcessorPil

from tests.vllm.lively import plain_paper, randomise, speak
from tests.vllm.plugin.tiny_towers import CLIP, QWEN, SAM, SAM_ENDS
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
_WIDTH, _LAYERS, _EXPERTS, _WIDE, _NARROW = 64, 2, 4, 128, 32
_GAINS = {"sam_model.pos_embed": 0.5, "_model.": 1.5, "layers.": 1.5}

Shapes = dict[str, tuple[int, ...]]


def make_deepseek_ocr(folder: Path, seed: int = 2) -> None:
    width = CLIP["hidden_size"]
    shapes = _sam() | _clip() | _language() | {"model.image_newline": (_WIDTH,)}
    shapes |= _linear("model.projector.layers", width + SAM_ENDS[1], _WIDTH, bias=True)
    _write(folder, "DeepseekOCRForCausalLM", shapes, seed)


def make_deepseek_ocr2(folder: Path, seed: int = 3) -> None:
    shapes = _sam() | _qwen() | _language()
    shapes |= _linear("model.projector.layers", QWEN["hidden_dimension"], _WIDTH, bias=True)
    _write(folder, "DeepseekOCR2ForCausalLM", shapes, seed)


def make_deepseek_ocr2_transformers(folder: Path, published: Path) -> None:
    """The same weights, tokenizer and answers, in the layout that transformers' class is loaded from."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        (folder / name).write_bytes((published / name).read_bytes())
    _native(json.loads((published / "config.json").read_text())["language_config"]).save_pretrained(folder)
    pictures = DeepseekOcr2ImageProcessorPil()
    pictures.processor_class = "DeepseekOcr2Processor"
    pictures.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def _write(folder: Path, architecture: str, shapes: Shapes, seed: int) -> None:
    tokens = train_tokenizer(SPECIAL, TAGS, bos_token=BEGIN, eos_token=END, pad_token=PAD)
    shapes |= {"model.view_seperator": (_WIDTH,)}
    shapes |= {name: (len(tokens), _WIDTH) for name in ("model.embed_tokens.weight", "lm_head.weight")}
    weights = randomise({name: torch.Size(shape) for name, shape in shapes.items()}, seed, _GAINS)
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
        **{"vocab_size": len(tokens), "hidden_size": _WIDTH, "intermediate_size": _WIDE, "rope_theta": 10000.0},
        **{"num_hidden_layers": _LAYERS, "num_attention_heads": 2, "num_key_value_heads": 2, "use_mla": False},
        **{"kv_lora_rank": None, "q_lora_rank": None, "qk_nope_head_dim": 0, "qk_rope_head_dim": 0, "v_head_dim": 0},
        **{"first_k_dense_replace": 1, "n_routed_experts": _EXPERTS, "n_shared_experts": 1, "num_experts_per_tok": 2},
        **{"moe_intermediate_size": _NARROW, "n_group": 1, "topk_group": 1, "topk_method": "greedy"},
        **{"max_position_embeddings": 8192},
    }
    projector = {"model_type": "mlp_projector", "projector_type": "linear", "n_embed": _WIDTH}
    return {
        **{"architectures": [architecture], "model_type": "deepseek_vl_v2", "torch_dtype": "bfloat16"},
        **{"bos_token_id": 0, "eos_token_id": 1, "candidate_resolutions": [[1024, 1024]], "global_view_pos": "head"},
        **{"tile_tag": "2D", "vocab_size": len(tokens), "language_config": language},
        "projector_config": projector | {"input_dim": QWEN["hidden_dimension"] if second else 2 * SAM_ENDS[1]},
        "vision_config": {"model_type": "vision", "image_size": 1024, "model_name": "deeplip_b_l"},
    }


def _native(language: dict[str, Any]) -> DeepseekOcr2Config:
    """What transformers calls the same sizes."""
    same = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    same += ("num_key_value_heads", "n_routed_experts", "n_shared_experts", "num_experts_per_tok")
    same += ("moe_intermediate_size", "max_position_embeddings", "bos_token_id", "eos_token_id", "topk_method")
    sam = {"hidden_size": SAM["embed_dim"], "output_channels": SAM["out_chans"], "num_hidden_layers": SAM["depth"]}
    sam |= {"num_attention_heads": SAM["num_heads"], "global_attn_indexes": []}
    encoder = {"hidden_size": QWEN["hidden_dimension"], "num_hidden_layers": QWEN["decoder_layer"], "vocab_size": 1}
    encoder |= {key: QWEN[key] for key in ("intermediate_size", "num_attention_heads", "num_key_value_heads")}
    config = DeepseekOcr2Config(
        vision_config={
            "sam_config": sam | {"downsample_channels": list(SAM_ENDS)},
            "encoder_config": encoder | {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
        },
        text_config={
            **{key: language[key] for key in same},
            **{"mlp_layer_types": ["dense", "sparse"], "pad_token_id": SPECIAL.index(PAD)},
            "rope_parameters": {"rope_type": "default", "rope_theta": language["rope_theta"]},
        },
        image_token_id=SPECIAL.index("<image>"),
    )
    config.architectures = ["DeepseekOcr2ForConditionalGeneration"]
    return config


def _linear(name: str, inputs: int, outputs: int, *, bias: bool = False) -> Shapes:
    weight: Shapes = {f"{name}.weight": (outputs, inputs)}
    return weight | {f"{name}.bias": (outputs,)} if bias else weight


def _norm(name: str, width: int, *, bias: bool = True) -> Shapes:
    weight: Shapes = {f"{name}.weight": (width,)}
    return weight | {f"{name}.bias": (width,)} if bias else weight


def _sam() -> Shapes:
    width, neck, window = SAM["embed_dim"], SAM["out_chans"], 14
    block, head = "model.sam_model.blocks.0", width // SAM["num_heads"]
    shapes = _linear(f"{block}.attn.qkv", width, 3 * width, bias=True) | _linear(f"{block}.attn.proj", width, width, bias=True)
    shapes |= _linear(f"{block}.mlp.lin1", width, 4 * width, bias=True) | _linear(f"{block}.mlp.lin2", 4 * width, width, bias=True)
    shapes |= _norm(f"{block}.norm1", width) | _norm(f"{block}.norm2", width)
    shapes |= {f"{block}.attn.rel_pos_{side}": (2 * window - 1, head) for side in "hw"}
    rest: Shapes = {
        "pos_embed": (1, 64, 64, width),
        "patch_embed.proj.weight": (width, 3, 16, 16),
        "patch_embed.proj.bias": (width,),
        "neck.0.weight": (neck, width, 1, 1),
        "neck.2.weight": (neck, neck, 3, 3),
        "net_2.weight": (SAM_ENDS[0], neck, 3, 3),
        "net_3.weight": (SAM_ENDS[1], SAM_ENDS[0], 3, 3),
        **_norm("neck.1", neck),
        **_norm("neck.3", neck),
    }
    return shapes | {f"model.sam_model.{name}": shape for name, shape in rest.items()}


def _clip() -> Shapes:
    width, inner, tower = CLIP["hidden_size"], CLIP["intermediate_size"], "model.vision_model"
    layer = f"{tower}.transformer.layers.0"
    shapes: Shapes = {
        f"{tower}.embeddings.class_embedding": (width,),
        f"{tower}.embeddings.patch_embedding.weight": (width, 3, 14, 14),
        f"{tower}.embeddings.position_embedding.weight": (257, width),
    }
    shapes |= _norm(f"{tower}.pre_layrnorm", width) | _norm(f"{layer}.layer_norm1", width) | _norm(f"{layer}.layer_norm2", width)
    shapes |= _linear(f"{layer}.self_attn.qkv_proj", width, 3 * width, bias=True)
    shapes |= _linear(f"{layer}.self_attn.out_proj", width, width, bias=True)
    return shapes | _linear(f"{layer}.mlp.fc1", width, inner, bias=True) | _linear(f"{layer}.mlp.fc2", inner, width, bias=True)


def _attention(name: str, width: int, keys: int, *, bias: bool = False) -> Shapes:
    shapes = _linear(f"{name}.q_proj", width, width, bias=bias) | _linear(f"{name}.o_proj", width, width)
    return shapes | _linear(f"{name}.k_proj", width, keys, bias=bias) | _linear(f"{name}.v_proj", width, keys, bias=bias)


def _mlp(name: str, width: int, inner: int) -> Shapes:
    gates = _linear(f"{name}.gate_proj", width, inner) | _linear(f"{name}.up_proj", width, inner)
    return gates | _linear(f"{name}.down_proj", inner, width)


def _norms(layer: str, width: int) -> Shapes:
    names = ("input_layernorm", "post_attention_layernorm")
    return {f"{layer}.{name}.weight": (width,) for name in names}


def _qwen() -> Shapes:
    width, tower = QWEN["hidden_dimension"], "model.qwen2_model"
    layer, keys = f"{tower}.model.model.layers.0", width // QWEN["num_attention_heads"] * QWEN["num_key_value_heads"]
    shapes: Shapes = {f"{tower}.query_768.weight": (144, width), f"{tower}.query_1024.weight": (256, width)}
    shapes |= {f"{tower}.model.model.norm.weight": (width,)} | _norms(layer, width)
    return shapes | _attention(f"{layer}.self_attn", width, keys, bias=True) | _mlp(f"{layer}.mlp", width, QWEN["intermediate_size"])


def _language() -> Shapes:
    shapes: Shapes = {"model.norm.weight": (_WIDTH,)}
    for number in range(_LAYERS):
        layer = f"model.layers.{number}"
        shapes |= _norms(layer, _WIDTH) | _attention(f"{layer}.self_attn", _WIDTH, _WIDTH)
        if number == 0:
            shapes |= _mlp(f"{layer}.mlp", _WIDTH, _WIDE)
            continue
        shapes |= _linear(f"{layer}.mlp.gate", _WIDTH, _EXPERTS) | _mlp(f"{layer}.mlp.shared_experts", _WIDTH, _NARROW)
        for expert in range(_EXPERTS):
            shapes |= _mlp(f"{layer}.mlp.experts.{expert}", _WIDTH, _NARROW)
    return shapes
