"""Join the locks of all layers of weights into the image's one: `locks IMAGE OUT`, two trees."""

import sys
from pathlib import Path

from scripts.image import seal
from server import lock


def main(image: str, out: str) -> None:
    """Write OUT/opt/models/models.lock.json."""
    target = Path(out) / "opt/models" / lock.FILE_NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    joined: dict[str, lock.LockedWeights] = {}
    for path in sorted((Path(image) / seal.SEALS).glob("*.lock.json")):
        joined |= lock.read(path)
    lock.write(target, joined)


if __name__ == "__main__":
    main(*sys.argv[1:])
