"""Runs inside a container, by its own Python: asks the server there, because no port of it can be reached from outside.

Prints one JSON line. Arguments: the seconds to wait for, then model names; the demo document is read by each.
"""

import json
import sys
import time
from pathlib import Path

import httpx2


def main(limit: str, *models: str) -> None:
    """Wait until it is ready, then read."""
    headers = {"Authorization": "Bearer token-of-the-image-tests"}
    with httpx2.Client(base_url="http://127.0.0.1:8081", headers=headers, timeout=600, trust_env=False) as client:
        end = time.monotonic() + float(limit)
        while time.monotonic() < end:
            try:
                if client.get("/health/ready").status_code == 200:
                    break
            except httpx2.TransportError:
                pass
            time.sleep(0.02)
        found = {}
        for model in models:
            document = Path("/opt/offline-ocr/demo/document.pdf").read_bytes()
            reply = client.post("/ocr", files={"file": document}, data={"model_name": model})
            found[model] = {"status": reply.status_code, "text": reply.json().get("text", "")}
    print(json.dumps(found))


main(*sys.argv[1:])
