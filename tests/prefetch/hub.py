"""A hub on the loopback: Hugging Face, ModelScope and Paddle's storage as their own clients know them, and their faults.

/hf   model information, resolve with a redirect to /cdn for large files, as huggingface_hub 2.4 asks for them
/ms   the list of files and the files, as modelscope_hub 0.5 asks for them
/bos  tar archives
"""

import hashlib
import io
import json
import re
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 10_000  # bytes from which a file is stored by LFS
PREFIXES = {"hf": "huggingface", "cdn": "huggingface", "ms": "modelscope", "bos": "bos"}
BOS_FOLDER = "paddlex/official_inference_model/paddle3.0.0"


@dataclass
class Fault:
    """What goes wrong with files that match; `path` may also be `listing`. `times` None: always.

    A file that is `held` comes byte by byte from its middle on, until the hub's `go_on` is set.
    """

    kind: str
    source: str = "*"
    path: str = "*"
    times: int | None = None


@dataclass
class Request:
    """A request as the hub saw it, and what it answered."""

    method: str
    source: str
    path: str
    range: str | None
    authorization: str | None
    status: int = 0
    sent: int = 0


@dataclass
class Commit:
    """The state of a repository."""

    id: str
    files: Mapping[str, bytes]


@dataclass
class Hub:
    """The server and all that it holds; a context manager."""

    commits: dict[tuple[str, str], Commit] = field(default_factory=dict)  # by repository and branch or commit
    archives: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    states_sizes: bool = True  # in the information about a model; some mirrors do not

    def __enter__(self) -> Self:
        self.closing = threading.Event()
        self.go_on = threading.Event()
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """What sends the clients here instead of to the real hubs."""
        return {
            "HF_ENDPOINT": f"{self.url}/hf",
            "MODELSCOPE_ENDPOINT": f"{self.url}/ms",
            "PADDLE_BOS_ENDPOINT": f"{self.url}/bos",
        }

    def add(self, repository: str, files: Mapping[str, bytes], branch: str = "main") -> str:
        """A new commit of a repository, on Hugging Face (`main`) or ModelScope (`master`); returns its id."""
        digest = hashlib.sha1(repository.encode())
        for name in sorted(files):
            digest.update(name.encode() + hashlib.sha1(files[name]).digest())
        commit = Commit(digest.hexdigest(), dict(files))
        self.commits[repository, branch] = self.commits[repository, commit.id] = commit
        return commit.id

    def add_archive(self, name: str, files: Mapping[str, bytes]) -> None:
        """An archive of Paddle's storage."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, data in files.items():
                member = tarfile.TarInfo(f"{name}_infer/{path}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        self.archives[f"/{BOS_FOLDER}/{name}_infer.tar"] = buffer.getvalue()

    def sent(self, path: str, source: str = "*") -> list[Request]:
        """The requests in which bytes of files like `path` were sent."""
        return [
            each
            for each in self.requests
            if each.sent and fnmatchcase(each.path, path) and fnmatchcase(each.source, source)
        ]

    def fault_for(self, source: str, path: str) -> str | None:
        """The kind of fault that hits this file now."""
        for fault in self.faults:
            if fault.times != 0 and fnmatchcase(source, fault.source) and fnmatchcase(path, fault.path):
                if fault.times is not None:
                    fault.times -= 1
                return fault.kind
        return None


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, prefix, rest = parts.path.split("/", 2)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.request_ = Request(
            self.command, PREFIXES[prefix], rest, self.headers.get("Range"), self.headers.get("Authorization")
        )
        self.hub.requests.append(self.request_)
        try:
            if self.request_.source in self.hub.down:
                self._problem(503)
            elif prefix == "hf":
                self._hugging_face(unquote(rest))
            elif prefix == "cdn":
                repository, commit, path = unquote(rest).split(":", 2)
                self._file(path, self.hub.commits[repository, commit].files[path], {})
            elif prefix == "ms":
                self._modelscope(unquote(rest), query)
            else:
                data = self.hub.archives.get(f"/{rest}")
                etag = f'"{hashlib.md5(data or b"").hexdigest()}"'
                self._file(rest, data, {"ETag": etag}) if data else self._problem(404)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _hugging_face(self, rest: str) -> None:
        if rest.startswith("api/models/"):
            repository, kind, revision = re.split("/(revision|tree)/", rest.removeprefix("api/models/"))
            self._listing(repository, revision, _entries if kind == "tree" else self._information)
            return
        repository, _, tail = rest.partition("/resolve/")
        revision, _, path = tail.partition("/")
        commit = self.hub.commits.get((repository, revision))
        if commit is None or path not in commit.files:
            self._problem(404, {"X-Error-Code": "EntryNotFound" if commit else "RevisionNotFound"})
            return
        data = commit.files[path]
        headers = {"X-Repo-Commit": commit.id, "ETag": f'"{_git_blob(data)}"'}
        if len(data) < LARGE:
            self._file(path, data, headers)
            return
        sha256 = hashlib.sha256(data).hexdigest()
        headers |= {"ETag": f'"{sha256}"', "X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(data))}
        # another name: the client must take it for another host, as the real one's storage is
        headers["Location"] = f"{self.hub.url.replace('127.0.0.1', 'localhost')}/cdn/{repository}:{commit.id}:{path}"
        self._reply(302, b"", headers)

    def _information(self, repository: str, commit: Commit) -> dict[str, Any]:
        siblings = []
        for entry in _entries(repository, commit):
            siblings.append({"rfilename": entry["path"]})
            if self.hub.states_sizes:
                siblings[-1] |= {"size": entry["size"], "blobId": entry["oid"]}
                if "lfs" in entry:
                    lfs = entry["lfs"]
                    siblings[-1]["lfs"] = {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
        return {"id": repository, "sha": commit.id, "private": False, "tags": [], "siblings": siblings}

    def _modelscope(self, rest: str, query: Mapping[str, str]) -> None:
        repository, _, what = rest.removeprefix("api/v1/models/").partition("/repo")
        if what == "/files":
            self._listing(repository, query["Revision"], _tree)
            return
        commit = self.hub.commits.get((repository, query.get("Revision", "")))
        path = query.get("FilePath", "")
        if commit is None or path not in commit.files:
            self._problem(404)
        else:
            self._file(path, commit.files[path], {})

    def _listing(self, repository: str, revision: str, render: Any) -> None:
        self.request_.path = "listing"
        fault = self.hub.fault_for(self.request_.source, "listing")
        commit = self.hub.commits.get((repository, revision))
        if fault and fault.startswith("status_"):
            self._problem(int(fault.removeprefix("status_")))
        elif fault == "stall":
            self.hub.closing.wait()
        elif commit is None:
            known = any(name == repository for name, _ in self.hub.commits)
            self._problem(404, {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"})
        else:
            data = json.dumps(render(repository, commit)).encode()
            self._reply(200, data, {"Content-Type": "application/json"})

    def _file(self, path: str, data: bytes, headers: dict[str, str]) -> None:
        self.request_.path = path
        fault = self.hub.fault_for(self.request_.source, path) if self.command == "GET" else None
        if fault and fault.startswith("status_"):
            self._problem(int(fault.removeprefix("status_")))
            return
        data = _spoiled(data, fault)
        start = 0
        if self.request_.range and (start := int(self.request_.range.removeprefix("bytes=").partition("-")[0])) >= len(
            data
        ):
            self._reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        body = data[start:]
        headers = headers | {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if self.request_.range:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._start(206 if self.request_.range else 200, len(body), headers)
        if self.command == "HEAD":
            return
        if fault in {"truncated", "stall"}:
            self._send(body[: len(body) // 2])
            if fault == "stall":
                self.hub.closing.wait()
            self.close_connection = True
        elif fault == "slow":  # the first half at once
            self._send(body[: len(body) // 2])
            for at in range(len(body) // 2, len(body), 4096):
                self._send(body[at : at + 4096])
                self.hub.closing.wait(0.1)
        elif fault == "held":
            at = len(body) // 2
            self._send(body[:at])
            while at < len(body) - 1 and not (self.hub.go_on.wait(0.1) or self.hub.closing.is_set()):
                self._send(body[at : at + 1])
                at += 1
            self._send(body[at:])
        else:
            self._send(body)

    def _problem(self, status: int, headers: Mapping[str, str] = {}) -> None:
        body = b"" if self.command == "HEAD" else json.dumps({"error": HTTPStatus(status).phrase}).encode()
        self._reply(status, body, {"Content-Type": "application/json", **headers})

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._start(status, len(body), headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _start(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.request_.status = status
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, data: bytes) -> None:
        self.request_.sent += len(data)  # first: whoever has it may be gone before this goes on
        self.wfile.write(data)
        self.wfile.flush()


def _spoiled(data: bytes, fault: str | None) -> bytes:
    match fault:
        case "short":
            return data[: len(data) // 2]
        case "wrong_bytes":
            return bytes(255 - byte for byte in data)
        case "flipped":
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        case "html":
            return b"<!DOCTYPE html><html><body>Access to the network is restricted</body></html>"
        case "pointer":
            return b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize %d\n" % (0, len(data))
    return data


def _git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _entries(_: str, commit: Commit) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for name, data in commit.files.items():
        entries.append({"type": "file", "path": name, "size": len(data), "oid": _git_blob(data)})
        if len(data) >= LARGE:
            sha256 = hashlib.sha256(data).hexdigest()
            entries[-1]["lfs"] = {"oid": sha256, "size": len(data), "pointerSize": 134}
    return entries


def _tree(_: str, commit: Commit) -> dict[str, Any]:
    files = [
        {
            "Path": name,
            "Name": name.rpartition("/")[2],
            "Type": "blob",
            "Size": len(data),
            "Sha256": hashlib.sha256(data).hexdigest(),
            "IsLFS": len(data) >= LARGE,
            "Revision": commit.id,
            "CommittedDate": 1_700_000_000,
        }
        for name, data in commit.files.items()
    ]
    folders = [
        {"Path": name, "Type": "tree", "Size": 0} for name in {n.partition("/")[0] for n in commit.files if "/" in n}
    ]
    return {"Code": 200, "Success": True, "Data": {"Files": files + folders}}
