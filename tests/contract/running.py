"""A real server to test from outside: `python -m server` in a process of its own on a free loopback port.

Every process that belongs to it is known by its TMPDIR, which the server hands down to each of its children.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import httpx2

ROOT = Path(__file__).parents[2]
TOKEN = "tok-4f1d9c-of-the-contract-tests"
PROBLEM_KEYS = {"type", "title", "status", "detail", "code", "request_id"}
PAGES_AT_ONCE = min(4, len(os.sched_getaffinity(0)))
"""How many pages pp-ocr has in work together (server/engines/rapidocr.py)."""
_KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TESSDATA_PREFIX")

T = TypeVar("T")


def wait_for(look: Callable[[], T], what: str, limit_s: float = 100) -> T:
    """What `look` returns as soon as that is true; fails after a time that is never reached on a sound server."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"{what}: not within {limit_s} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def held_port() -> Iterator[int]:
    """A port that nobody answers at, and that no other process is given meanwhile.

    Whoever binds it on purpose gets it: with SO_REUSEADDR Linux lets several sockets have a port while one of them listens.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """While inside, the process stands still; it may be killed meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class Server:
    """One server; as a context manager it is killed at the end with all that it started."""

    def __init__(
        self,
        *,
        prefix: Sequence[str] = (),
        command: Sequence[str] = (sys.executable, "-m", "server"),
        tmp: Path | None = None,
        **variables: str,
    ) -> None:
        self.command = (*prefix, *command)
        self.folder = Path(tempfile.mkdtemp(prefix="oo-"))  # short: the path of a Unix socket has to fit
        self.tmp = tmp or self.folder / "t"
        self._holding = ExitStack()  # to the end: the port is ours also between two processes that have it in turn
        self.port = self._holding.enter_context(held_port())
        self.url = f"http://{variables.get('HOST', '127.0.0.1')}:{self.port}"
        self.environment = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "API_TOKENS": TOKEN,
            "DATA_DIR": str(self.folder / "data"),
            "TMPDIR": str(self.tmp),
            "CACHE_MB": "0",  # the same document is sent again and again, and is meant to be read each time
            **variables,
        }
        self._output = self.folder / "output"

    def __enter__(self) -> Self:
        self.tmp.mkdir(exist_ok=True)
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={name: value for name, value in self.environment.items() if value},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.client = self.new_client()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
        for pid in self.processes():
            _kill(pid)
        wait_for(lambda: not self.processes(), "the server's processes end")
        self._holding.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def new_client(self, token: str | None = TOKEN, timeout_s: float = 90) -> httpx2.Client:
        """A client of its own; with `token` None it sends no credentials."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # the server closes an idle connection after 5 s: nothing is to be sent over one that it is about to close
        limits = httpx2.Limits(keepalive_expiry=1)
        return httpx2.Client(base_url=self.url, headers=headers, timeout=timeout_s, limits=limits, trust_env=False)

    def live(self) -> Self:
        """Wait until the process answers."""
        wait_for(self._answers, "the server answers")
        return self

    def ready(self, limit_s: float = 100) -> Self:
        """Wait until requests are served."""
        self.live()
        wait_for(lambda: self.client.get("/health/ready").status_code == 200, "the server is ready", limit_s)
        return self

    def _answers(self) -> bool:
        if (code := self.process.poll()) is not None:
            raise AssertionError(f"the server ended with {code}: {self.output()}")
        try:
            return self.client.get("/health/live").status_code == 200
        except httpx2.TransportError:
            return False

    def ocr(self, data: bytes, name: str = "x", **fields: str) -> httpx2.Response:
        """POST /ocr with a form, over a connection of its own: it may be called from any thread."""
        with self.new_client() as client:
            return client.post("/ocr", files={"file": (name, data)}, data=fields)

    def health(self) -> dict[str, Any]:
        reply: dict[str, Any] = self.client.get("/health").json()
        return reply

    def worker(self, model: str = "pp-ocr") -> dict[str, Any] | None:
        """Pid, memory and restarts of the model's worker as the server states them; None while there is none."""
        found: dict[str, Any] | None = self.client.get("/debug/info").json()["workers"].get(model)
        return found

    def is_busy(self) -> bool:
        return self.health()["models"]["pp-ocr"] == "busy"

    @contextmanager
    def engine_stopped(self, model: str = "pp-ocr") -> Iterator[None]:
        """Inside, the model's worker stands still: what is in work stays so, however slow the test itself is."""
        with frozen(wait_for(lambda: self.worker(model), "a worker")["pid"]):
            yield

    def is_at_rest(self) -> bool:
        """Whether the HTTP process has done all it can do now: no thread of it runs, or has run for a moment."""
        before = self._threads()
        time.sleep(0.02)
        return self._threads() == before and all("State:\tS" in each for each in before.values())

    def _threads(self) -> dict[str, str]:
        """State and context switches of each thread."""
        found = {}
        for folder in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
                found[folder.name] = (folder / "status").read_text()
        return found

    def metric(self, name: str) -> float:
        """The sum of a metric over all its labels, or for those in the name; 0 when it has none yet."""
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((name + "{", name + " ")))

    def processes(self) -> dict[int, str]:
        """Command lines of everything alive that this server started, itself included, by pid."""
        mark = f"\0TMPDIR={self.tmp}\0".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in b"\0" + (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                continue
        return found

    def processes_of(self, part: str) -> list[int]:
        """The processes with `part` in their command lines."""
        return [pid for pid, command in self.processes().items() if part in command]

    def rss_mb(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def spooled(self) -> list[Path]:
        """What lies in the spool, its lock apart."""
        return [path for path in self.tmp.glob("offline-ocr-spool-*/*") if path.name != "lock"]

    def output(self) -> str:
        return self._output.read_text("utf-8")

    def log(self) -> list[dict[str, Any]]:
        """The log so far; the last line may be in the writing."""
        return [json.loads(line) for line in self.output().splitlines(keepends=True) if line.endswith("\n")]

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(110)

    def assert_nothing_left(self) -> None:
        """After its end: no process, no spool."""
        wait_for(lambda: not self.processes(), f"all children end ({self.processes()})")
        assert list(self.tmp.glob("offline-ocr-spool-*")) == []


class Later(Generic[T]):
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except Exception as error:  # noqa: BLE001 raised again where the result is asked for
            self._error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> T:
        self._thread.join(100)
        assert self.done, "the call still hangs"
        if hasattr(self, "_error"):
            raise self._error
        return self._result


def assert_problem(reply: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The reply is an error in the one shape that errors have; returns it."""
    is_message = reply.request.url.path == "/mcp"
    media_type = "application/json" if is_message else "application/problem+json"
    assert (reply.status_code, reply.headers.get("content-type")) == (status, media_type), reply.text
    problem: dict[str, Any] = reply.json()["error"]["data"] if is_message else reply.json()
    assert set(problem) - {"retry_after"} == PROBLEM_KEYS
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"].endswith(code)
    assert isinstance(problem["detail"], str)
    assert problem["detail"]
    assert problem["title"]
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert reply.headers.get_list("x-request-id") == [problem["request_id"]]
    if "retry_after" in problem:
        assert int(reply.headers["retry-after"]) == problem["retry_after"] >= 1
    return problem


def assert_error(reply: httpx2.Response, status: int, code: str | None = None) -> str:
    """The reply is an error in the words of the wire format that its address speaks; returns what is wrong."""
    path, body = reply.request.url.path, reply.json()
    if not path.startswith("/v1/") and path not in {"/layout-parsing", "/restructure-pages"}:
        problem = body["error"]["data"] if path == "/mcp" else body
        return str(assert_problem(reply, status, code or problem["code"])["detail"])
    assert (reply.status_code, reply.headers.get("content-type")) == (status, "application/json"), reply.text
    if not path.startswith("/v1/"):
        assert body == {"logId": reply.headers["x-request-id"], "errorCode": status, "errorMsg": body["errorMsg"]}
        return str(body["errorMsg"])
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["code"] == code or code is None, body
    assert reply.headers["x-request-id"]
    return str(body["error"]["message"])


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
