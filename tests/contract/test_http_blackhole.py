"""Nothing in the server tries to reach a network: not at the start, not at work, not for its own web pages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract import samples
from tests.contract.blackhole import BlackHole
from tests.contract.routes import HIDDEN
from tests.contract.running import TOKEN, Server, wait_for

pytestmark = pytest.mark.contract

# Talks to the server from inside the namespace, over its loopback device: requests on stdin, statuses and texts out.
_CALLER = """
import json, sys, time, urllib.error, urllib.request
url, token, path = sys.argv[1:]
headers = {"X-API-Key": token}
def get(address, data=None, kind=None):
    request = urllib.request.Request(url + address, data, headers | ({"Content-Type": kind} if kind else {}))
    try:
        with urllib.request.urlopen(request, timeout=100) as reply:
            return reply.status, reply.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except OSError:
        return 0, ""
for _ in range(2000):
    if get("/health/ready")[0] == 200:
        break
    time.sleep(0.05)
found = {address: get(address)[0] for address in json.load(sys.stdin)}
start, end = b'--b\\r\\nContent-Disposition: form-data; name="file"; filename="a"\\r\\n\\r\\n', b"\\r\\n--b--\\r\\n"
body = start + open(path, "rb").read() + end
status, text = get("/ocr", body, "multipart/form-data; boundary=b")
found["text"] = json.loads(text)["text"] if status == 200 else status
print(json.dumps(found))
"""
_ATTEMPT = "import socket; s = socket.socket(); s.settimeout(0.2); s.connect(('93.184.216.34', 443))"


@pytest.mark.timeout(300)
def test_not_one_packet(hole: BlackHole, tmp_path: Path) -> None:
    addresses = [route.path for route in HIDDEN] + ["/", "/models", "/metrics", "/debug/info", "/health"]
    document = tmp_path / "a.pdf"
    document.write_bytes(samples.pdf(2))
    questions = tmp_path / "questions"
    questions.write_text(json.dumps(addresses))
    with Server(prefix=hole.prefix, PDF_DPI="72") as server:
        command = ["sh", "-c", f'exec "$@" < {questions}', "sh", sys.executable, "-c", _CALLER]
        done = hole.run(*command, server.url, TOKEN, str(document), limit_s=200)
        assert done.returncode == 0, done.stderr + server.output()
        found = json.loads(done.stdout)
        assert found.pop("text") == "Sheet 1\n\fSheet 2"
        assert found == dict.fromkeys(addresses, 200)
        assert server.stop() == 0
        server.assert_nothing_left()
    assert hole.attempts() == 0

    assert hole.run(sys.executable, "-c", _ATTEMPT).returncode != 0
    counted = hole.attempts()
    assert counted > 0  # the counter counts
    asking = subprocess.Popen(
        [*hole.prefix, sys.executable, "-c", "import socket; socket.getaddrinfo('example.com', 443)"],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: hole.attempts() > counted, "look-ups are counted, too")
    finally:
        asking.kill()
        asking.wait()
