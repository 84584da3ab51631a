"""What a request of PaddleX's asks for, in this server's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from server.catalog import ModelEntry
from server.documents import FileType
from server.errors import BadOption
from server.paddlex.schemas import LayoutParsingRequest, WrittenOut, first_mistake
from server.recognition import Plan, Recognition

_FILE_TYPES = {0: FileType.PDF, 1: FileType.IMAGE, None: None}
_OURS = {"file", "file_type", "model_name", "pages", "restructure_pages", "visualize", *WrittenOut.model_fields}
_WRITTEN = ("prettify_markdown", "show_formula_number")  # options of the model where pages are not restructured
_SERVING = {"serving_figures": True}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of `/layout-parsing`, checked."""

    plan: Plan
    request: LayoutParsingRequest

    @property
    def together(self) -> dict[str, bool] | None:
        """How the pages are restructured (see `writing`); None where they are not."""
        request = self.request
        if not request.restructure_pages:
            return None
        return {
            "merge_tables": request.merge_tables,
            "relevel_titles": request.relevel_titles,
            "pretty": request.prettify_markdown,
            "numbered": request.show_formula_number,
            "formatted": bool(request.format_block_content),
        }


def ask(recognition: Recognition, default_model: str, fields: Mapping[str, Any]) -> Ask:
    """From the fields beside `file`. Raises BadOption, UnknownModel.

    Options that the model does not have are left out; the plan's warnings name them.
    """
    try:
        request = LayoutParsingRequest.model_validate({**fields, "file": ""})
    except ValidationError as error:
        raise BadOption(first_mistake(error, LayoutParsingRequest)) from None
    request.check_formats()
    entry = recognition.entry(request.model_name or default_model)
    options, idle = _options(request, entry)
    if request.restructure_pages and "format_block_content" in options:
        options["format_block_content"] = False  # what restructuring needs; formatted afterwards
    ours: dict[str, Any] = {"model_name": entry.name, "pages": request.pages, "return_confidence": False}
    plan = recognition.plan({**ours, **options, **{name: on for name, on in _SERVING.items() if name in entry.options}})
    warnings = (*plan.warnings, *(f"{name} has no effect with {entry.name}" for name in idle))
    return Ask(replace(plan, expected=_FILE_TYPES[request.file_type], warnings=warnings), request)


def _options(request: LayoutParsingRequest, entry: ModelEntry) -> tuple[dict[str, Any], list[str]]:
    """The model's options by their own names, and the names of those that it does not have."""
    given = request.model_dump(exclude_none=True, exclude_unset=True)
    options: dict[str, Any] = {}
    idle = []
    for name, value in given.items():
        if name in _OURS and (name not in _WRITTEN or request.restructure_pages):
            continue
        if name in entry.options:
            plain = list(value) if isinstance(value, tuple) else value
            options[name] = entry.options[name].check(to_camel(name), plain)
        else:
            idle.append(to_camel(name))
    return options, idle
