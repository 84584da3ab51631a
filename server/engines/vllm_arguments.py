"""How `vllm serve` is called: its arguments and its environment. Pure, standard library only."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_ON_CPU = {"enforce_eager": True, "dtype": "float32", "kv_cache_memory_bytes": 4 << 30}
_ON_GPU = {"attention_config": {"use_trtllm_attention": False}}
"""Or else it asks NVIDIA's server for kernels of that kind (vllm/utils/flashinfer.py, has_nvidia_artifactory)."""
_NOT_ON_CPU = "gpu_memory_utilization"
"""There vLLM would set aside that share of the main memory."""


def arguments(serve: Mapping[str, Any], gpu_share: float | None, *, cpu: bool) -> tuple[str, ...]:
    """The arguments after the model's folder, from their names with underscores; `gpu_share` is 0–1."""
    merged = dict(serve)
    if gpu_share is not None:
        merged["gpu_memory_utilization"] = round(gpu_share, 4)
    merged = (_ON_CPU if cpu else _ON_GPU) | merged
    if cpu:
        merged.pop(_NOT_ON_CPU, None)
    return tuple(word for name, value in merged.items() for word in _words(name.replace("_", "-"), value))


def _words(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"--{name}" if value else f"--no-{name}"
    elif isinstance(value, Mapping):
        yield from (f"--{name}", json.dumps(value))
    elif isinstance(value, list | tuple):
        yield from (f"--{name}", *map(str, value))
    else:
        yield from (f"--{name}", str(value))


def environment(scratch: Path, *, cpu: bool) -> dict[str, str]:
    """Variables beside those of every worker: nothing is sent or fetched, and every cache lies in `scratch`."""
    return {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_COLOR": "0",
        "VLLM_HOST_IP": "127.0.0.1",  # or else it looks for a way to 8.8.8.8 (vllm/utils/network_utils.py, get_ip)
        "GLOO_SOCKET_IFNAME": "lo",  # or else PyTorch looks its own host name up, which a container may not know
        "VLLM_USE_FLASHINFER_SAMPLER": "0",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_RPC_BASE_PATH": str(scratch),
        "FLASHINFER_WORKSPACE_BASE": str(scratch),
        "VLLM_CACHE_ROOT": str(scratch / "vllm"),
        "VLLM_CONFIG_ROOT": str(scratch / "vllm"),
        "TMPDIR": str(scratch),
        **({"TORCHDYNAMO_DISABLE": "1"} if cpu else {}),
    }
