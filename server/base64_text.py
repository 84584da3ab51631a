"""Base64 text → bytes, as the text arrives. Standard library only."""

import binascii
import string
from typing import IO, NoReturn

from server.errors import BadBase64


class Base64Decoder:
    """Decodes base64 (RFC 4648) as it arrives, both alphabets, with or without padding, white space and a data URI."""

    _DIGITS = string.ascii_letters.encode() + string.digits.encode() + b"+/"
    _STANDARD = bytes.maketrans(b"-_", b"+/")
    _SPACE = b" \t\r\n\v\f"
    _MAX_PREFIX = 1024

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._head: bytes | None = b""  # until it is known whether a data URI starts here
        self._seen = 0  # characters before the chunk
        self._digits = 0
        self._padding = 0
        self._rest = b""

    def feed(self, text: bytes) -> None:
        """Decode some more. Raises BadBase64, which says at which character."""
        if self._head is not None:
            text = self._past_prefix(self._head + text)
        if text:
            self._decode(text)

    def finish(self) -> None:
        """The text has ended. Raises BadBase64 when it ends in the middle of a byte."""
        if self._head:
            self._decode(self._head)
        if self._digits % 4 == 1:
            raise BadBase64(f"The base64 text is cut off: it ends in the middle of a byte, at character {self._seen}.")
        if self._padding > -self._digits % 4:
            raise BadBase64(f"The base64 text ends with more `=` than belong there, at character {self._seen}.")
        if self._rest:
            self._target.write(binascii.a2b_base64(self._rest + b"=="))

    def _past_prefix(self, head: bytes) -> bytes:
        """What follows `data:…;base64,`; nothing while that is not known yet."""
        start = head.lstrip(self._SPACE)
        if not start:
            self._seen += len(head)
            return b""
        if len(start) < 5 and b"data:".startswith(start.lower()):
            self._head = head
            return b""
        if start[:5].lower() != b"data:":
            self._head = None
            return head
        prefix, comma, text = head.partition(b",")
        if not comma and len(head) < self._MAX_PREFIX:
            self._head = head
            return b""
        if not comma or not prefix.rstrip(self._SPACE).lower().endswith(b";base64"):
            raise BadBase64("The data URI is not one of the form `data:…;base64,…`.")
        self._head = None
        self._seen += len(prefix) + 1
        return text

    def _decode(self, text: bytes) -> None:
        characters = text.translate(self._STANDARD, self._SPACE)
        data = characters.rstrip(b"=")
        if data and (self._padding or data.translate(None, self._DIGITS)):
            self._fail(text)
        self._padding += len(characters) - len(data)
        self._digits += len(data)
        self._seen += len(text)
        data = self._rest + data
        whole = len(data) // 4 * 4
        self._target.write(binascii.a2b_base64(data[:whole]))
        self._rest = data[whole:]

    def _fail(self, text: bytes) -> NoReturn:
        bad = text if self._padding else text.lstrip(self._DIGITS + b"-_" + self._SPACE)
        bad = bad.lstrip(b"=" + self._SPACE)
        shown = repr(chr(bad[0])) if 32 < bad[0] < 127 else f"byte 0x{bad[0]:02x}"
        where = self._seen + len(text) - len(bad) + 1
        raise BadBase64(f"The base64 text has {shown} at character {where}, where it cannot stand.")
