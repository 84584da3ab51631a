"""What a request says, however its body was written: its fields and its documents. Standard library only."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Literal

from server.errors import BadBase64, BadRequest, EmptyFile, NoInput, TooManyFiles, TwoInputs

JSON = Any
"""A JSON value."""

InputType = Literal["multipart", "base64", "url"]


class Dialect(StrEnum):
    """Whose wire format a body is written in."""

    OURS = "ours"
    PADDLEX = "paddlex"
    OPENAI = "openai"
    MCP = "mcp"


FILE_FIELDS = ("file", "image")
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


def spooled(spool: Path, index: int) -> Path:
    """Where a request's document number `index`, counted from 0, lies."""
    return spool / f"document-{index}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One document of a request: `path` for "multipart" and "base64", `url` for "url"; `filename` only names results.

    `problem` is the code and the detail of what is wrong with this one among several.
    """

    input_type: InputType
    filename: str | None = None
    path: Path | None = None
    url: str | None = None
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its fields, and one or more documents; in a `typed` one the fields have the types of JSON, else all are
    text.
    """

    fields: dict[str, JSON]
    documents: tuple[Sent, ...]
    typed: bool = False

    def to_wire(self) -> dict[str, JSON]:
        """The call as JSON values."""
        sent = [{**asdict(each), "path": each.path is not None} for each in self.documents]
        return {"fields": self.fields, "documents": sent, "typed": self.typed}

    @classmethod
    def from_wire(cls, wire: dict[str, JSON], spool: Path) -> "Call":
        """The call back from JSON values. Where the documents lie is not for the sender to say."""
        sent = (
            Sent(
                **{
                    **each,
                    "path": spooled(spool, index) if each["path"] else None,
                    "problem": each["problem"] and tuple(each["problem"]),
                }
            )
            for index, each in enumerate(wire["documents"])
        )
        return cls(wire["fields"], tuple(sent), wire["typed"])


class Inputs:
    """What a body's parser has found so far: fields, and documents, which are written as they arrive.

    Where `most` is 1, what is wrong with the document is raised, unless `keeps`; of several, it is kept with that one.
    """

    def __init__(self, spool: Path, most: int = 1, *, keeps: bool = False) -> None:
        self._spool = spool
        self.most = most
        self._keeps = keeps or most > 1
        self._documents: list[Sent] = []
        self._file: IO[bytes] | None = None
        self._fields: dict[str, JSON] = {}
        self._size = 0

    def __enter__(self) -> "Inputs":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def document(self, source: InputType, filename: str | None = None) -> IO[bytes]:
        """The file to write the next document to. Raises TwoInputs or TooManyFiles when there are enough already."""
        self._claim()
        target = spooled(self._spool, len(self._documents))
        self._file = target.open("wb")
        self._documents.append(Sent(source, safe_name(filename), path=target))
        return self._file

    def url(self, url: str) -> None:
        """The next document is at `url`. Raises as `document`, and BadRequest for one that is too long."""
        self._claim()
        if len(url) > MAX_FIELD_BYTES:
            raise BadRequest(f"The field `{URL_FIELD}` has more than {MAX_FIELD_BYTES} bytes.")
        self._documents.append(Sent("url", url=url))

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """While a document is decoded: of several, the others are read although this one is BadBase64."""
        try:
            yield
        except BadBase64 as error:
            self._keep(error)

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
        documents = self.found()
        if not documents:
            raise NoInput(f"The request holds no document. {WAYS}")
        return Call(self._fields, documents)

    def found(self) -> tuple[Sent, ...]:
        """The documents, when the body has ended. Raises EmptyFile."""
        self._end_document()
        return tuple(self._documents)

    def _claim(self) -> None:
        self._end_document()
        if self._documents and self.most == 1:
            raise TwoInputs("Send one document: either `file` (or `image`), or `image_base64`, or `image_url`.")
        if len(self._documents) == self.most:
            raise TooManyFiles(f"There are more than {self.most} documents. Send them in several requests.")

    def _end_document(self) -> None:
        if self._file is None:
            return
        self._file.flush()
        empty = self._file.tell() == 0
        self._file.close()
        self._file = None
        if empty:
            self._keep(EmptyFile("The document has no bytes."))

    def _keep(self, error: BadRequest) -> None:
        if not self._keeps:
            raise error
        if self._documents[-1].problem is None:
            self._documents[-1] = replace(self._documents[-1], problem=(error.code, error.detail))


def shown(name: str) -> str:
    """A name from the request, fit for a message."""
    return f"`{name[:100].encode(errors='replace').decode()}`"


def safe_name(name: str | None) -> str | None:
    """The last part of a file name of any system without control characters; None when nothing is left of it."""
    base = (name or "").replace("\\", "/").rpartition("/")[2]
    base = "".join(character for character in base if unicodedata.category(character)[0] != "C")
    base = base.strip(" .")
    return base[-_MAX_NAME:].strip(" .") or None
