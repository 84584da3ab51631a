"""The body of a chat completion, on disk → `Call`; its images are written to the spool. Runs in the page pool's child.

Whatever names an image in `messages` (`image_url.url`, `file.file_data`) becomes a document of the call; in its place
stands `document:0`, `document:1`, … The rest is checked by `openai_schemas`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.call import MAX_FIELDS_BYTES, Call, Inputs
from server.chat import MAX_IMAGES
from server.errors import BadRequest
from server.intake import decode, measure, read_object

MARK = "document:"
_HOLDERS = (("image_url", "url"), ("file", "file_data"))


def read_chat(body: Path, content_type: str, spool: Path) -> Call:
    """Read the request body at `body`; its images, `MAX_IMAGES` at the most, are written to the spool.

    Raises UnsupportedType for another content type than JSON, TooManyFiles, else BadRequest. What is wrong with an image
    is kept with it.
    """
    fields = read_object(body, content_type, "Send application/json.")
    with Inputs(spool, MAX_IMAGES) as inputs:
        for index, (holder, key) in enumerate(_images(fields.get("messages"))):
            text = holder[key]
            if text[:5].lower() == "data:":
                decode(text, inputs)
            else:
                inputs.url(text)
            holder[key] = f"{MARK}{index}"
        if sum(measure(name, value) for name, value in fields.items()) > MAX_FIELDS_BYTES:
            raise BadRequest(f"The request has more than {MAX_FIELDS_BYTES} bytes beside its images.")
        return Call(fields, inputs.found())


def _images(messages: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object that names an image, and by which of its fields. What has another form than it should is passed over."""
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            for field, key in _HOLDERS:
                holder = part.get(field) if isinstance(part, dict) and part.get("type") == field else None
                if isinstance(holder, dict) and isinstance(holder.get(key), str):
                    yield holder, key
