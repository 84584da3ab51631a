"""One module for each group of addresses."""

from typing import Any

from server.schemas import Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": Problem,
        "description": "A problem; `code` is stable, `detail` says how to mend it, `retry_after` when to come again",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""How every route's failures are described in the OpenAPI document."""
