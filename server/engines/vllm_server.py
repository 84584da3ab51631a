"""`vllm serve` beside an engine: started, waited for, watched and ended. Standard library only: any engine may use it.

It listens on a Unix socket, so that nothing else on the network of this machine can reach it. It lives in its engine
worker's process group and dies with it. When it ends, or does not answer while it has nothing to do, the worker ends, too,
and the supervisor starts both anew.
"""

import http.client
import json
import logging
import math
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from server import stacks
from server.engines.base import CannotLoadError
from server.engines.vllm_arguments import arguments, environment
from server.engines.vllm_log import LogForwarder

_EX_SOFTWARE = 70  # sysexits.h
_CLOSE_S = 8.0
_LAST_WORDS_S = 2.0
_CANARY_EVERY_S = 10.0
_CANARY_WAITS_S = 25.0

log = logging.getLogger("server.engines.vllm_server")


class VllmServer:
    """One model, served by vLLM's OpenAI-compatible server. `socket` is where, once it is started."""

    def __init__(self, folder: Path, name: str, serve: Mapping[str, Any], gpu_share: float | None) -> None:
        """`folder` holds the weights, `name` is what requests call the model, `serve` are arguments of `vllm serve`.

        `gpu_share` (0–1) is how much of the GPU's memory it takes; None is vLLM's own choice.
        """
        cpu = stacks.vllm_is_for_cpu()
        self.socket = Path.home() / "vllm.sock"  # a worker's home is its own, and empty
        self._name = name
        self._command = (
            *(str(stacks.python_of("vlm")), "-m", "server.engines.vllm_main", "serve", str(folder)),
            *("--served-model-name", name, "--uds", str(self.socket)),
            *arguments(serve, gpu_share, cpu=cpu),
        )
        self._variables = environment(Path.home(), cpu=cpu)
        if plugins := os.environ.get(stacks.VLLM_PLUGINS):
            self._variables["PYTHONPATH"] = plugins
        self._log = LogForwarder()
        self._heard = -math.inf
        self._closing = threading.Event()

    def start(self) -> None:
        """Start it and wait until it answers. Raises CannotLoadError when it ends instead."""
        self.socket.unlink(missing_ok=True)
        log.info("starting: %s", " ".join(self._command[2:]))
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, **self._variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        output = self._process.stdout
        forwarding = threading.Thread(target=self._log.forward, args=(output,), name="vllm-log", daemon=True)
        forwarding.start()
        while not self._is_healthy():
            if self._process.poll() is not None:
                forwarding.join(_LAST_WORDS_S)
                code = self._process.returncode
                why = self._log.cause or "its log says why"
                raise CannotLoadError(f"vLLM ended while loading, with exit code {code}: {why}")
            time.sleep(0.2)

    def watch(self, is_idle: Callable[[], bool]) -> None:
        """From now on end this process when the server ends, or fails to answer a request while `is_idle`."""
        threading.Thread(target=self._watch_process, name="vllm-watch", daemon=True).start()
        threading.Thread(target=self._send_canaries, args=(is_idle,), name="vllm-canary", daemon=True).start()

    def prove_alive(self) -> None:
        """Return when it has answered a request of one token; end this process when it cannot.

        `/health` may say that all is well after the engine behind it has died; an answered request does not lie. One that
        must wait behind others is no bad sign as long as anything is heard of those.
        """
        body = {"model": self._name, "prompt": "a", "max_tokens": 1}
        outcome = self._ask("POST", "/v1/completions", _CANARY_WAITS_S, json.dumps(body))
        waits = isinstance(outcome, TimeoutError) and time.monotonic() - self._heard < _CANARY_WAITS_S
        if outcome == http.client.OK or waits:
            return
        if isinstance(outcome, OSError) and not isinstance(outcome, TimeoutError | ConnectionError | FileNotFoundError):
            log.warning("vLLM could not be asked whether it is alive: %r", outcome)  # our own trouble
        else:
            self._give_up(f"vLLM did not answer a request of one token: {outcome!r}")

    def heard(self) -> None:
        """It has said something."""
        self._heard = time.monotonic()

    def close(self) -> None:
        """End it: requests in work are given a few seconds."""
        self._closing.set()
        self._log.closing = True
        self._process.terminate()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _watch_process(self) -> None:
        self._process.wait()
        self._give_up(f"vLLM ended by itself, with exit code {self._process.returncode}")

    def _send_canaries(self, is_idle: Callable[[], bool]) -> None:
        while not self._closing.wait(_CANARY_EVERY_S):
            if is_idle():
                self.prove_alive()

    def _give_up(self, why: str) -> None:
        if not self._closing.is_set():
            log.error("%s", why)
            os._exit(_EX_SOFTWARE)  # the supervisor ends what is left of it, and asks again for what was in work

    def _is_healthy(self) -> bool:
        return self._ask("GET", "/health", 5.0) == http.client.OK

    def _ask(self, method: str, path: str, timeout_s: float, body: str | None = None) -> int | Exception:
        """The reply's status, or what went wrong."""
        connection = _UnixConnection(self.socket, timeout_s)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return error
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("vllm", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
