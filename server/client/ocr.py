"""`offline-ocr ocr FILE…`: one document after the other, printed or written."""

from dataclasses import dataclass
from pathlib import Path

from server.client.alone import read_alone
from server.client.display import Display
from server.client.errors import Failed, WrongUsage
from server.client.folder import result_path, write
from server.client.output import BINARY, print_line, print_result
from server.client.reading import Reader


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: documents, the form, and the folder of results (None: print them)."""

    files: list[Path]
    form: str
    out: Path | None

    def check(self) -> None:
        """Raises WrongUsage for what cannot come right."""
        if self.out is None and self.form in BINARY and len(self.files) > 1:
            raise WrongUsage(f"Several results as {self.form} cannot be printed one after the other. Give --out DIR.")
        if self.out is not None and len({file.name for file in self.files}) < len(self.files):
            raise WrongUsage("Two of the files have the same name, and so would their results in --out DIR.")


async def run(order: Order, reader: Reader, display: Display) -> int:
    """The exit code: 1 when a document, or a page of one, could not be read. Raises ClientError for what ends them all."""
    order.check()
    worst = 0
    for file in order.files:
        try:
            unread = await _one(file, order, reader, display)
        except Failed as error:
            display.say(f"{file}: {error}")
            worst = 1
        except BrokenPipeError:
            raise
        except OSError as error:
            display.say(f"{error.filename or 'The result cannot be written'}: {error.strerror}")
            worst = 1
        else:
            worst = max(worst, int(unread))
    return worst


async def _one(file: Path, order: Order, reader: Reader, display: Display) -> bool:
    """Whether a page could not be read. Raises ClientError, OSError."""
    if file.is_dir():
        raise Failed("This is a folder; `offline-ocr batch` reads folders.")
    reading = await read_alone(reader, file, display)
    content = reading.results[order.form]
    if order.out is not None:
        target = result_path(order.out, Path(file.name), order.form)
        write(target, content)
        print_line(str(target))
    else:
        if len(order.files) > 1:
            print_line(f"==> {file} <==")
        print_result(content, order.form)
    if unread := reading.job.failed_pages:
        display.say(f"{file}: pages that could not be read: {unread}")
    return unread > 0
