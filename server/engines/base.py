"""What every engine looks like to the worker that runs it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from server.catalog import ModelEntry
from server.chat import Chat, Ending, Said
from server.documents import Page
from server.knobs import Knobs
from server.preparation import Preparation

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
    preparation: Preparation | None = None
    """What was done to the page, if anything was asked for. No engine is told: it stays with the server."""


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


@runtime_checkable
class Chatty(Protocol):
    """An engine that answers chats, too: in a thread beside its pages, unless its `concurrency` is 1."""

    def chat(self, chat: Chat, say: Callable[[Said], None], wanted: Callable[[], bool]) -> Ending:
        """Give `say` the answer piece by piece. Raises BadRequest for what the model does not take.

        Raises soon after `wanted` is false. `say` may be called in any thread.
        """
