"""One module for each group of addresses."""

from typing import Any

OF_DOCUMENTS = (400, 403, 404, 413, 415, 422, 429, 503, 504)
"""What may come of a document."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the failures of its own. `server.openapi` adds their shape, and those of every route."""
    return {status: {} for status in statuses}
