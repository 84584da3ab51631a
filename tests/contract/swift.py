"""OpenStack Swift on one disk, with its S3 API: a real store of another make, which checks all that S3 checks.

Runs from .venv-swift; its keys read `account:user`, as Cloud.ru's read `tenant_id:key_id`. Configuration as in Swift's
"SAIO" guide, with one replica and without its cache.
"""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.contract.running import ROOT, held_port

BIN = ROOT / ".venv-swift/bin"
ACCESS_KEY = "7f1c2e9a-tenant:5b3d-key"
SECRET_KEY = "s3cr3t/of+swift"
_KINDS = ("account", "container", "object")
_BOTH = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 0
user =
log_level = CRITICAL
"""
_PATIENT = "conn_timeout = 30\nnode_timeout = 60\n"  # of one server with another: half a second may be too short
_STORAGE = (
    "[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
    "container_update_timeout = 30\n"
) + _PATIENT
_PROXY = """[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 30
node_timeout = 60
recoverable_node_timeout = 60
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:s3api]
use = egg:swift#s3api
location = ru-central-1
[filter:slo]
use = egg:swift#slo
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
"""


def _free_ports(number: int) -> list[int]:
    """All different: `free_port` may give the same one twice."""
    with ExitStack() as probes:
        return [probes.enter_context(held_port()) for _ in range(number)]


class Swift:
    """Four servers in a folder whose file system has extended attributes; they end with the context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        port, *own = _free_ports(1 + len(_KINDS))
        self.url = f"http://127.0.0.1:{port}"
        (folder / "devices/d1").mkdir(parents=True)
        (folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = a\n[storage-policy:0]\nname = gold\ndefault = yes\n"
        )
        for kind, its_own in zip(_KINDS, own, strict=True):
            self._make_ring(kind, its_own)
            self._write(kind, its_own, _STORAGE.format(kind=kind))
        account, user = ACCESS_KEY.split(":")
        self._write("proxy", port, _PROXY.format(account=account, user=user, secret=SECRET_KEY))

    def __enter__(self) -> Self:
        for kind in (*_KINDS, "proxy"):
            with (self._folder / f"{kind}.log").open("wb") as log:
                command = [str(BIN / f"swift-{kind}-server"), str(self._folder / f"{kind}.conf")]
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def logs(self) -> str:
        """What the servers said, for a test that fails."""
        assert all(process.poll() is None for process in self._processes), "a server of Swift's has ended"
        return "".join(path.read_text() for path in self._folder.glob("*.log"))

    def _write(self, kind: str, port: int, rest: str) -> None:
        (self._folder / f"{kind}.conf").write_text(_BOTH.format(port=port, folder=self._folder) + rest)

    def _make_ring(self, kind: str, port: int) -> None:
        builder = str(self._folder / f"{kind}.builder")
        for arguments in (["create", "1", "1", "1"], ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
            done = subprocess.run(
                [str(BIN / "swift-ring-builder"), builder, *arguments], capture_output=True, text=True, check=False
            )
            assert done.returncode < 2, done.stdout + done.stderr  # 1 is a warning
