"""What the tensors of DeepSeek-OCR and DeepSeek-OCR-2 are called in the published checkpoints, and their tiny shapes."""

from tests.vllm.plugin.tiny_towers import CLIP, QWEN, SAM, SAM_ENDS

WIDTH, INNER, NARROW, LAYERS, EXPERTS = 64, 128, 32, 2, 4
"""The language model: its width, that of its dense first layer inside, of one expert, and how many there are."""

Shapes = dict[str, tuple[int, ...]]


def first_shapes(words: int) -> Shapes:
    """DeepSeek-OCR: both towers' results side by side go into the language model."""
    shapes = _sam() | _clip() | _language(words) | {"model.image_newline": (WIDTH,), "model.view_seperator": (WIDTH,)}
    return shapes | _linear("model.projector.layers", CLIP["hidden_size"] + SAM_ENDS[1], WIDTH)


def second_shapes(words: int) -> Shapes:
    """DeepSeek-OCR-2: only the second tower's results do."""
    shapes = _sam() | _qwen() | _language(words) | {"model.view_seperator": (WIDTH,)}
    return shapes | _linear("model.projector.layers", QWEN["hidden_dimension"], WIDTH)


def _linear(name: str, inputs: int, outputs: int, *, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (outputs, inputs)}
    return shapes | {f"{name}.bias": (outputs,)} if bias else shapes


def _norm(name: str, width: int, *, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (width,)}
    return shapes | {f"{name}.bias": (width,)} if bias else shapes


def _sam() -> Shapes:
    width, neck = SAM["embed_dim"], SAM["out_chans"]
    shapes: Shapes = {
        **{"patch_embed.proj.weight": (width, 3, 16, 16), "patch_embed.proj.bias": (width,)},
        **{"pos_embed": (1, 64, 64, width), "neck.0.weight": (neck, width, 1, 1), "neck.2.weight": (neck, neck, 3, 3)},
        **{"net_2.weight": (SAM_ENDS[0], neck, 3, 3), "net_3.weight": (SAM_ENDS[1], SAM_ENDS[0], 3, 3)},
        **{f"blocks.0.attn.rel_pos_{side}": (2 * 14 - 1, width // SAM["num_heads"]) for side in "hw"},
        **_linear("blocks.0.attn.qkv", width, 3 * width),
        **_linear("blocks.0.attn.proj", width, width),
        **_linear("blocks.0.mlp.lin1", width, 4 * width),
        **_linear("blocks.0.mlp.lin2", 4 * width, width),
    }
    for norm, size in (("blocks.0.norm1", width), ("blocks.0.norm2", width), ("neck.1", neck), ("neck.3", neck)):
        shapes |= _norm(norm, size)
    return _under("model.sam_model", shapes)


def _clip() -> Shapes:
    width, inner, layer = CLIP["hidden_size"], CLIP["intermediate_size"], "transformer.layers.0"
    shapes: Shapes = {
        **{"embeddings.class_embedding": (width,), "embeddings.position_embedding.weight": (257, width)},
        **{"embeddings.patch_embedding.weight": (width, 3, 14, 14)},
        **_linear(f"{layer}.self_attn.qkv_proj", width, 3 * width),
        **_linear(f"{layer}.self_attn.out_proj", width, width),
        **_linear(f"{layer}.mlp.fc1", width, inner),
        **_linear(f"{layer}.mlp.fc2", inner, width),
    }
    for norm in ("pre_layrnorm", f"{layer}.layer_norm1", f"{layer}.layer_norm2"):
        shapes |= _norm(norm, width)
    return _under("model.vision_model", shapes)


def _qwen() -> Shapes:
    width, layer = QWEN["hidden_dimension"], "model.model.layers.0"
    keys = width // QWEN["num_attention_heads"] * QWEN["num_key_value_heads"]
    shapes: Shapes = {
        **{"query_768.weight": (144, width), "query_1024.weight": (256, width)},
        **_norm("model.model.norm", width, bias=False),
        **_layer(layer, width, keys, bias=True),
        **_mlp(f"{layer}.mlp", width, QWEN["intermediate_size"]),
    }
    return _under("model.qwen2_model", shapes)


def _language(words: int) -> Shapes:
    shapes: Shapes = {"model.embed_tokens.weight": (words, WIDTH), "lm_head.weight": (words, WIDTH)}
    shapes |= _norm("model.norm", WIDTH, bias=False)
    for number in range(LAYERS):
        layer = f"model.layers.{number}"
        shapes |= _layer(layer, WIDTH, WIDTH, bias=False)
        if number == 0:
            shapes |= _mlp(f"{layer}.mlp", WIDTH, INNER)
            continue
        shapes |= _linear(f"{layer}.mlp.gate", WIDTH, EXPERTS, bias=False)
        for part in ("shared_experts", *(f"experts.{expert}" for expert in range(EXPERTS))):
            shapes |= _mlp(f"{layer}.mlp.{part}", WIDTH, NARROW)
    return shapes


def _layer(name: str, width: int, keys: int, *, bias: bool) -> Shapes:
    """The norms of a layer and its attention."""
    shapes = _linear(f"{name}.self_attn.o_proj", width, width, bias=False)
    for part, size in (("q_proj", width), ("k_proj", keys), ("v_proj", keys)):
        shapes |= _linear(f"{name}.self_attn.{part}", width, size, bias=bias)
    for norm in ("input_layernorm", "post_attention_layernorm"):
        shapes |= _norm(f"{name}.{norm}", width, bias=False)
    return shapes


def _mlp(name: str, width: int, inner: int) -> Shapes:
    gate, up = (_linear(f"{name}.{part}", width, inner, bias=False) for part in ("gate_proj", "up_proj"))
    return gate | up | _linear(f"{name}.down_proj", inner, width, bias=False)


def _under(tower: str, shapes: Shapes) -> Shapes:
    return {f"{tower}.{name}": shape for name, shape in shapes.items()}
