"""The body that corrects a block: {"content": text}. Runs in the page pool's child."""

from pathlib import Path

from server.errors import BadOption
from server.intake import read_object

MAX_CONTENT = 200_000
"""Characters of one block."""
_WAYS = 'Send application/json: {"content": "…"}.'


def read_correction(body: Path, content_type: str) -> str:
    """The content, its lines ended by line feeds. Raises UnsupportedType, BadRequest, BadOption."""
    given = read_object(body, content_type, _WAYS)
    if given.keys() != {"content"}:
        raise BadOption(f"The body has to have `content`, and nothing else. {_WAYS}")
    content = given["content"]
    if not isinstance(content, str):
        raise BadOption("content: it is not a string.")
    if len(content) > MAX_CONTENT:
        raise BadOption(f"content: it has more than {MAX_CONTENT} characters.")
    if "\0" in content:
        raise BadOption("content: it holds the character NUL, which no text has.")
    if any("\ud800" <= character <= "\udfff" for character in content):
        raise BadOption("content: it holds half of a surrogate pair.")
    return content.replace("\r\n", "\n")
