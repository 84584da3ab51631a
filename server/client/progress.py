"""How far a batch has come: arithmetic only."""

from dataclasses import dataclass, field
from pathlib import Path

_BAR = 24  # characters


@dataclass(slots=True)
class Progress:
    """Counts of documents, and the pages of those that were begun: read, and in all where that is known."""

    documents: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    _pages: dict[Path, tuple[int, int | None]] = field(default_factory=dict)

    def see(self, document: Path, processed_pages: int, total_pages: int | None) -> None:
        """Where a document is now."""
        self._pages[document] = (processed_pages, total_pages)

    def fail(self, document: Path) -> None:
        """What is left of this document will not be read."""
        self.failed += 1
        processed, _ = self._pages.get(document, (0, 0))
        self._pages[document] = (processed, processed)

    @property
    def pages(self) -> int:
        return sum(processed for processed, _ in self._pages.values())

    @property
    def expected_pages(self) -> float:
        """Pages in all: a document not opened yet is taken to have as many as those that were, on average."""
        known = [total for _, total in self._pages.values() if total is not None]
        left = max(0, self.documents - self.skipped - len(known))
        return sum(known) + left * (sum(known) / len(known) if known else 1.0)

    def seconds_left(self, elapsed: float) -> float | None:
        """Seconds until all is read, `elapsed` after the beginning; None before the first page."""
        return elapsed * (self.expected_pages - self.pages) / self.pages if self.pages else None

    def line(self, elapsed: float) -> str:
        """`[######------] 120 pages, 45 of 200 documents, 2 failed, 3:20 left`."""
        finished = self.done + self.failed + self.skipped
        share = self.pages / self.expected_pages if self.expected_pages else finished / self.documents
        filled = int(min(1.0, share) * _BAR)
        left = self.seconds_left(elapsed)
        parts = [f"{self.pages} pages", f"{finished} of {self.documents} documents"]
        parts += [f"{self.failed} failed"] * bool(self.failed)
        parts += [f"{clock(left)} left"] if left is not None else []
        return f"[{'#' * filled}{'-' * (_BAR - filled)}] {', '.join(parts)}"


def clock(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
