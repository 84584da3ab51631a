"""The examples in the documentation: each fenced block of a page, and what a comment on the line above says of it.

    <!-- example: prints WORDS -->        what is printed holds these words
    <!-- example: serves -->              the block starts the server that all others ask
    <!-- example: not run: KEY -->        it cannot run in a test: `NOT_RUN` in test_examples.py says why
    <!-- example: picture -->             text that no program prints
    <!-- example: is NAME -->             JSON that is a `NAME` of server/schemas.py
    <!-- example: receiver -->            a program of the reader's own, tested by itself

A block without a comment is run (sh, python), is what the block before it prints (json, markdown, csv, text), or is read
by what the page says (toml).
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.running import ROOT

RUN = {"sh", "python"}
PRINTED = {"json", "markdown", "csv", "text"}
PAGES = ("README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"(?:^<!-- example: ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s+)#[^'\"]*$", re.MULTILINE)
_LIMIT_S = 200
_REFUSED = 22  # curl's exit code for a status of 400 or more, with --fail
_EXACT = {"status", "page", "page_number", "total_pages", "processed_pages", "index", "errorCode", "retry_after"}
_CHANGING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+|\d{8}_\d{6}|(?<=_)[0-9a-f]{8,24}")
_SHELL = """set -euo pipefail
curl() {{ command curl -sS --fail-with-body "$@"; }}
make() {{ # what is installed is not installed anew, and the tests do not run themselves
    case " $* " in *" test "*) set -- -n "$@" ;; esac
    command make -o .venv/.complete -o web/dist/index.html "$@"
}}
[ ! -e {state} ] || . {state}
{text}
export -p >{state}
"""


@dataclass(frozen=True)
class Block:
    """One example; `mark` is what the comment above it says."""

    page: str
    line: int
    language: str
    text: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands of a shell block, without comments."""
        joined = _COMMENT.sub("", self.text.replace("\\\n", ""))
        return [line.strip() for line in joined.splitlines() if line.strip()]


def blocks(page: str) -> list[Block]:
    """The examples of a page, in their order."""
    text = (ROOT / page).read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match[2], match[3], match[1] or ""))
    assert text.count("\n```") == 2 * len(found), f"{page}: a fence that is not read as a block"
    assert text.count("<!-- example:") == sum(bool(each.mark) for each in found), f"{page}: a comment above no block"
    return found


def with_what_they_print(page: str) -> Iterator[tuple[Block, Block | None]]:
    """Each block that runs, and the block after it where that shows what is printed."""
    listed = blocks(page)
    for block, following in zip(listed, [*listed, None][1:], strict=True):
        if block.language in RUN:
            shows = following is not None and following.language in PRINTED and not following.mark
            yield block, following if shows else None


@dataclass(frozen=True)
class Reader:
    """Somebody who tries the examples of one page after the other, in a clone of the repository."""

    folder: Path
    environment: Mapping[str, str]
    placeholders: Mapping[str, Callable[[], str]]
    replaced: Mapping[str, str]

    def try_out(self, block: Block, shown: Block | None) -> str:
        """Run a block, which has to end well and print what is shown; returns what it prints."""
        text = block.text
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        for word, look_up in self.placeholders.items():
            if re.search(alone := rf"(?<![\w-]){word}\b", text):
                text = re.sub(alone, look_up(), text)
        if block.language == "sh":
            text = _SHELL.format(text=text, state=self.folder / ".state")
        done = subprocess.run(
            ["bash", "-c", text] if block.language == "sh" else [self.folder / ".venv/bin/python", "-c", text],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        assert done.returncode == (_REFUSED if shown and _tells_of_an_error(shown) else 0), (
            f"{block}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        if block.mark.startswith("prints "):
            assert block.mark.removeprefix("prints ") in done.stdout, f"{block}: {done.stdout}"
        if shown:
            _compare(shown, done.stdout)
        return done.stdout


def _tells_of_an_error(shown: Block) -> bool:
    """Whether it is an error's body, in one of the shapes of server/error_shapes.py."""
    value = json.loads(shown.text) if shown.language == "json" else None
    return isinstance(value, dict) and (
        str(value.get("type")).startswith("urn:offline-ocr:problem:")
        or isinstance(value.get("error"), dict)
        or value.get("errorCode", 0) != 0
    )


def _compare(shown: Block, printed: str) -> None:
    if shown.language == "json":
        differences = list(differing(json.loads(shown.text), last_json(printed)))
        assert not differences, f"{shown}: {'; '.join(differences)}\n{printed[-3000:]}"
        return
    pattern = re.escape(shown.text.strip()).replace("…", ".*")
    assert re.fullmatch(pattern, printed.replace("\r", "").strip(), re.DOTALL), f"{shown}: {printed[-3000:]}"


def last_json(printed: str) -> Any:
    """The last value that was printed."""
    decoder, rest, value = json.JSONDecoder(), printed.strip(), None
    while rest:
        value, end = decoder.raw_decode(rest)
        rest = rest[end:].strip()
    return value


def differing(shown: Any, real: Any, at: str = "$") -> Iterator[str]:
    """Where a reply is not as shown. `…` stands for further text, elements, or keys; times, names and numbers differ."""
    if shown == "…":
        return
    if isinstance(shown, dict) and isinstance(real, dict):
        keys = shown.keys() - {"…"}
        if keys != real.keys() and ("…" not in shown or keys - real.keys()):
            yield f"{at}: keys {sorted(keys ^ real.keys())}"
        for key in keys & real.keys():
            yield from differing(shown[key], real[key], f"{at}.{key}")
    elif isinstance(shown, list) and isinstance(real, list):
        wanted = [each for each in shown if each != "…"]
        if len(wanted) != len(real) and not (len(wanted) < len(shown) and len(wanted) <= len(real)):
            yield f"{at}: {len(real)} elements"
        for index, (each, other) in enumerate(zip(wanted, real, strict=False)):
            yield from differing(each, other, f"{at}[{index}]")
    elif isinstance(shown, str) and isinstance(real, str):
        pattern = re.escape(_CHANGING.sub("*", shown)).replace("…", ".*")
        if not re.fullmatch(pattern, _CHANGING.sub("*", real), re.DOTALL):
            yield f"{at}: {real!r} is not {shown!r}"
    elif at.rpartition(".")[2] in _EXACT or isinstance(shown, bool | None):
        if (type(shown), shown) != (type(real), real):
            yield f"{at}: {real!r} is not {shown!r}"
    elif not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (shown, real)):
        yield f"{at}: {real!r} is not like {shown!r}"
