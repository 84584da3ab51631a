"""`make demo`: start the server, send it a document with a bearer token, print the Markdown.

The Markdown goes to stdout, everything else to stderr. Exit code 0, or 1 with the server's reason.
"""

import argparse
import sys
import time
from pathlib import Path

from scripts.local_server import running


def main() -> int:
    """Read one document and print it."""
    arguments = argparse.ArgumentParser(prog="make demo", description="Read one document and print its Markdown.")
    arguments.add_argument("file", type=Path, help="a PDF or an image")
    arguments.add_argument("--model", default="pp-ocr", help="a model of server/catalog.toml")
    given = arguments.parse_args()
    if not given.file.is_file():
        _say(f"{given.file} is not a file.")
        return 1
    _say("Starting the server …")
    with running({"DEFAULT_MODEL": given.model}) as client:
        _say(f"Ready at {client.base_url}. Sending {given.file.name} …")
        started = time.perf_counter()
        with given.file.open("rb") as document:
            reply = client.post("/ocr", files={"file": document}, headers={"Accept": "text/markdown"})
        if reply.status_code != 200:
            _say(f"{reply.json()['title']}: {reply.json()['detail']}")
            return 1
        _say(f"Read in {time.perf_counter() - started:.1f} s:\n")
        sys.stdout.write(reply.text + "\n")
    _say("\nTo look at documents in a browser: API_TOKENS=my-token make run, then http://localhost:8081/")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
