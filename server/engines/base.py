"""What every engine looks like to the worker that runs it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from server.catalog import ModelEntry
from server.documents import Page
from server.knobs import Knobs

Options = Mapping[str, Any]
"""Recognition options by their API names; already checked against the model's catalogue entry."""


@dataclass(frozen=True, slots=True)
class PageInput:
    """A page image in the spool: lossless 8-bit RGB (PPM), upright as its file says, `width` × `height` px."""

    number: int
    path: Path
    width: int
    height: int
    of: int | None = None
    """How many pages the document has; None for a page that is an image of its own."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What an engine needs to know to load a model.

    `weights` maps each of the model's weights that are here onto its folder.
    """

    entry: ModelEntry
    weights: Mapping[str, Path]
    knobs: Knobs = field(default_factory=Knobs)


class CannotLoadError(Exception):
    """The model cannot be loaded here; the message is a sentence for the operator, with the way out."""


class Engine(Protocol):
    """One loaded model.

    The worker calls `load` once, on its main thread, before anything else. An engine that `batches` is called on the
    main thread only, one call at a time, with up to `concurrency` pages of like options. Any other gets one page a call;
    with a `concurrency` above 1 that many threads call it at once, else the main thread does. One that `withdraws` raises
    soon after the file of its page is taken away; any other reads on to the end.
    """

    concurrency: int
    batches: bool
    withdraws: bool

    def load(self, loading: Loading) -> None:
        """Open the weights. Raises CannotLoadError, or any exception; its text reaches the operator."""

    def recognise(self, pages: Sequence[PageInput], options: Options) -> Iterable[Page | Exception]:
        """Read the pages: one outcome for each, in their order, each as soon as it is there.

        An exception that is an outcome is about that page only. One that is raised is about all pages without an outcome;
        where there are several, the worker asks for them one by one. Crops are written beside `PageInput.path`.
        """

    def close(self) -> None:
        """Free what `load` took."""
