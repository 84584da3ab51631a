"""The web page as its build left it in `web/dist`: each file, also compressed, with how long a browser may keep it."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.settings import AuthMode

FOLDER = Path(__file__).parents[1] / "web/dist"
PAGE = "index.html"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_NAMED_BY_CONTENT = re.compile(r".+-[A-Z0-9]{8}\.\w+")  # as esbuild names what it makes
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"
_AUTH_MODE = b'name="auth-mode" content="bearer"'


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file of the page. `etag` is that of its content, in whatever coding it is sent."""

    content: bytes
    compressed: bytes
    media_type: str
    etag: str
    caching: str


def read(folder: Path, auth_mode: AuthMode) -> Mapping[str, WebFile]:
    """The files by name; none where the page was not built. The page is told who checks tokens. Raises OSError."""
    if not (folder / PAGE).is_file():
        return {}
    files = {
        path.name: _file(path, path.read_bytes()) for path in sorted(folder.iterdir()) if path.suffix in _MEDIA_TYPES
    }
    told = files[PAGE].content.replace(_AUTH_MODE, _AUTH_MODE.replace(b"bearer", auth_mode.encode()))
    return {**files, PAGE: _file(folder / PAGE, told)}


def _file(path: Path, content: bytes) -> WebFile:
    return WebFile(
        content=content,
        compressed=gzip.compress(content, mtime=0),
        media_type=_MEDIA_TYPES[path.suffix],
        etag=f'W/"{hashlib.sha256(content).hexdigest()[:16]}"',
        caching=_FOR_EVER if _NAMED_BY_CONTENT.fullmatch(path.name) else _ASK_EACH_TIME,
    )
