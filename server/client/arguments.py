"""What the user types."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from server.client.environment import DEFAULT_URL, TOKEN, URL
from server.client.errors import WrongUsage
from server.client.folder import RESULT_SUFFIXES

_EPILOG = f"""\
environment:
  {URL}    where the server is (default: {DEFAULT_URL})
  {TOKEN}  the token for it (default: none)

exit codes:
  0 all well   1 something failed, or a page could not be read   2 wrong usage
  3 no connection, or no answer in time   4 token refused   130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; `command` names the one given."""
    root = argparse.ArgumentParser(
        prog="offline-ocr",
        description="Read documents by an offline-ocr server.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    forms = sorted(RESULT_SUFFIXES)

    ocr = commands.add_parser("ocr", help="read documents and print what is in them")
    ocr.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a PDF or an image")
    ocr.add_argument("--format", choices=forms, default="md", help="form of the result (default: md)")
    ocr.add_argument("--out", type=Path, metavar="DIR", help="write DIR/FILE.md and so on instead of printing")
    _reading(ocr)

    batch = commands.add_parser("batch", help="read all documents below a folder; run again, it goes on")
    batch.add_argument("folder", type=Path, metavar="DIR", help="folder of documents")
    batch.add_argument("--out", type=Path, required=True, metavar="OUT", help="folder of results, laid out like DIR")
    batch.add_argument("--format", choices=forms, action="append", help="form of the results; may be given repeatedly")
    batch.add_argument("--parallel", type=_count, default=4, metavar="N", help="documents at once, 1-64 (default: 4)")
    batch.add_argument(
        "--patience",
        type=_seconds,
        default=600.0,
        metavar="SECONDS",
        help="give up after this time without any progress (default: 600)",
    )
    _reading(batch)

    compare = commands.add_parser("compare", help="read a document by several models and compare")
    compare.add_argument("file", type=Path, metavar="FILE", help="a PDF or an image")
    compare.add_argument("--models", metavar="A,B", help="names, separated by commas (default: all loaded models)")
    compare.add_argument("--diff", action="store_true", help="print differences from the first model's text, not texts")
    _options(compare)

    _jobs(commands.add_parser("jobs", help="list, show, cancel jobs, print their results"), forms)
    for name, text in (("models", "list the models"), ("health", "tell how the server is; exit code 1: not ready")):
        commands.add_parser(name, help=text).add_argument("--json", action="store_true", help="print JSON")
    return root


def _reading(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", metavar="NAME", help="a model of `models` (default: the server's)")
    _options(command)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--pages", metavar="RANGES", help="pages to read, such as 1-3,7 (default: all)")
    command.add_argument(
        "--option",
        action="append",
        default=[],
        type=_option,
        metavar="NAME=VALUE",
        help="any other option of the API, such as lang=rus; may be given repeatedly",
    )


def _jobs(jobs: argparse.ArgumentParser, forms: Sequence[str]) -> None:
    actions = jobs.add_subparsers(dest="action", metavar="ACTION")
    # `jobs` alone lists, too: what its parser would have set
    jobs.set_defaults(action="list", state=None, limit=50, json=False)
    listed = actions.add_parser("list", help="the newest jobs (what `jobs` alone does)")
    listed.add_argument("--state", choices=("queued", "running", "done", "failed", "cancelled"))
    listed.add_argument("--limit", type=_many, default=50, metavar="N", help="how many (default: 50)")
    show = actions.add_parser("show", help="one job")
    show.add_argument("--follow", action="store_true", help="print what happens until it ends")
    cancel = actions.add_parser("cancel", help="stop a job that has not ended")
    result = actions.add_parser("result", help="print a job's result, the part there is while it runs")
    result.add_argument("--format", choices=forms, default="md", help="form of the result (default: md)")
    result.add_argument("--file", type=_index, default=0, metavar="N", help="which document of the job (default: 0)")
    for action in (show, cancel, result):
        action.add_argument("id", metavar="ID")
    for action in (jobs, listed, show):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")


def fields(given: argparse.Namespace) -> dict[str, str]:
    """The options of the API that were given. Raises WrongUsage for one that was given twice."""
    named = [("model_name", vars(given).get("model")), ("pages", given.pages), *given.option]
    found: dict[str, str] = {}
    for name, value in named:
        if value is None:
            continue
        if name in found:
            raise WrongUsage(f"{name} is given twice.")
        found[name] = value
    return found


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _whole(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


def _count(text: str) -> int:
    return _whole(text, 1, 64)


def _many(text: str) -> int:
    return _whole(text, 1, 100_000)


def _index(text: str) -> int:
    return _whole(text, 0, 9999)


def _seconds(text: str) -> float:
    return float(_whole(text, 1, 7 * 24 * 3600))
