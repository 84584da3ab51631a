"""`offline-ocr`, or `python -m server.client`."""

import asyncio
import os
import sys
from argparse import Namespace

from stamina.instrumentation import set_on_retry_hooks

from server.client import arguments, compare, environment, jobs, ocr, status
from server.client.api import Api
from server.client.batch import Batch
from server.client.display import Display
from server.client.errors import INTERRUPTED, ClientError
from server.client.folder import documents_in
from server.client.output import print_line
from server.client.patience import Patience
from server.client.reading import Reader

_PATIENCE_S = 600.0  # for a server that goes away while somebody waits for a document
_LOOK_S = 5  # between two looks at a job while somebody looks on; a gateway's minute is not reached either way
_WAIT_S = 30


def main() -> int:
    """Do what the arguments say. Returns the exit code; what went wrong is one line on stderr."""
    set_on_retry_hooks([])  # the display tells of retries
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files can be any bytes
    given = arguments.parser().parse_args()
    display = Display()
    try:
        code = asyncio.run(_run(given, display))
        sys.stdout.flush()
    except KeyboardInterrupt:
        again = " The same command goes on where this one stopped." if given.command == "batch" else ""
        display.say(f"Interrupted.{again}")
        return INTERRUPTED
    except ClientError as error:
        display.say(f"offline-ocr: {error}")
        return error.exit_code
    except BrokenPipeError:
        # whoever read our output has seen enough; nor may Python try to flush the rest of it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        display.say(f"offline-ocr: {error.filename or 'the output'}: {error.strerror}")
        return 1
    return code


async def _run(given: Namespace, display: Display) -> int:
    place = environment.read(os.environ)
    async with Api(place, _patience(given, display)) as api:
        match given.command:
            case "ocr":
                order = ocr.Order(given.files, given.format, given.out)
                reader = Reader(api, (given.format,), arguments.fields(given), _look_s(display))
                return await ocr.run(order, reader, display)
            case "batch":
                return await _batch(given, api, display)
            case "compare":
                return await compare.run(given, api, display, _look_s(display))
            case "jobs":
                return await jobs.run(given, api)
            case "models":
                return await status.models(api, as_json=given.json)
        return await status.health(api, as_json=given.json)


def _patience(given: Namespace, display: Display) -> Patience:
    match given.command:
        case "batch":
            return Patience(given.patience, display.say, from_the_start=True)
        case "ocr" | "compare":
            return Patience(_PATIENCE_S, display.say)
        case "jobs" if given.action == "show" and given.follow:
            return Patience(_PATIENCE_S, display.say)
    return Patience(0, display.say)


def _look_s(display: Display) -> int:
    return _LOOK_S if display.live else _WAIT_S


async def _batch(given: Namespace, api: Api, display: Display) -> int:
    documents = documents_in(given.folder)
    forms = tuple(dict.fromkeys(given.format or ["md"]))
    reader = Reader(api, forms, arguments.fields(given), _look_s(display))
    batch = Batch(given.folder, documents, given.out, reader, display)
    try:
        await batch.run(given.parallel)
    finally:
        print_line(batch.summary.text(len(documents)))
    return batch.summary.exit_code


if __name__ == "__main__":
    sys.exit(main())
