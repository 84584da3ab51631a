"""What a request says, however its body was written: its fields and its one document. Standard library only."""

import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from server.errors import BadRequest, EmptyFile, NoInput, TwoInputs

JSON = Any
"""A JSON value."""

InputType = Literal["multipart", "base64", "url"]

FILE_FIELDS = ("file", "image")
DOCUMENT = "document"
"""The name of the document in the spool."""
BASE64_FIELD = "image_base64"
URL_FIELD = "image_url"
WAYS = (
    "Send multipart/form-data with the document as `file`, or application/json (or application/x-www-form-urlencoded) "
    "with `image_base64` or `image_url`."
)

MAX_FIELDS = 100
MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS_BYTES = 1024 * 1024
"""Of all fields together: they cross into the HTTP process."""
_MAX_NAME = 128  # characters of a file name


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `document` is set for "multipart" and "base64", `url` for "url"; `filename` only names results."""

    fields: dict[str, JSON]
    input_type: InputType
    filename: str | None
    document: Path | None
    url: str | None

    def to_wire(self) -> dict[str, JSON]:
        """The call as JSON values."""
        return {**asdict(self), "document": self.document is not None}

    @classmethod
    def from_wire(cls, wire: dict[str, JSON], spool: Path) -> "Call":
        """The call back from JSON values. Where the document lies is not for the sender to say."""
        return cls(**{**wire, "document": spool / DOCUMENT if wire["document"] else None})


class Inputs:
    """What a body's parser has found so far: fields, and at most one document, which is written as it arrives."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._file: IO[bytes] | None = None
        self._source: InputType | None = None
        self._filename: str | None = None
        self._url: str | None = None
        self._fields: dict[str, JSON] = {}
        self._size = 0

    def __enter__(self) -> "Inputs":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def document(self, source: InputType, filename: str | None = None) -> IO[bytes]:
        """The file to write the document to. Raises TwoInputs when there is one already."""
        self._claim(source)
        self._filename = safe_name(filename)
        self._file = self._target.open("wb")
        return self._file

    def url(self, url: str) -> None:
        """The document is at `url`. Raises TwoInputs, and BadRequest for one that is too long."""
        self._claim("url")
        if len(url) > MAX_FIELD_BYTES:
            raise BadRequest(f"The field `{URL_FIELD}` has more than {MAX_FIELD_BYTES} bytes.")
        self._url = url

    def add(self, name: str, value: JSON, size: int) -> None:
        """Take a field whose name and value have `size` bytes. Raises BadRequest for a second one, or one too many."""
        if name in self._fields:
            raise BadRequest(f"The field {shown(name)} is given twice.")
        self._size += size
        if size > MAX_FIELD_BYTES:
            raise BadRequest(f"The field {shown(name)} has more than {MAX_FIELD_BYTES} bytes.")
        if self._size > MAX_FIELDS_BYTES:
            raise BadRequest(f"The fields have more than {MAX_FIELDS_BYTES} bytes together.")
        if len(self._fields) == MAX_FIELDS:
            raise BadRequest(f"The request has more than {MAX_FIELDS} fields.")
        self._fields[name] = value

    def call(self) -> Call:
        """Everything, when the body has ended. Raises NoInput, EmptyFile."""
        if self._source is None:
            raise NoInput(f"The request holds no document. {WAYS}")
        if self._file:
            self._file.flush()
            if self._file.tell() == 0:
                raise EmptyFile("The document has no bytes.")
        return Call(self._fields, self._source, self._filename, self._target if self._file else None, self._url)

    def _claim(self, source: InputType) -> None:
        if self._source is not None:
            raise TwoInputs("Send one document: either `file` (or `image`), or `image_base64`, or `image_url`.")
        self._source = source


def shown(name: str) -> str:
    """A name from the request, fit for a message."""
    return f"`{name[:100].encode(errors='replace').decode()}`"


def safe_name(name: str | None) -> str | None:
    """The last part of a file name of any system without control characters; None when nothing is left of it."""
    base = (name or "").replace("\\", "/").rpartition("/")[2]
    base = "".join(character for character in base if unicodedata.category(character)[0] != "C")
    base = base.strip(" .")
    return base[-_MAX_NAME:].strip(" .") or None
