"""Which build of the server this is."""

import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def version() -> str:
    """The version that pyproject.toml states."""
    return str(tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def revision() -> str:
    """The commit: from the file REVISION that an image build writes, else from the checkout, else `unknown`."""
    stamp = _ROOT / "REVISION"
    if stamp.exists():
        return stamp.read_text("utf-8").strip()
    git = _ROOT / ".git"
    try:
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).exists():
            return (git / name).read_text("utf-8").strip()
        packed = (git / "packed-refs").read_text("utf-8").splitlines()
    except OSError:
        return "unknown"
    return next((line.split()[0] for line in packed if line.endswith(" " + name)), "unknown")
