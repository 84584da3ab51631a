"""Correcting what was read: which block, whether it can be, and the page as it then is."""

from dataclasses import dataclass

from server.documents import Block, BlockFormat, Page
from server.errors import BadOption, NotFound
from server.jobs.correction_store import CorrectionStore
from server.jobs.desk import JobDesk
from server.jobs.job import Job, JobFile
from server.layout.tables_html import rows_of


@dataclass(frozen=True, slots=True)
class Correcting:
    """Corrects blocks of jobs. Its methods wait for the disk: call them in a thread."""

    desk: JobDesk
    corrections: CorrectionStore

    def correct(self, job: Job, file: JobFile, number: int, order: int, content: str | None) -> Page:
        """The page with this content for its block of that order; None, and what was recognised, take a correction back.

        Raises NotFound, BadOption, QueueFull, OutOfSpace.
        """
        block = self._block(job, file, number, order)
        recognised = block.content if block.original is None else block.original
        if content is not None:
            _check(block, content)
            self.desk.make_room(len(content.encode()), sparing=job.id)
        kept = None if content == recognised else content
        self.corrections.put(job.id, file.index, number, order, kept)
        return self.page(job, file, number)

    def page(self, job: Job, file: JobFile, number: int) -> Page:
        """A page of a job, corrected. Raises NotFound while it is not stored."""
        if page := self.desk.outcomes.pages.page(job.id, file.index, number):
            return page
        if file.total_pages is not None and number > file.total_pages:
            raise NotFound(f"There is no page {number}; the document has {file.total_pages}.")
        raise NotFound(f"Page {number} has not been read yet, or was not asked for. GET …/pages lists those that are.")

    def _block(self, job: Job, file: JobFile, number: int, order: int) -> Block:
        blocks = self.page(job, file, number).blocks
        for block in blocks:
            if block.order == order:
                return block
        raise NotFound(f"There is no block {order} on page {number}; it has {len(blocks)}, counted from 0.")


def _check(block: Block, content: str) -> None:
    if block.format is BlockFormat.IMAGE:
        raise BadOption(f"The block {block.order} is a picture, and has no text to correct.")
    if block.format is BlockFormat.TABLE_HTML and content.strip() and not rows_of(content):
        raise BadOption("content: the block is a table: send <table> with <tr> and <td>, or nothing.")
