"""The bodies that carry documents, in words of OpenAPI: an input, or several of them, and options."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.call import BASE64_FIELD, FILE_FIELDS, MAX_FIELD_BYTES, URL_FIELD
from server.catalog import ModelEntry
from server.routes import option_schemas
from server.routes.option_schemas import CONDITIONS, EMPTY, OptionSchemas, in_form, nullable
from server.schemas import JobOptions

Schema = dict[str, Any]

_JSON, _URLENCODED, _MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"

_FILE: Schema = {
    "type": "string",
    "format": "binary",
    "description": "The document: PDF, JPG, PNG, TIFF, BMP, WEBP or GIF",
}
_BASE64: Schema = {"type": "string", "description": "The document in base64; a data URI will do"}
_WHERE = "Where the document is: an address (off unless ALLOW_URL_INPUT), or s3://bucket/key (see S3_INPUT_BUCKETS)"
_URL: Schema = {"type": "string", "maxLength": MAX_FIELD_BYTES, "description": _WHERE}
_HOOK = "Called when the job is finished, signed (Standard Webhooks); its host has to be in WEBHOOK_HOSTS"
_OF_JOBS: Schema = {"webhook_url": {"type": "string", "format": "uri", "description": _HOOK}}
_OF_JOBS |= option_schemas.properties(JobOptions)

_FILES = dict.fromkeys(FILE_FIELDS, _FILE)
_TEXTS: Schema = {BASE64_FIELD: _BASE64, URL_FIELD: _URL}
_TEXTS_OR_NULL = {name: nullable(each) for name, each in _TEXTS.items()}
_NOTHING = {"type": ["string", "null"], "maxLength": 0}
_SOME = {"type": "string", "minLength": 1}
_SOME_ADDRESS = {**_SOME, "format": "uri"}


def takes(name: str) -> Schema:
    """The OpenAPI of a route that takes the body of that name, one of those of `components`."""
    return {"requestBody": {"$ref": f"#/components/requestBodies/{name}"}}


def components(models: Sequence[ModelEntry], default_model: str) -> Schema:
    """`requestBodies`: `Document`, `Documents` and `Job`, on a server of these models; `schemas`: what they refer to."""
    options = option_schemas.of(models, default_model)
    one = {_MULTIPART: _one(_FILES, _TEXTS), _URLENCODED: _one({}, _TEXTS), _JSON: _one({}, _TEXTS_OR_NULL)}
    several = {_MULTIPART: _several({**_FILES, **_TEXTS}), _URLENCODED: _several(_TEXTS), _JSON: _several_in_json()}
    bodies = {
        "Document": _body("One document, and options", one, options, {}),
        "Documents": _body("Documents, and options for all of them", several, options, {}),
        "Job": _body("Documents, and options for all of them", several, options, _OF_JOBS),
    }
    return {"requestBodies": bodies, "schemas": options.components}


def _body(description: str, inputs: Mapping[str, Schema], options: OptionSchemas, more: Schema) -> Schema:
    content = {}
    for media_type, wanted in inputs.items():
        is_json = media_type == _JSON
        further = {name: nullable(each) if is_json else in_form(each) for name, each in more.items()}
        own = options.json if is_json else options.form
        schema = {
            "type": "object",
            **wanted,
            "properties": {**wanted["properties"], **own, **further},
            "additionalProperties": {"type": "null"} if is_json else EMPTY,
            "allOf": [CONDITIONS],
        }
        content[media_type] = {"schema": schema}
    return {"description": description, "required": True, "content": content}


def _one(files: Schema, texts: Schema) -> Schema:
    """Exactly one input."""
    ways = []
    for name in (*files, *texts):
        others: Schema = {other: False for other in files if other != name}
        others |= {other: _NOTHING for other in texts if other != name}
        given = {name: _SOME_ADDRESS if name == URL_FIELD else _SOME} if name in texts else {}
        ways.append({"title": name, "required": [name], "properties": given | others})
    return {"properties": files | texts, "oneOf": ways}


def _several(inputs: Schema) -> Schema:
    """At least one input; in a form a field may be repeated."""
    lists = {name: {"type": "array", "items": each} for name, each in inputs.items()}
    return {
        "properties": lists,
        "anyOf": [_given(name, {"contains": _SOME} if name in _TEXTS else {"minItems": 1}) for name in inputs],
    }


def _several_in_json() -> Schema:
    """At least one input: a text, or a list of texts."""
    some = {"anyOf": [_SOME, {"type": "array", "contains": _SOME}]}
    either = {
        name: {"anyOf": [each, {"type": "array", "items": each}], "description": each["description"]}
        for name, each in _TEXTS_OR_NULL.items()
    }
    return {"properties": either, "anyOf": [_given(name, some) for name in either]}


def _given(name: str, how: Schema) -> Schema:
    return {"title": name, "required": [name], "properties": {name: how}}
