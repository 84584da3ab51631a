"""Which form of a reply the caller likes best (RFC 9110, 12.5.1)."""

import re
from collections.abc import Mapping
from typing import TypeVar

from fastapi import Request

Form = TypeVar("Form")


def accepted(request: Request, forms: Mapping[str, Form], usual: Form) -> Form:
    """The form that the Accept header likes best, of those by media type; the usual one where it names none of them."""
    return best(request.headers.get("accept", ""), forms, usual)


def best(header: str, forms: Mapping[str, Form], usual: Form) -> Form:
    """The same of any header that lists what is liked, such as Accept-Encoding."""
    liked: list[tuple[float, Form]] = []
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights = [_weight(parameter[2:]) for parameter in parameters if parameter.startswith("q=")]
        if name in forms:
            liked.append((weights[0] if weights else 1.0, forms[name]))
    weight, form = max(liked, key=lambda pair: pair[0], default=(0.0, usual))
    return form if weight > 0 else usual


def _weight(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text) else 0.0
