"""`offline-ocr compare FILE`: a document read by several models, one after the other so that their times compare fairly."""

import difflib
import json
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.client.alone import read_alone
from server.client.api import Api
from server.client.arguments import fields
from server.client.display import Display
from server.client.errors import Failed, NotTheServer, WrongUsage
from server.client.likeness import likeness
from server.client.output import print_line, table
from server.client.reading import Reader

_HEAD = ("model", "seconds", "pages", "confidence", "verdicts", "characters", "likeness")


@dataclass(frozen=True, slots=True)
class Read:
    """What a model made of the document; `seconds` are the engine's own."""

    model: str
    seconds: float
    confidence: float | None
    verdicts: Mapping[str, int]
    pages: Sequence[str]

    @property
    def text(self) -> str:
        return "\n\n".join(self.pages)


async def run(given: Namespace, api: Api, display: Display, wait_s: int) -> int:
    """The exit code: 1 when a model, or a page by one, failed; the others go on. Raises ClientError, OSError."""
    options = fields(given)
    found, code = [], 0
    for name in await _names(given.models, api):
        reader = Reader(api, ("json",), {**options, "model_name": name}, wait_s)
        try:
            reading = await read_alone(reader, given.file, display)
        except Failed as error:
            display.say(f"{name}: {error}")
            code = 1
        else:
            found.append(from_reply(reading.results["json"]))
            code = max(code, int(reading.job.failed_pages > 0))
    if found:
        print_line(table(_HEAD, [_row(read, found[0]) for read in found]))
        for line in differences(found) if given.diff else texts(found):
            print_line(line)
    return code


async def _names(given: str | None, api: Api) -> list[str]:
    if given is None:
        names = (await api.get("/models", "loaded_models"))["loaded_models"]
        if not names:
            raise WrongUsage("No model is loaded; name some with --models.")
    else:
        names = [name.strip() for name in given.split(",")]
        if not all(names):
            raise WrongUsage("--models takes names separated by commas.")
    return list(dict.fromkeys(names))


def from_reply(content: bytes) -> Read:
    """From the JSON of `/ocr` for an image, or for a document. Raises NotTheServer for anything else."""
    try:
        reply = json.loads(content)
        pages = reply.get("pages")
        if pages is None:
            pages, seconds = [reply], reply["timing"]["inference_seconds"]
        else:
            seconds = sum(page["timing_seconds"] for page in pages)
        verdicts = Counter(str(page["verdict"]) for page in pages)
        return Read(reply["model"], seconds, reply["confidence"], verdicts, [page["text"] or "" for page in pages])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotTheServer("The server's result is none that this client understands.") from error


def _row(read: Read, first: Read) -> tuple[Any, ...]:
    verdicts = ", ".join(f"{verdict} {count}" for verdict, count in sorted(read.verdicts.items()))
    confidence = None if read.confidence is None else f"{read.confidence:.3f}"
    alike = f"{likeness(first.pages, read.pages):.3f}"
    return read.model, f"{read.seconds:.2f}", len(read.pages), confidence, verdicts, sum(map(len, read.pages)), alike


def texts(found: Sequence[Read]) -> list[str]:
    """Each text under its model's name."""
    return [f"\n==> {read.model} <==\n{read.text}" for read in found]


def differences(found: Sequence[Read]) -> list[str]:
    """A unified diff of each text against the first one's."""
    first, *others = found
    lines = first.text.splitlines()
    return [
        "\n" + "\n".join(difflib.unified_diff(lines, other.text.splitlines(), first.model, other.model, lineterm=""))
        for other in others
    ]
