"""Makes tiny models of the real architectures: `.venv-paddle/bin/python tests/paddle/make_models.py PADDLEX_HOME`.

Layout, orientation and unwarping are Paddle inference graphs with the inputs and outputs of the published ones;
PaddleOCR-VL is PaddleX's own model class, written as the published weights are.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import sentencepiece
import yaml
from paddle import nn
from paddlex.inference.models.doc_vlm.modeling import PaddleOCRVLForConditionalGeneration
from paddlex.inference.models.doc_vlm.modeling.paddleocr_vl._config import PaddleOCRVLConfig
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers

_LABELS = """
abstract algorithm aside_text chart content display_formula doc_title figure_title footer
footer_image footnote formula_number header header_image image inline_formula number paragraph_title
reference reference_content seal table text vertical_text vision_footnote
"""
LABELS = _LABELS.split()
"""Class number → label, as in PP-DocLayoutV2 and V3."""

REGIONS = (
    ("doc_title", (0.08, 0.03, 0.92, 0.09)),
    ("text", (0.08, 0.12, 0.48, 0.30)),
    ("text", (0.52, 0.12, 0.92, 0.30)),
    ("table", (0.08, 0.34, 0.92, 0.56)),
    ("image", (0.60, 0.42, 0.80, 0.52)),  # inside the table
    ("display_formula", (0.20, 0.60, 0.80, 0.66)),
    ("chart", (0.08, 0.70, 0.30, 0.80)),
    ("seal", (0.40, 0.70, 0.60, 0.80)),
    ("image", (0.08, 0.84, 0.45, 0.93)),
    ("number", (0.48, 0.95, 0.52, 0.98)),
)
"""Where the layout model looks, in reading order, relative to the page; a region without ink is none."""

_LOOKS_AT = {"table": (0.08, 0.34, 0.55, 0.56)}
"""A part of its region, for the label whose region holds another one."""

_GRID = 80


class Layout(nn.Layer):
    """Regions whose score tells whether there is ink: boxes N×7 (class, score, x0, y0, x1, y1, order), counts, masks."""

    def __init__(self, masks: bool) -> None:
        super().__init__()
        self._masks = masks
        areas = np.zeros((len(REGIONS), 1, _GRID, _GRID), "float32")
        for area, (label, box) in zip(areas, REGIONS, strict=True):
            x0, y0, x1, y1 = _LOOKS_AT.get(label, box)
            area[0, int(y0 * _GRID) : int(y1 * _GRID) + 1, int(x0 * _GRID) : int(x1 * _GRID) + 1] = 1
        self.areas = self._constant(areas)
        self.boxes = self._constant(np.array([box for _, box in REGIONS], "float32"))
        classes = [[LABELS.index(label), order] for order, (label, _) in enumerate(REGIONS)]
        self.classes = self._constant(np.array(classes, "float32"))

    def _constant(self, values: Any) -> Any:
        return self.create_parameter(values.shape, default_initializer=nn.initializer.Assign(values))

    def forward(self, im_shape: Any, image: Any, scale_factor: Any) -> Any:
        count = len(REGIONS)
        batch = paddle.shape(image)[0]
        ink = nn.functional.adaptive_max_pool2d(1 - image.mean(axis=1, keepdim=True), [_GRID, _GRID])
        darkest = (ink.unsqueeze(1) * self.areas.unsqueeze(0)).max(axis=[2, 3, 4])
        score = nn.functional.sigmoid((darkest - 0.3) * 12)
        height, width = paddle.split(im_shape / scale_factor, 2, axis=1)
        boxes = self.boxes.unsqueeze(0) * paddle.stack([width, height, width, height], axis=-1)
        label = paddle.expand(self.classes[:, 0:1].unsqueeze(0), [batch, count, 1])
        order = paddle.expand(self.classes[:, 1:2].unsqueeze(0), [batch, count, 1])
        rows = paddle.concat([label, score.unsqueeze(-1), boxes, order], axis=-1).reshape([-1, 7])
        counts = paddle.full([batch], count, dtype="int32")
        if not self._masks:
            return rows, counts
        masks = nn.functional.interpolate(self.areas, size=[200, 200]).squeeze(1).unsqueeze(0)
        return rows, counts, paddle.expand(masks, [batch, count, 200, 200]).reshape([-1, 200, 200]).astype("int32")


class Orientation(nn.Layer):
    """Scores for 0°, 90°, 180° and 270°: the upright page has its darkest corner at the top left."""

    def __init__(self) -> None:
        super().__init__()
        self.contrast = self.create_parameter([1], default_initializer=nn.initializer.Constant(20))

    def forward(self, x: Any) -> Any:
        dark = -nn.functional.adaptive_avg_pool2d(x.mean(axis=1, keepdim=True), [8, 8]).squeeze(1)
        corners = (dark[:, 0, 0], dark[:, 0, 7], dark[:, 7, 7], dark[:, 7, 0])
        return nn.functional.softmax(self.contrast * paddle.stack(corners, axis=1), axis=1)


class Unwarping(nn.Layer):
    """Mirrors the page, so that it is seen to have been here; colours come out as the published model gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = self.create_parameter([1], default_initializer=nn.initializer.Constant(1))

    def forward(self, x: Any) -> Any:
        return paddle.flip(x, axis=[3, 1]) * self.scale


def save_graph(model: nn.Layer, folder: Path, inputs: dict[str, list[int | None]], description: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    model.eval()
    specs = [paddle.static.InputSpec(shape, "float32", name) for name, shape in inputs.items()]
    paddle.jit.save(model, str(folder / "inference"), input_spec=specs)
    text = yaml.safe_dump({"Global": {"model_name": folder.name}, **description}, sort_keys=False)
    (folder / "inference.yml").write_text(text)


def make_layout(folder: Path, masks: bool) -> None:
    description = {
        **{"mode": "paddle", "draw_threshold": 0.5, "metric": "COCO", "use_dynamic_shape": False},
        **{"arch": "DETR", "min_subgraph_size": 3, "label_list": LABELS},
        "Preprocess": [
            {"type": "Resize", "target_size": [800, 800], "keep_ratio": False, "interp": 2},
            {"type": "NormalizeImage", "mean": [0.0] * 3, "std": [1.0] * 3, "norm_type": "none"},
            {"type": "Permute"},
        ],
    }
    inputs = {"im_shape": [None, 2], "image": [None, 3, 800, 800], "scale_factor": [None, 2]}
    save_graph(Layout(masks), folder, inputs, description)


def make_orientation(folder: Path) -> None:
    steps = [
        {"ResizeImage": {"resize_short": 256}},
        {"CropImage": {"size": 224}},
        {"NormalizeImage": {"scale": 1 / 255, "mean": [0.0] * 3, "std": [1.0] * 3, "order": "", "channel_num": 3}},
        {"ToCHWImage": None},
    ]
    angles = ["0", "90", "180", "270"]
    description = {"PreProcess": {"transform_ops": steps}, "PostProcess": {"Topk": {"topk": 1, "label_list": angles}}}
    save_graph(Orientation(), folder, {"x": [None, 3, 224, 224]}, description)


SPECIAL = ["<|begin_of_sentence|>", "<|end_of_sentence|>", "<|IMAGE_PLACEHOLDER|>", "<|IMAGE_START|>", "<|IMAGE_END|>"]
SPECIAL += ["<|video_pad|>"]
WORDS = [
    "OCR: Table Recognition: Formula Recognition: Chart Recognition: Seal Recognition: Spotting: User: Assistant:",
    "the quick brown fox jumps over the lazy dog 0123456789",
    "<fcel><ecel><nl> x y z a b c [F2] [F3] [F4]",
]
TEMPLATE = (
    '{{- "<|begin_of_sentence|>" -}}{%- for message in messages -%}{%- if message["role"] == "user" -%}{{- "User: " -}}'
    '{%- for part in message["content"] -%}{%- if part["type"] == "image" -%}'
    '{{ "<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>" }}{%- endif -%}{%- endfor -%}'
    '{%- for part in message["content"] -%}{%- if part["type"] == "text" -%}{{ part["text"] }}{%- endif -%}'
    '{%- endfor -%}{{ "\\n" -}}{%- endif -%}{%- endfor -%}{{- "Assistant:\\n" -}}'
)


LIVELY = {"patch_embedding": 20, "mlp_AR.linear_2": 6, "embed_tokens": 0.3, "self_attn.q_proj": 20, "o_proj": 6}
"""Factors for parts of the random weights, found by trying: with them a changed line of text changes what is read."""


def make_recogniser(folder: Path, name: str, seed: int) -> None:
    tokens = train_tokenizer()
    config = configuration(tokens)
    paddle.seed(seed)
    arguments = {key: value for key, value in config.items() if key != "architectures"}
    model = PaddleOCRVLForConditionalGeneration(PaddleOCRVLConfig(**arguments))
    folder.mkdir(parents=True)
    save_file(weights_of(model, tokens, seed), folder / "model.safetensors", metadata={"format": "pt"})
    files: dict[str, Any] = {
        "config.json": config,
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "use_cache": True},
        "preprocessor_config.json": {
            **{"image_processor_type": "PaddleOCRVLImageProcessor", "processor_class": "PaddleOCRVLProcessor"},
            **{"do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True},
            **{"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255, "resample": 3},
            **{"min_pixels": 3136, "max_pixels": 50176, "merge_size": 2, "patch_size": 14, "temporal_patch_size": 1},
        },
        "processor_config.json": {"processor_class": "PaddleOCRVLProcessor"},
        "tokenizer_config.json": {
            **{"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
            **{"pad_token": "<unk>", "cls_token": SPECIAL[0], "sep_token": SPECIAL[1], "image_token": SPECIAL[2]},
            **{"add_bos_token": False, "padding_side": "left", "clean_up_tokenization_spaces": False},
            **{"additional_special_tokens": SPECIAL, "model_max_length": 131072},
        },
    }
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content, indent=1))
    (folder / "tokenizer.model").write_bytes(tokens.serialized_model_proto())
    fast_tokenizer(tokens).save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    (folder / "inference.yml").write_text(yaml.safe_dump({"Global": {"model_name": name}}))


def train_tokenizer() -> Any:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS * 50),
        model_writer=model,
        vocab_size=360,
        model_type="unigram",
        byte_fallback=True,
        hard_vocab_limit=False,
        user_defined_symbols=[*SPECIAL, "\n", "<fcel>", "<ecel>", "<nl>"],
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def fast_tokenizer(tokens: Any) -> Tokenizer:
    """The same pieces with the same numbers, for vLLM."""
    pieces = [(tokens.id_to_piece(index), tokens.get_score(index)) for index in range(tokens.get_piece_size())]
    fast = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    fast.normalizer = normalizers.Replace(" ", "▁")
    fast.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    fast.add_special_tokens(["<unk>", "<s>", "</s>", *SPECIAL])
    return fast


def configuration(tokens: Any) -> dict[str, Any]:
    vision = {
        **{"model_type": "paddleocr_vl", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1},
        **{"num_attention_heads": 2, "num_channels": 3, "image_size": 56, "patch_size": 14, "layer_norm_eps": 1e-6},
        **{"hidden_act": "gelu_pytorch_tanh", "attention_dropout": 0.0, "spatial_merge_size": 2},
        **{"temporal_patch_size": 2, "tokens_per_second": 2, "torch_dtype": "float32"},
    }
    return {
        **{"architectures": ["PaddleOCRVLForConditionalGeneration"], "model_type": "paddleocr_vl"},
        **{"vocab_size": tokens.get_piece_size(), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2},
        **{"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "max_position_embeddings": 131072},
        **{"rms_norm_eps": 1e-5, "rope_theta": 500000, "hidden_act": "silu", "use_bias": False, "use_cache": True},
        "rope_scaling": {"mrope_section": [4, 6, 6], "rope_type": "default", "type": "default"},
        "image_token_id": tokens.piece_to_id("<|IMAGE_PLACEHOLDER|>"),
        "video_token_id": tokens.piece_to_id("<|video_pad|>"),
        "vision_start_token_id": tokens.piece_to_id("<|IMAGE_START|>"),
        "vision_end_token_id": tokens.piece_to_id("<|IMAGE_END|>"),
        **{"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False},
        **{"torch_dtype": "float32", "use_flash_attention": False, "vision_config": vision},
    }


def weights_of(model: Any, tokens: Any, seed: int) -> dict[str, Any]:
    """Random weights, wide enough that the text depends on the image; only printable tokens are ever said."""
    random = np.random.default_rng(seed)
    transposed = set(model.get_transpose_weight_keys())
    weights = {}
    for key, value in model.get_hf_state_dict().items():
        array = value.numpy().astype("float32")
        if array.ndim >= 2:
            array = random.normal(0, 1 / np.sqrt(array.shape[0]), array.shape).astype("float32")
        weights[key] = np.ascontiguousarray(array.T if key in transposed and array.ndim == 2 else array)
    for part, factor in LIVELY.items():
        for key in weights:
            if part in key:
                weights[key] *= factor
    silent = [index for index in range(tokens.get_piece_size()) if not printable(tokens.id_to_piece(index))]
    weights["lm_head.weight"][silent] = 0
    return weights


def printable(piece: str) -> bool:
    return piece in {"\n", "<fcel>", "<ecel>", "<nl>"} or not piece.startswith("<")


def main() -> None:
    home = Path(sys.argv[1]) / "official_models"
    make_layout(home / "PP-DocLayoutV2", masks=False)
    make_layout(home / "PP-DocLayoutV3", masks=True)
    make_orientation(home / "PP-LCNet_x1_0_doc_ori")
    save_graph(Unwarping(), home / "UVDoc", {"x": [None, 3, None, None]}, {})
    for seed, version in enumerate(("", "-1.5", "-1.6")):
        make_recogniser(home / f"PaddleOCR-VL{version}", f"PaddleOCR-VL{version}-0.9B", seed)


if __name__ == "__main__":
    main()
