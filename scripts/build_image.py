"""Build the image: what `make image TARGET=… MODELS="…"` runs.

Everything comes from the environment, as Make's variables do: TARGET, MODELS, CUDA, STACKS, TAG, BASE, DOCKER, BUILD_ARGS
(more words for `docker build`), and the addresses of hubs and mirrors, see _PASSED_ON. HF_TOKEN and CA_BUNDLE (a file) go in
as build secrets, never as arguments. Nothing is tagged unless all of it succeeds.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from scripts.image.plan import Plan, PlanError, plan
from server import build, catalog, lock

ROOT = Path(__file__).parents[1]
_PASSED_ON = (
    *("BASE", "DEBIAN_MIRROR", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "VENDOR_INDEXES"),
    *("HF_ENDPOINT", "MODELSCOPE_ENDPOINT", "PADDLE_BOS_ENDPOINT", "NPM_CONFIG_REGISTRY"),
)


def main() -> int:
    """Build, read the lock in what was built, label, tag; the exit code of what failed."""
    given = {name: os.environ.get(name, "") for name in ("TARGET", "MODELS", "CUDA", "STACKS", "TAG")}
    target = given["TARGET"] or "cpu"
    try:
        made = plan(target, given["MODELS"].split(), given["CUDA"], given["STACKS"].split(), ROOT)
        revision, seconds = _revision()
        _say(f"models {', '.join(made.served)}; weights {', '.join(made.weights) or 'none'}")
        arguments = {
            **{name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)},
            **{"PACKAGES": " ".join(made.packages), "WEIGHTS": " ".join(made.weights), "STACKS": " ".join(made.stacks)},
            **{"SERVED": ",".join(made.served), "DEFAULT_MODEL": made.served[0]},
            **{"TARGET": target, "CUDA": given["CUDA"] or "cpu"},
            **{"REVISION": revision, "SOURCE_DATE_EPOCH": str(seconds)},
        }
        return _build(made, arguments, given["TAG"] or f"offline-ocr:{target}")
    except (PlanError, catalog.CatalogError, lock.LockError, OSError, ValueError) as error:
        _say(f"no image was built: {error}")
        return 2
    except subprocess.CalledProcessError as error:
        _say(f"no image was built: {shlex.join(error.cmd)}: {(error.stderr or b'').decode('utf-8', 'replace')}")
        return error.returncode


def _build(made: Plan, arguments: Mapping[str, str], tag: str) -> int:
    """Its commits are known only when the weights are there, so that the labels come on top of what was built."""
    options = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    more = shlex.split(os.environ.get("BUILD_ARGS", ""))
    unlabelled = f"offline-ocr:building-{os.getpid()}"
    with _secrets() as secrets:
        # A hub or a mirror on this machine is reached over the host's network.
        command = [*_docker("build"), "--network", "host", *options, *secrets, *more, "--tag", unlabelled, "."]
        if code := _run(command):
            return code
    try:
        labels = _labels(made, _lock_in(unlabelled), arguments["REVISION"], int(arguments["SOURCE_DATE_EPOCH"]))
        code = _run([*_docker("build"), *labels, "--tag", tag, "-"], f"FROM {unlabelled}\n")
    finally:
        subprocess.run([*_docker("rmi"), unlabelled], check=False, capture_output=True)
    if code == 0:
        _say(f"built {tag}")
    return code


def _docker(command: str) -> tuple[str, ...]:
    return (os.environ.get("DOCKER") or "docker", command)


def _run(command: Sequence[str], text: str | None = None) -> int:
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, input=text, text=True, check=False).returncode


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _revision() -> tuple[str, int]:
    """The commit, with a mark when files differ from it, and its time in seconds; SOURCE_DATE_EPOCH goes before."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        time = int(given or _git("log", "-1", "--format=%ct"))
        return _git("rev-parse", "HEAD") + ("-modified" if _git("status", "--porcelain") else ""), time
    except (FileNotFoundError, subprocess.CalledProcessError):
        return build.revision(), int(given or 0)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def _secrets() -> Iterator[list[str]]:
    """The options that hand the secrets over; the token's file is gone afterwards."""
    found = ["--secret", f"id=ca,src={bundle}"] if (bundle := os.environ.get("CA_BUNDLE")) else []
    if not (token := os.environ.get("HF_TOKEN")):
        yield found
        return
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(token)
        file.flush()
        yield [*found, "--secret", f"id=hf_token,src={file.name}"]


def _lock_in(image: str) -> dict[str, lock.LockedWeights]:
    """The lock of the weights in an image that was just built."""
    command = [
        *_docker("run"),
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "cat",
        image,
        f"/opt/models/{lock.FILE_NAME}",
    ]
    done = subprocess.run(command, check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / lock.FILE_NAME).write_bytes(done.stdout)
        return lock.read(path)


def _labels(made: Plan, locks: dict[str, lock.LockedWeights], revision: str, seconds: int) -> list[str]:
    """Options for the labels of OCI's image specification, annotations.md, and one of our own for the weights."""
    weights = catalog.read_weights(ROOT)
    models = [
        {"name": name, "repository": each.repository, "commit": each.commit, "licence": weights[name].licence}
        for name, each in locks.items()
    ]
    labels = {
        "org.opencontainers.image.title": "offline-ocr",
        "org.opencontainers.image.description": f"Document OCR without network: {', '.join(made.served)}",
        "org.opencontainers.image.version": build.version(),
        "org.opencontainers.image.revision": revision,
        "org.opencontainers.image.created": datetime.fromtimestamp(seconds, UTC).isoformat(),
        "org.opencontainers.image.licenses": "Apache-2.0",
        "offline-ocr.models": ",".join(made.served),
        "offline-ocr.weights": json.dumps(models),
    }
    return [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]


if __name__ == "__main__":
    sys.exit(main())
