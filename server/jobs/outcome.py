"""A job's result: its stored pages, as a request's reply would have them."""

from dataclasses import dataclass
from pathlib import Path

from server import many
from server.documents import Document
from server.errors import BY_CODE, InternalError, NoResultYet, OcrError
from server.finishing import complete
from server.jobs.job import FINISHED, Job, JobFile, JobState, Trouble, errand_of
from server.jobs.page_store import PageStore
from server.recognition import Recognition
from server.reply import Finished, Reply, describe, render
from server.schemas import Format, ManyEntry, OcrOptions, S3Files
from server.settings import Settings

_WITH_FIGURES = {Format.HTML, Format.ZIP}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job's result in one form; `corrections` counts the blocks that were corrected."""

    content: bytes
    status: str
    corrections: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Makes results from what is stored. Its methods wait for the disk: call them in a thread."""

    settings: Settings
    recognition: Recognition
    pages: PageStore

    def one(self, job: Job, file: JobFile, form: Format, folder: Path) -> Outcome:
        """What has been read of a document so far, in a form; figures go through the folder.

        Raises the document's own error where it could not be read, NoResultYet before its first page.
        """
        wanted = OcrOptions.model_validate(job.fields).formats
        finished = self._finished(job, file, folder if {form, *wanted} & _WITH_FIGURES else None)
        reply, _ = complete(finished)
        _tell_saved(job, reply)
        return Outcome(render(finished, reply, form), reply.status, reply.corrections or 0)

    def all(self, job: Job, form: Format, folder: Path, request_id: str) -> Outcome:
        """As `one`, for all documents together, as JSON or zip."""
        entries: list[ManyEntry] = []
        archives: list[bytes | None] = []
        has_begun = job.state in FINISHED
        for file in job.files:
            entry = ManyEntry(index=file.index, filename=file.filename)
            archive = None
            try:
                finished = self._finished(job, file, folder)
            except OcrError as error:
                has_begun |= not isinstance(error, NoResultYet)
                entry.problem = describe(error, request_id)
            else:
                has_begun = True
                entry.result, _ = complete(finished)
                archive = render(finished, entry.result, Format.ZIP) if form is Format.ZIP else None
            entries.append(entry)
            archives.append(archive)
        if not has_begun:
            raise _not_yet(job)
        reply = many.together(entries)
        content = many.archive(reply, archives) if form is Format.ZIP else many.as_json(reply)
        return Outcome(content, reply.status, sum(each.result.corrections or 0 for each in entries if each.result))

    def to_save(self, job: Job, folder: Path) -> dict[str, bytes]:
        """The files to be saved of a job, by kind: of one document as `/ocr` does, of several together as JSON and zip."""
        if len(job.files) == 1:
            return complete(self._finished(job, job.files[0], folder))[1]
        return {
            "json": self.all(job, Format.JSON, folder, job.id).content,
            "zip": self.all(job, Format.ZIP, folder, job.id).content,
        }

    def _finished(self, job: Job, file: JobFile, figures: Path | None) -> Finished:
        if trouble := file.error or (job.error if len(job.files) == 1 else None):
            raise BY_CODE.get(trouble.code, InternalError)(trouble.detail)  # the code may be of an older server
        pages = self.pages.pages(job.id, file.index, figures)
        if not pages or file.file_type is None or file.total_pages is None:
            raise _not_yet(job)
        return Finished(
            document=Document(file.file_type, file.total_pages, tuple(pages)),
            options=OcrOptions.model_validate(job.fields),
            model=job.model,
            input_type=file.input_type,
            filename=file.filename,
            request_id=job.id,
            total_seconds=job.seconds,
            page_header=self.settings.page_header,
            page_separator=self.settings.page_separator,
            warnings=self._warnings(job),
            is_whole=len(pages) == file.chosen,
        )

    def _warnings(self, job: Job) -> tuple[str, ...]:
        try:
            return self.recognition.plan(job.fields).warnings
        except OcrError:  # the model is not served any more
            return ()


def overall(job: Job) -> Trouble | None:
    """Why nothing of a job could be read; None when something could."""
    if all(each.error for each in job.files):
        return job.files[0].error
    return None


def s3_files(job: Job) -> S3Files | None:
    """Where the saved files lie in S3, as far as that has come; None where they are not to go there."""
    errand = errand_of(job, "s3")
    return S3Files.model_validate(errand.outcome) if errand and errand.outcome else None


def _tell_saved(job: Job, reply: Reply) -> None:
    if job.local_files:
        reply.local_files = job.local_files
    if uploaded := s3_files(job):
        reply.s3_files = uploaded


def _not_yet(job: Job) -> NoResultYet:
    if job.state is JobState.CANCELLED:
        return NoResultYet("The job was cancelled before its first page was read.")
    return NoResultYet("No page has been read yet. Try again later.", retry_after=2)
