"""Print what models read on the page of the verification, as `known_texts.json` has it: for weights of one's own.

    PADDLEX_HOME=… python -m scripts.known_texts MODEL… [--max-new-tokens N] > known_texts.json

It runs outside of any image; `make verify-offline KNOWN=known_texts.json` then holds the image against it.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx2

from scripts.local_server import running
from scripts.verify import known
from server import catalog, lock

_LOADING_S = 600


def main() -> int:
    """Read the page with each model; the exit code is 1 when one cannot."""
    parser = argparse.ArgumentParser(prog="scripts.known_texts", description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument(
        "--max-new-tokens", type=int, metavar="N", help="weights trained on nothing never come to an end"
    )
    given = parser.parse_args()
    options = {} if given.max_new_tokens is None else {"max_new_tokens": given.max_new_tokens}
    home = Path(os.environ["PADDLEX_HOME"])
    models, locks = catalog.read(home), lock.read(home / lock.FILE_NAME)
    found: dict[str, Any] = {}
    with running({"PRELOAD": "none", "QUEUE_MAX_WAIT_S": str(_LOADING_S)}) as client:
        for model in given.models:
            reply = _read(client, model, options)
            if reply.status_code != httpx2.codes.OK:
                print(f"{model}: {reply.text}", file=sys.stderr)
                return 1
            weights = [locks[each.name] for each in models[model].weights]
            found[model] = {known.digest(weights): {"options": options, "text": reply.json()["text"]}}
    print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


def _read(client: httpx2.Client, model: str, options: dict[str, int]) -> httpx2.Response:
    fields = {"model_name": model, **{name: str(value) for name, value in options.items()}}
    reply = client.post("/ocr", files={"file": known.PAGE.read_bytes()}, data=fields)
    client.post(f"/models/{model}/unload")
    return reply


if __name__ == "__main__":
    sys.exit(main())
