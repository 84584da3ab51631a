"""`offline-ocr models` and `offline-ocr health`."""

from typing import Any

import httpx2

from server.client.api import Api
from server.client.output import print_json, print_line, table

_NEEDS = (
    "status",
    "version",
    "revision",
    "uptime_seconds",
    "gpu",
    "queue_pages",
    "queue_max_pages",
    "s3_storage",
    "models",
)


async def models(api: Api, *, as_json: bool) -> int:
    """Print the models; the default one has a star. Raises ClientError."""
    reply = await api.get("/models", "default_model", "models")
    if as_json:
        print_json(reply)
        return 0
    default = reply["default_model"]
    rows = [_model(model, default) for model in reply["models"]]
    print_line(table(("model", "state", "engine", "licence", "languages", "reason"), rows))
    return 0


def _model(model: dict[str, Any], default: str) -> tuple[object, ...]:
    name = f"{model['name']} *" if model["name"] == default else model["name"]
    return name, model["state"], model["engine"], model["licence"], ", ".join(model["languages"]), model["reason"]


async def health(api: Api, *, as_json: bool) -> int:
    """Print how the server is. Returns 0 when it is ready, else 1. Raises ClientError."""
    ready = await api.get("/health/ready", "status", "waiting_for", also=httpx2.codes.SERVICE_UNAVAILABLE)
    summary = await api.get("/health", *_NEEDS)
    if as_json:
        print_json({"ready": ready, "health": summary})
    else:
        print_line(table(("server", summary["status"]), _lines(ready, summary)))
    return 0 if ready["status"] == "ready" else 1


def _lines(ready: dict[str, Any], summary: dict[str, Any]) -> list[tuple[str, object]]:
    return [
        ("version", f"{summary['version']} ({summary['revision']})"),
        ("up", f"{summary['uptime_seconds']:.0f} s"),
        ("GPU", summary["gpu"] or "none"),
        ("queue", f"{summary['queue_pages']} of {summary['queue_max_pages']} pages"),
        ("S3", summary["s3_storage"]),
        *((f"model {name}", state) for name, state in summary["models"].items()),
        *((f"waits for {name}", reason) for name, reason in ready["waiting_for"].items()),
    ]
