"""The recognition options of a model: what each may be, and the check of what a caller gives.

Standard library only: engine workers import this module.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from re import fullmatch
from typing import Any, Literal

from server.errors import BadOption

FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}

OptionType = Literal["text", "flag", "integer", "number", "choice", "list"]


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option. In JSON it has its own type; in a form it is text, and an object or a pair is JSON in that text.

    `least` and `most` bound an integer or a number, inclusive; `above` is a bound that itself is too low. A text, and
    each word of a list, must match `pattern` as a whole. `pair` allows two numbers [for x, for y], `per_class` an object
    from the layout model's class numbers to values; with `keys` it is an object with some of these. `at_most` names an
    option that this one may not exceed. Where the default is None, None is the library's own value.
    """

    description: str
    type: OptionType
    default: Any = None
    least: float | None = None
    above: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    pair: bool = False
    per_class: bool = False
    keys: tuple[str, ...] = ()
    at_most: str | None = None

    def check(self, name: str, value: object, *, typed: bool = False) -> Any:
        """The value in its own type; unless it is `typed`, text is read for what it means.

        Raises BadOption when it is not one that the model takes.
        """
        if self.default is None and (value is None or (value == "" and not typed)):
            return None
        try:
            return self._read(value, typed)
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
            raise BadOption(f"{name}: {repr(value)[:80]} will not do. {self.description}; {self._wanted()}.") from None

    def _read(self, value: object, typed: bool) -> Any:
        if isinstance(value, str) and not typed:
            if value.lstrip()[:1] not in {"{", "["}:
                return self._plain(self._meant(value))
            value = json.loads(value)
        if self.keys:
            return {self.keys[self.keys.index(key)]: self._plain(one) for key, one in _object(value).items()}
        if self.per_class and isinstance(value, Mapping):
            return {_class_number(key): self._read_one(one) for key, one in value.items()}
        return self._read_one(value)

    def _read_one(self, value: object) -> Any:
        if self.pair and isinstance(value, list):
            if len(value) != 2:
                raise ValueError(value)
            return [self._plain(one) for one in value]
        return self._plain(value)

    def _meant(self, text: str) -> object:
        """What a text means where all is text."""
        match self.type:
            case "flag":
                return FLAGS[text.strip().lower()]
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "list":
                return [word.strip(" ") for word in text.split(",") if word.strip(" ")]
            case "choice" | "text":
                return text

    def _plain(self, value: object) -> Any:
        match self.type:
            case "flag":
                if not isinstance(value, bool):
                    raise TypeError(value)
                return value
            case "integer" | "number":
                return self._number(value)
            case "choice":
                if value not in self.choices:
                    raise ValueError(value)
                return value
            case "list":
                if not isinstance(value, list):
                    raise TypeError(value)
                return [self._text(word) for word in value]
            case "text":
                return self._text(value)

    def _text(self, value: object) -> str:
        if not isinstance(value, str) or not fullmatch(self.pattern, value):
            raise ValueError(value)
        return value

    def _number(self, value: object) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(value)
        number = float(value) if self.type == "number" else _whole(value)
        if (
            not math.isfinite(number)
            or (self.least is not None and number < self.least)
            or (self.above is not None and number <= self.above)
            or (self.most is not None and number > self.most)
        ):
            raise ValueError(value)
        return number

    def schema(self) -> dict[str, Any]:
        """What is taken where values have types, as JSON Schema (2020-12)."""
        one = self._schema_of_one()
        if self.keys:
            return {"type": "object", "properties": dict.fromkeys(self.keys, one), "additionalProperties": False}
        forms = [one]
        if self.pair:
            forms.append({"type": "array", "items": one, "minItems": 2, "maxItems": 2})
        if self.per_class:
            names = {"pattern": "^[0-9]{1,3}$"}
            forms.append({"type": "object", "propertyNames": names, "additionalProperties": _any_of(forms)})
        return _any_of(forms)

    def _schema_of_one(self) -> dict[str, Any]:
        match self.type:
            case "flag":
                return {"type": "boolean"}
            case "integer" | "number":
                bounds = {"minimum": self.least, "exclusiveMinimum": self.above, "maximum": self.most}
                return {"type": self.type} | {name: bound for name, bound in bounds.items() if bound is not None}
            case "choice":
                return {"type": "string", "enum": list(self.choices)}
            case "list":
                return {"type": "array", "items": {"type": "string", "pattern": f"^(?:{self.pattern})$"}}
            case "text":
                return {"type": "string", "pattern": f"^(?:{self.pattern})$"}

    def _wanted(self) -> str:
        """The range in words, as it ends an error's text."""
        if self.choices:
            one = f"one of {', '.join(self.choices)}"
        elif self.type == "flag":
            one = "true or false"
        elif self.type in {"integer", "number"}:
            low = f"above {self.above:g}" if self.above is not None else f"from {self.least:g}"
            one = f"{'a whole number' if self.type == 'integer' else 'a number'} {low} to {self.most:g}"
        elif self.type == "list":
            one = "names separated by commas"
        else:
            one = f"for example {self.default!r}"
        if self.keys:
            return f"an object with any of {', '.join(self.keys)}, each {one}"
        more = ["two of them, for x and y"] * self.pair + [
            "an object from class numbers to such values"
        ] * self.per_class
        return ", or ".join((one, *more))


def check_all(
    specs: Mapping[str, OptionSpec], given: Mapping[str, object], model: str, *, typed: bool = False
) -> dict[str, Any]:
    """All options with defaults filled in. Raises BadOption for one that is unknown or out of range."""
    for name in given:
        if name not in specs:
            known = ", ".join(sorted(specs)) or "none of its own"
            raise BadOption(f"{name[:80]}: {model} has no such option (it has {known}).")
    options = {
        name: spec.check(name, given[name], typed=typed) if name in given else spec.default
        for name, spec in specs.items()
    }
    for name, spec in specs.items():
        if (
            spec.at_most
            and None not in {options[name], options[spec.at_most]}
            and options[name] > options[spec.at_most]
        ):
            raise BadOption(f"{name}: {options[name]} is more than {spec.at_most}, which is {options[spec.at_most]}.")
    return options


def _any_of(forms: list[dict[str, Any]]) -> dict[str, Any]:
    return forms[0] if len(forms) == 1 else {"anyOf": [*forms]}


def _whole(value: float) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(value)
    return value


def _class_number(key: object) -> str:
    """As a string: options travel as JSON, whose keys are strings."""
    if not fullmatch("[0-9]{1,3}", str(key)):
        raise ValueError(key)
    return str(int(str(key)))
