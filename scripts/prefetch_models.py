"""Bring the models' weights into PADDLEX_HOME, whole and verified, or fail; say exactly what is there.

    prefetch_models.py fetch [MODEL …] [--to DIR] [--source-dir DIR]    from the hubs, or from a folder
    prefetch_models.py check [MODEL …] [--to DIR]                       every byte against the lock, without network
    prefetch_models.py lock  [MODEL …] [--to DIR]                       write the lock from what lies in DIR
    prefetch_models.py list  [--to DIR]                                 the catalogue

`fetch` needs huggingface_hub and modelscope; the others need the standard library only. Tokens come from HF_TOKEN or a
secret file, never from an argument.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # it runs as a file in a build stage, where nothing is installed

from scripts.prefetch import progress  # noqa: E402
from scripts.prefetch.errors import Damaged, NoRoom, NotFetched, PrefetchError  # noqa: E402
from scripts.prefetch.fetch import STAGING, Fetcher  # noqa: E402
from scripts.prefetch.hashing import Meter, side_by_side  # noqa: E402
from scripts.prefetch.source import Source  # noqa: E402
from scripts.prefetch.verify import damages, names_in  # noqa: E402
from server import catalog, lock  # noqa: E402
from server.lock import LockedFile, LockedWeights  # noqa: E402
from server.weights import Weights  # noqa: E402

_EXIT_CODES = """exit codes: 0 everything is there and verified; 1 some weights could not be fetched; 2 wrong usage;
3 files are not what the lock says; 4 no room, or the folder cannot be written; 130 interrupted (run it again: finished
files are kept)"""


def main() -> int:
    """Run one command; the exit code says how it went."""
    given = _arguments().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        home = Path(given.to)
        match given.command:
            case "list":
                _list(home)
            case "fetch":
                if given.source_dir and given.source_dir.resolve() == home.resolve():
                    raise SystemExit(_usage("--source-dir and --to are the same folder"))
                with _alone_in(home):
                    _fetch(_chosen(given.models, home), home, given.source_dir)
            case "lock":
                with _alone_in(home):
                    _lock(_chosen(given.models, home), home)
            case "check":
                _check(_chosen(given.models, home) if given.models else None, home)
    except PrefetchError as error:
        _say(f"failed: {error}")
        return error.exit_code
    except (lock.LockError, catalog.CatalogError) as error:
        _say(f"failed: {error}")
        return Damaged.exit_code
    except OSError as error:
        _say(f"failed: {error}")
        return NoRoom.exit_code
    except KeyboardInterrupt:
        _say("interrupted: run it again to go on, finished files are kept")
        return 130
    return 0


def _fetch(chosen: Sequence[Weights], home: Path, source_dir: Path | None) -> None:
    if not chosen:
        _say("nothing to fetch: these models come with the installation")
        return
    fetcher = Fetcher(home, _sources(source_dir), lock.read(ROOT / lock.FILE_NAME), _say)
    done, failures = 0, []
    for weights in chosen:
        try:
            done += fetcher.fetch(weights)
        except NotFetched as error:
            _say(f"failed: {_models_with(weights.name, home)}: {error}")
            failures.append(weights.name)
        except NoRoom as error:
            raise NoRoom(f"{_models_with(weights.name, home)}: {error}") from None
    with contextlib.suppress(OSError):  # not empty: what was not finished waits there
        (home / STAGING).rmdir()
    if failures:
        raise NotFetched(f"{len(failures)} of {len(chosen)} weights are not there: {', '.join(failures)}")
    if done:
        _say(f"fetched {done} of {len(chosen)} weights into {home}; {home / lock.FILE_NAME} says what they are")
    else:
        _say(f"nothing to do: all {len(chosen)} weights are in {home} and verified")


def _sources(source_dir: Path | None) -> list[Source]:
    if source_dir is not None:
        from scripts.prefetch.folder import Folder  # noqa: PLC0415

        return [Folder(source_dir)]
    from scripts.prefetch.bos import Bos  # noqa: PLC0415
    from scripts.prefetch.huggingface import HuggingFace  # noqa: PLC0415 what `check` and `list` do without
    from scripts.prefetch.modelscope import ModelScope  # noqa: PLC0415

    return [HuggingFace(), ModelScope(), Bos()]


def _lock(chosen: Sequence[Weights], home: Path) -> None:
    locks = lock.read(home / lock.FILE_NAME)
    present = [weights for weights in chosen if (home / weights.folder).is_dir()]
    if not present:
        raise NotFetched(f"none of {', '.join(weights.name for weights in chosen)} is in {home}")
    for weights in present:
        names = sorted(names_in(home / weights.folder))
        if lacking := weights.lacking(names):
            raise Damaged(f"{weights.name}: {home / weights.folder / lacking[0]} is missing: nothing was locked")
        files = _hashed(home / weights.folder, names)
        before = locks.get(weights.name)
        if before is None or before.files != files:
            locks[weights.name] = LockedWeights(weights.folder, "folder", weights.folder, None, files)
        _say(f"{weights.name}: {len(files)} files locked{'' if before is None or before.files == files else ' ANEW'}")
    lock.write(home / lock.FILE_NAME, locks)
    _say(f"wrote {home / lock.FILE_NAME}")


def _hashed(folder: Path, names: Sequence[str]) -> dict[str, LockedFile]:
    meter = Meter()
    sizes = {name: (folder / name).stat().st_size for name in names}
    with progress.shown(f"hashing {folder.name}", sum(sizes.values()), lambda: meter.bytes):
        hashes = side_by_side(lambda name: meter.sha256(folder / name), sizes.items())
    return {name: LockedFile(sizes[name], hashes[name]) for name in names}


def _check(chosen: Sequence[Weights] | None, home: Path) -> None:
    locks = lock.read(home / lock.FILE_NAME)
    if chosen is not None:
        if unknown := [weights.name for weights in chosen if weights.name not in locks]:
            raise Damaged(f"{', '.join(unknown)}: not in {home / lock.FILE_NAME}")
        locks = {weights.name: locks[weights.name] for weights in chosen}
    if not locks:
        raise Damaged(f"{home / lock.FILE_NAME} names no weights")
    wrong = damages(home, locks)
    for name, reason in wrong.items():
        _say(f"{_models_with(name.partition('/')[0], home)}: {name}: {reason}")
    if wrong:
        raise Damaged(f"{len(wrong)} files are not what {home / lock.FILE_NAME} says")
    files = [file for locked in locks.values() for file in locked.files.values()]
    _say(f"whole: {len(locks)} weights, {len(files)} files, {progress.size(sum(file.size for file in files))}")


def _list(home: Path) -> None:
    locks = lock.read(home / lock.FILE_NAME)
    rows = [("MODEL", "WEIGHTS", "SIZE", "LICENCE", "SOURCES", f"IN {home}")]
    for model in catalog.read(home).values():
        if not model.weights:
            rows.append((model.name, "-", f"{model.size_mb} MB", model.licence, f"installed ({model.install})", "-"))
        for weights in model.weights + model.transformers_weights:
            sources = [name for name in ("huggingface", "modelscope", "bos") if getattr(weights, name)]
            state = weights.absence(home, locks) or f"there, {locks[weights.name].commit or 'no commit known'}"
            rows.append((model.name, weights.name, f"{weights.size_mb} MB", weights.licence, " ".join(sources), state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _chosen(names: Sequence[str], home: Path) -> list[Weights]:
    """The weights of these models, shared ones once; of all models when none is named."""
    models, weights = catalog.read(home), catalog.read_weights(home)
    if unknown := [name for name in names if name not in models and name not in weights]:
        raise SystemExit(_usage(f"no model {unknown[0]!r}; there are: {', '.join([*models, *weights])}"))
    parts = [
        part for name in names or models for part in ([weights[name]] if name in weights else models[name].weights)
    ]
    return list(dict.fromkeys(parts))


def _models_with(weights: str, home: Path) -> str:
    return ", ".join(
        model.name
        for model in catalog.read(home).values()
        if weights in {each.name for each in model.weights + model.optional_weights + model.transformers_weights}
    )


def _usage(message: str) -> int:
    _say(message)
    return 2


@contextlib.contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    """Hold the folder: two runs at once would take each other's files away. The lock ends with the process."""
    home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PrefetchError(f"another run is at work in {home}") from None
        yield
    finally:
        os.close(handle)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prefetch_models.py", description=__doc__, epilog=_EXIT_CODES)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True, metavar="fetch|lock|check|list")
    home = os.environ.get("PADDLEX_HOME") or "/opt/models"
    for name, text in {
        "fetch": "bring weights that are not there",
        "lock": "write the lock from what is there",
        "check": "verify every byte against the lock",
        "list": "print the catalogue",
    }.items():
        command = commands.add_parser(name, help=text, description=text, epilog=_EXIT_CODES)
        if name != "list":
            command.add_argument("models", nargs="*", metavar="MODEL", help="models or weights; all if none is named")
        command.add_argument("--to", default=home, metavar="DIR", help=f"PADDLEX_HOME (now {home})")
        if name == "fetch":
            command.add_argument(
                "--source-dir", type=Path, metavar="DIR", help="take files from this folder, not from the hubs"
            )
    return parser


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # downloads that were given up must not hold the process
