"""What every engine looks like to the worker that runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from server.documents import Page

Options = Mapping[str, Any]
"""Recognition options by their API names; already checked against the model's catalogue entry."""


@dataclass(frozen=True, slots=True)
class PageInput:
    """A page image in the spool: lossless 8-bit RGB (PPM), upright as its file says, `width` × `height` px."""

    number: int
    path: Path
    width: int
    height: int


class Engine(Protocol):
    """One loaded model.

    The worker calls `load` once, on its main thread, before anything else. With `concurrency` 1 `recognise` is called
    on the main thread only; with more, that many threads call it at once.
    """

    concurrency: int

    def load(self) -> None:
        """Open the weights. Raises any exception when that fails; its text reaches the operator."""

    def recognise(self, pages: Sequence[PageInput], options: Options) -> list[Page]:
        """Read the pages, one result for each, in their order. Crops are written beside `PageInput.path`."""

    def close(self) -> None:
        """Free what `load` took."""
