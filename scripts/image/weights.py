"""Bring weights in a build stage, as the tree of a layer: `weights OUT NAME`, or without NAME all of catalog.toml.

WEIGHTS names those that the image is to have; of any other the layer is empty. What was fetched stays in the builder's
cache (CACHE), apart for each set of hubs, so that a build after a change of the prefetch moves nothing over the network.
Each layer carries its own lock; scripts/image/locks.py joins them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.image import seal
from server import catalog, lock

ROOT = Path(__file__).resolve().parents[2]
HOME = Path("opt/models")
_HUBS = ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT", "PADDLE_BOS_ENDPOINT")


def main(out: str, *names: str) -> int:
    """Fetch, copy, verify, seal; the prefetch's exit code when it fails."""
    root = Path(out)
    (root / HOME).mkdir(parents=True)
    (root / seal.SEALS).mkdir(parents=True)
    own = ROOT / "catalog.toml"
    if not names and own.exists():
        shutil.copy(own, root / HOME)
    wanted = os.environ["WEIGHTS"].split()
    for name in names or sorted(set(wanted) - catalog.read_weights().keys()):
        if name in wanted and (code := _bring(name, root)):
            return code
    seal.normalise(root)
    return 0


def _bring(name: str, root: Path) -> int:
    cached = Path(os.environ["CACHE"]) / _source() / name
    cached.mkdir(parents=True, exist_ok=True)
    if (own := ROOT / "catalog.toml").exists():
        shutil.copy(own, cached)
    if code := _prefetch("fetch", name, cached):
        return code
    home = root / HOME
    locked = lock.read(cached / lock.FILE_NAME)[name]
    shutil.copytree(cached / locked.folder, home / locked.folder)
    lock.write(home / lock.FILE_NAME, {name: locked})
    if code := _prefetch("check", name, home):
        return code
    (home / lock.FILE_NAME).rename(root / seal.SEALS / f"{name}.lock.json")
    return 0


def _prefetch(command: str, name: str, home: Path) -> int:
    script = str(ROOT / "scripts/prefetch_models.py")
    return subprocess.run([sys.executable, script, command, name, "--to", str(home)], check=False).returncode


def _source() -> str:
    """A folder name for what decides what is fetched: the hubs, the repository's own lock and its own catalogue."""
    files = [path for path in (ROOT / lock.FILE_NAME, ROOT / "catalog.toml") if path.exists()]
    said = [os.environ.get(name, "") for name in _HUBS] + [path.read_text("utf-8") for path in files]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
