"""JSON schemas of wire models."""

from typing import Any

from pydantic import BaseModel


def written_out(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model, all of it in one place: for where OpenAPI has no name for its parts."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(each) for each in value]
        if not isinstance(value, dict):
            return value
        if reference := value.get("$ref"):
            return resolved(parts[reference.removeprefix("#/$defs/")])
        return {key: resolved(each) for key, each in value.items() if key != "discriminator"}

    return dict(resolved(schema))
