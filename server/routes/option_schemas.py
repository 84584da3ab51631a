"""The options of a document's body in JSON Schema (2020-12): as JSON has them, and as forms do.

What is null in JSON, or empty in a form, counts as not given; the schemas say so, as they promise what is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from server.catalog import ModelEntry
from server.options import FLAGS
from server.schemas import OcrOptions

Schema = dict[str, Any]

EMPTY: Schema = {"type": "string", "maxLength": 0}
_CONDITIONS = "ModelsOfOptions"
_PLACE = "#/components/schemas/"
CONDITIONS: Schema = {"$ref": _PLACE + _CONDITIONS}
"""A schema that a body meets which has no options but those of its model."""


@dataclass(frozen=True, slots=True)
class OptionSchemas:
    """The properties of bodies in `json` and of a `form`, and the `components` that they refer to."""

    json: Schema
    form: Schema
    components: Schema


def of(models: Sequence[ModelEntry], default_model: str) -> OptionSchemas:
    """The options on a server of these models: those of every model, and those of some."""
    common = properties(OcrOptions)
    own, conditions = _own(models, default_model)
    components = {f"Option.{name}": nullable(each) for name, each in own.items()}
    components |= {f"FormOption.{name}": in_form(each) for name, each in own.items()}
    components[_CONDITIONS] = {"dependentSchemas": conditions}
    return OptionSchemas(
        json={name: nullable(each) for name, each in common.items()} | _references("Option", own),
        form={name: in_form(each) for name, each in common.items()} | _references("FormOption", own),
        components=components,
    )


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if "anyOf" in schema:
        others = [each for each in schema["anyOf"] if each != {"type": "null"}]
        return {**schema, "anyOf": [*others, {"type": "null"}]}
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **enum}


def in_form(schema: Schema) -> Schema:
    """The same as text, or empty: words for a switch, commas in a list, JSON for what has more parts."""
    told = {"description": schema["description"]}
    if schema.get("default") is not None:
        told["default"] = schema["default"]
    ways = {each["type"]: each for each in schema.get("anyOf", [schema]) if each["type"] != "null"}
    if "object" in ways or (len(ways) > 1 and "array" in ways):
        return {"type": "string", **told}
    kind, way = next(iter(ways.items()))
    bounds = {key: value for key, value in way.items() if key not in {"description", "default"}}
    match kind:
        case "boolean":
            words = {"default": str(told["default"]).lower()} if "default" in told else {}
            return {"type": "string", "enum": [*FLAGS, ""], **told, **words}
        case "array":
            items = way["items"]
            word = f"({'|'.join(items['enum'])})" if "enum" in items else items["pattern"].strip("^$")
            listed = f"^ *({word} *)?(, *({word} *)?)*$"
            return {"type": "string", "pattern": listed, "description": schema["description"]}
        case "string" if "enum" in bounds:
            return {**bounds, "enum": [*bounds["enum"], ""], **told}
        case "string" if bounds.keys() <= {"type", "maxLength"}:
            return {**bounds, **told}
    return {"anyOf": [bounds, EMPTY], **told}


def _references(prefix: str, options: Schema) -> Schema:
    return {name: {"$ref": f"{_PLACE}{prefix}.{name}"} for name in options}


def properties(kind: type[BaseModel]) -> Schema:
    """Of options as JSON has them, by name."""
    model = kind.model_json_schema()
    found = {}
    for name, schema in model["properties"].items():
        items = schema.get("items", {})
        items = {"items": model["$defs"]["Format"] if "$ref" in items else items} if items else {}
        found[name] = {key: value for key, value in {**schema, **items}.items() if key != "title"}
    return found


def _own(models: Sequence[ModelEntry], default_model: str) -> tuple[Schema, Schema]:
    """The options that only some models take, and the condition for each of them."""
    found: Schema = {}
    conditions: Schema = {}
    for name in dict.fromkeys(name for each in models for name in each.options):
        owners = [each for each in models if name in each.options]
        schemas = [each.options[name].schema() for each in owners]
        distinct = [each for index, each in enumerate(schemas) if each not in schemas[:index]]
        names = [each.name for each in owners]
        found[name] = {
            **(distinct[0] if len(distinct) == 1 else {"anyOf": distinct}),
            "description": f"{owners[0].options[name].description} ({', '.join(names)})",
        }
        usual = ["", None] if default_model in names else []
        conditions[name] = {"properties": {"model_name": {"enum": [*names, *usual]}}}
        if not usual:
            conditions[name]["required"] = ["model_name"]
    return found, conditions
