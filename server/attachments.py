"""What a file is called that a caller is sent to keep (RFC 6266)."""

from pathlib import PurePath
from urllib.parse import quote

from server.call import safe_name


def disposition(name: str) -> str:
    """The Content-Disposition that has a browser keep a reply under this name, whatever stands in it."""
    return f"attachment; filename*=UTF-8''{quote(_safe(name) or 'document', safe='')}"


def stem_of(filename: str | None) -> str:
    """What a file sent under that name is called without its suffix."""
    return PurePath(_safe(filename) or "document").stem


def _safe(name: str | None) -> str | None:
    return safe_name((name or "").replace('"', "").encode(errors="replace").decode())
