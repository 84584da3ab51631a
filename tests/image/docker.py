"""A Docker engine, and the project's own commands run against it."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contract.running import ROOT, wait_for

BASE = "debian:bookworm-slim"
_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_NPM = ROOT / ".venv-web/bin/npm"


class Docker:
    """The engine's client. Every call fails the test unless it is told not to."""

    def __init__(self, socket: str) -> None:
        self.program = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"
        self.environment = {**os.environ, "DOCKER_HOST": socket, "DOCKER_BUILDKIT": "1"}

    def __call__(self, *words: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.program, *words], env=self.environment, input=text, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
        return done

    def make(self, target: str, *, root: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
        """`make` in a checkout, whatever its exit code."""
        words = [f"{name}={value}" for name, value in {"DOCKER": self.program, **variables}.items()]
        environment = {name: value for name, value in self.environment.items() if name != "MAKEFLAGS"}
        done = subprocess.run(
            ["make", target, *words], cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        print(done.stderr[-6000:])
        return done

    def verify(self, tag: str, **variables: str) -> tuple[int, str, dict[str, Any]]:
        """`make verify-offline`: its exit code, what it says, and its report."""
        path = Path(tempfile.mkdtemp(prefix="oo-")) / "report.json"
        done = self.make("verify-offline", TAG=tag, REPORT=str(path), **variables)
        report: dict[str, Any] = json.loads(path.read_text() or "{}")
        shutil.rmtree(path.parent)
        return done.returncode, done.stderr, report

    def remove(self, part: str) -> None:
        """Every image with this in its name."""
        names = self("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
        self("rmi", "-f", *(name for name in names if part in name), check=False)

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("inspect", name).stdout)[0]
        return found

    def layers(self, image: str) -> list[str]:
        """The digests of an image's layers, uncompressed, the lowest first."""
        found: list[str] = self.inspect(image)["RootFS"]["Layers"]
        return found

    def derive(self, image: str, tag: str, context: Path, *lines: str) -> str:
        """An image from another one, by lines of a Dockerfile run as root; returns its tag."""
        (context / "Dockerfile").write_text("\n".join([f"FROM {image}", "USER 0", *lines, "USER 65532:0"]))
        self("build", "--network", "none", "-q", "-t", tag, str(context))
        return tag

    @contextmanager
    def running(self, image: str, *options: str) -> Iterator[str]:
        """A container, by its id; gone afterwards."""
        name = self("run", "-d", *options, image).stdout.strip()
        try:
            yield name
        finally:
            self("rm", "-f", name)

    def python(self, container: str, script: str, *arguments: str) -> str:
        """What a script prints that runs inside."""
        return self("exec", "-i", container, "python", "-", *arguments, text=script).stdout


@contextmanager
def engine(folder: Path) -> Iterator[Docker]:
    """The engine that answers here, or one of our own with its data in `folder`, which takes root."""
    docker = Docker(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if docker("info", check=False).returncode == 0:
        yield docker
        return
    with tempfile.TemporaryDirectory(prefix="oo-") as short, (folder / "dockerd.log").open("wb") as log:
        docker = Docker(f"unix://{short}/socket")
        command = ["dockerd", "--iptables=false", "--bridge=none", "--storage-driver=overlay2"]
        command += ["--data-root", str(folder), "--exec-root", f"{short}/run", "--pidfile", f"{short}/pid"]
        process = subprocess.Popen([*command, "-H", f"unix://{short}/socket"], stdout=log, stderr=log)
        try:
            wait_for(lambda: docker("info", check=False).returncode == 0, f"dockerd starts, see {log.name}", 300)
            yield docker
        finally:
            process.terminate()
            process.wait(60)


def provide_base(docker: Docker, folder: Path) -> None:
    """Debian, as the registry has it, or where none can be reached made anew."""
    if docker("image", "inspect", BASE, check=False).returncode == 0:
        return
    tree = folder / "debian"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(tree)], check=True, capture_output=True)
    with subprocess.Popen(["tar", "-C", str(tree), "-c", "."], stdout=subprocess.PIPE) as tar:
        command = [docker.program, "import", "-", BASE]
        subprocess.run(command, env=docker.environment, stdin=tar.stdout, check=True, capture_output=True)
    shutil.rmtree(tree)


def build_settings(wheels: Sequence[str]) -> dict[str, str]:
    """What a build on this machine needs beside what `make image` is given: certificates, and where packages are."""
    ca = {"CA_BUNDLE": str(_CA_BUNDLE)} if _CA_BUNDLE.exists() else {}
    npm = subprocess.run([_NPM, "config", "get", "registry"], capture_output=True, text=True, check=True).stdout.strip()
    mirrors = {"PIP_FIND_LINKS": " ".join(wheels), "NPM_CONFIG_REGISTRY": npm}
    return {**ca, **mirrors, "VENDOR_INDEXES": "none"}
