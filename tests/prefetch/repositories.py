"""Tiny repositories, named and made up of files as the real ones are."""

import hashlib
import json
from collections.abc import Mapping

Files = Mapping[str, bytes]


def noise(seed: str, size: int) -> bytes:
    """Bytes that do not compress and are the same in every run."""
    blocks = (hashlib.sha256(f"{seed} {number}".encode()).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def safetensors(seed: str, size: int = 40_000) -> bytes:
    """A file of one tensor of that many bytes."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + noise(seed, size)


def as_json(**values: object) -> bytes:
    return json.dumps(values).encode()


_BESIDE: dict[str, bytes] = {".gitattributes": b"*.safetensors filter=lfs\n", "README.md": b"---\nlicense: mit\n---\n"}
_TOKENIZER = {
    "tokenizer.json": as_json(version="1.0"),
    "tokenizer_config.json": as_json(model_max_length=1),
    "special_tokens_map.json": as_json(eos_token="</s>"),
}


def _paddle(name: str) -> dict[str, bytes]:
    return {
        "inference.json": as_json(base_code={"magic": "pir"}, program=name),
        "inference.pdiparams": noise(name, 30_000),
        "inference.yml": f"Global:\n  model_name: {name}\n".encode(),
    }


def _paddle_vl(name: str) -> dict[str, bytes]:
    return {
        "config.json": as_json(model_type="paddleocr_vl", name=name),
        "inference.yml": f"Global:\n  model_name: {name}-0.9B\n".encode(),
        "model.safetensors": safetensors(name),
        "pytorch_model.bin": noise(name + " bin", 20_000),
        "preprocessor_config.json": as_json(min_pixels=1),
        "processor_config.json": as_json(),
        "tokenizer.model": noise(name + " tokenizer", 12_000),
        "added_tokens.json": as_json(),
        "generation_config.json": as_json(),
        "chat_template.jinja": b"{{ messages }}",
        "modeling_paddleocr_vl.py": b"raise SystemExit('remote code')\n",
    } | _TOKENIZER


def _deepseek(name: str) -> dict[str, bytes]:
    shard = "model-00001-of-000001.safetensors"
    return {
        "config.json": as_json(model_type="deepseek_vl_v2", name=name),
        "processor_config.json": as_json(),
        shard: safetensors(name),
        "model.safetensors.index.json": as_json(metadata={}, weight_map={"weight": shard}),
        "modeling_deepseekocr.py": b"raise SystemExit('remote code')\n",
        "LICENSE": b"MIT License\n",
        "assets/show1.jpg": noise(name + " picture", 15_000),
    } | _TOKENIZER


_PARTS: dict[str, dict[str, bytes]] = {
    "PaddlePaddle/PP-DocLayoutV2": _paddle("PP-DocLayoutV2"),
    "PaddlePaddle/PP-DocLayoutV3": _paddle("PP-DocLayoutV3"),
    "PaddlePaddle/UVDoc": _paddle("UVDoc"),
    "PaddlePaddle/PP-DocLayoutV3_safetensors": {
        "config.json": as_json(model_type="pp_doclayout_v3"),
        "model.safetensors": safetensors("PP-DocLayoutV3"),
        "preprocessor_config.json": as_json(),
        "inference.yml": b"Global:\n  model_name: PP-DocLayoutV3\n",
    },
    "PaddlePaddle/PaddleOCR-VL": _paddle_vl("PaddleOCR-VL")
    | {f"PP-DocLayoutV2/{name}": data for name, data in _paddle("PP-DocLayoutV2").items()},
    "PaddlePaddle/PaddleOCR-VL-1.5": _paddle_vl("PaddleOCR-VL-1.5"),
    "PaddlePaddle/PaddleOCR-VL-1.6": _paddle_vl("PaddleOCR-VL-1.6"),
    "deepseek-ai/DeepSeek-OCR": _deepseek("DeepSeek-OCR"),
    "deepseek-ai/DeepSeek-OCR-2": _deepseek("DeepSeek-OCR-2"),
    "zai-org/GLM-OCR": {
        "config.json": as_json(model_type="glm_ocr"),
        "generation_config.json": as_json(),
        "model.safetensors": safetensors("GLM-OCR"),
        "preprocessor_config.json": as_json(),
        "chat_template.jinja": b"[gMASK]<sop>{{ messages }}",
    }
    | _TOKENIZER,
}

REPOSITORIES: dict[str, dict[str, bytes]] = {name: files | _BESIDE for name, files in _PARTS.items()}
"""By their names on Hugging Face."""

RENAMED = {"zai-org/GLM-OCR": "ZhipuAI/GLM-OCR"}
"""Those with another owner on ModelScope."""

ARCHIVES = [name.partition("/")[2] for name in REPOSITORIES if name.startswith("PaddlePaddle/")]
"""Those that Paddle's storage has, too."""
