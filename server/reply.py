"""Document → the reply of `/ocr`, and the same result in the other formats."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from server import formats
from server.as_sent import as_sent
from server.confidence import Confidence, of_page, worst
from server.correction_notes import corrected_blocks
from server.documents import Document, FileType, Page, Verdict
from server.errors import OcrError
from server.fields import fields
from server.schemas import (
    BlockReply,
    DocumentReply,
    DocumentTiming,
    FieldReply,
    Format,
    ImageReply,
    OcrOptions,
    PageReply,
    PageTiming,
    Problem,
    StepReply,
    Timing,
)
from server.spreadsheet import workbook

Reply = ImageReply | DocumentReply
KIND_OF = {
    Format.MARKDOWN: "markdown",
    Format.JSON: "json",
    Format.TEXT: "text",
    Format.HTML: "html",
    Format.CSV: "csv",
    Format.XLSX: "xlsx",
    Format.ZIP: "zip",
}
"""The kind under which a format is saved, see `results.KINDS`."""

_TextFormat = Literal[Format.MARKDOWN, Format.JSON, Format.TEXT, Format.HTML, Format.CSV]


@dataclass(frozen=True, slots=True)
class Finished:
    """A request whose document is read: all that a reply is made from."""

    document: Document
    options: OcrOptions
    model: str
    input_type: Literal["multipart", "base64", "url"]
    filename: str | None
    request_id: str
    total_seconds: float
    page_header: str
    page_separator: str
    warnings: tuple[str, ...] = ()
    is_whole: bool = True
    """Whether every page has been tried; false for a job that is at work."""

    @property
    def title(self) -> str:
        """A title for formats that have one."""
        return self.filename or self.request_id


def build(finished: Finished) -> Reply:
    """The JSON reply: for a PDF or a file of several pages with its pages, for an image with its one page."""
    document, options = finished.document, finished.options
    sent = [as_sent(page) for page in document.pages]
    confidences = [of_page(page) for page in document.pages] if options.return_confidence else None
    lacking = not finished.is_whole or any(page.verdict is Verdict.FAILED for page in document.pages)
    total = worst(confidences) if confidences is not None else None
    common: dict[str, Any] = {
        "model": finished.model,
        "prompt": options.prompt,
        "file_type": document.file_type,
        "input_type": finished.input_type,
        "markdown": formats.markdown(document) if options.return_content else None,
        "fields": _fields(document) if options.return_content else None,
        "confidence": total.value if total else None,
        "confidence_basis": total.basis if total else None,
        "status": "partial" if lacking else "success",
        "elapsed_sec": round(finished.total_seconds, 3),
        "request_id": finished.request_id,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    by_engine = (warning for page in document.pages for warning in page.warnings)
    if warnings := list(dict.fromkeys((*finished.warnings, *by_engine))):
        common["warnings"] = warnings
    if corrections := sum(1 for _ in corrected_blocks(document)):
        common["corrections"] = corrections
    if document.file_type is FileType.IMAGE and document.total_pages == 1:
        return _image(finished, sent[0], common)
    return _paged(finished, sent, confidences, common)


def _image(finished: Finished, page: Page, common: dict[str, Any]) -> ImageReply:
    content = finished.options.return_content
    return ImageReply(
        **common,
        text=page.text if content else None,
        blocks=_blocks(page) if content else None,
        block_markup="plain" if page.is_plain else "markdown",
        width=page.width,
        height=page.height,
        verdict=page.verdict,
        timing=Timing(inference_seconds=round(page.seconds, 3), total_seconds=round(finished.total_seconds, 3)),
        **_extras(page, content),
    )


def _paged(
    finished: Finished, sent: Sequence[Page], confidences: list[Confidence] | None, common: dict[str, Any]
) -> DocumentReply:
    document, content = finished.document, finished.options.return_content
    per_page: Iterable[Confidence | None] = confidences or [None] * len(document.pages)
    combined = formats.combined_text(document, finished.page_header, finished.page_separator)
    return DocumentReply(
        **common,
        text=formats.plain_text(document) if content else None,
        combined_text=combined if content else None,
        total_pages=document.total_pages,
        processed_pages=sum(page.verdict is not Verdict.FAILED for page in document.pages),
        pages=[_page(page, confidence, content) for page, confidence in zip(sent, per_page, strict=True)],
        confidence_per_page=[confidence.value for confidence in confidences] if confidences is not None else None,
        timing=DocumentTiming(
            total_seconds=round(finished.total_seconds, 3),
            pages=[PageTiming(page_number=page.number, seconds=round(page.seconds, 3)) for page in document.pages],
        ),
    )


def page_reply(page: Page, options: OcrOptions) -> PageReply:
    """One page of a document, or the page of an image, as the reply of a document has it."""
    confidence = of_page(page) if options.return_confidence else None
    return _page(as_sent(page), confidence, options.return_content)


def _page(page: Page, confidence: Confidence | None, content: bool) -> PageReply:
    return PageReply(
        page_number=page.number,
        width=page.width,
        height=page.height,
        text=page.text if content else None,
        markdown=page.markdown if content else None,
        blocks=_blocks(page) if content else None,
        block_markup="plain" if page.is_plain else "markdown",
        confidence=confidence.value if confidence else None,
        confidence_basis=confidence.basis if confidence else None,
        verdict=page.verdict,
        error=page.error,
        timing_seconds=round(page.seconds, 3),
        **_extras(page, content),
    )


def _extras(page: Page, content: bool) -> dict[str, Any]:
    """What is in the reply only where there is such a thing."""
    extras: dict[str, Any] = {}
    if content and page.engine_result is not None:
        extras["engine_result"] = page.engine_result
    if page.preparation is not None:
        extras["preprocessing"] = [StepReply(**step) for step in page.preparation.steps]
    return extras


def _blocks(page: Page) -> list[BlockReply]:
    return [BlockReply(**asdict(block)) for block in page.blocks]


def _fields(document: Document) -> list[FieldReply]:
    return [FieldReply(**asdict(field)) for page in document.pages for field in fields(page)]


def render(finished: Finished, reply: Reply, form: Format) -> bytes:
    """The result in one format. Reads the figures' files; runs in a thread."""
    if form is Format.XLSX:
        return workbook(finished.document)
    if form is Format.ZIP:
        return formats.archive(finished.document, finished.title, reply.model_dump_json(exclude_unset=True))
    return _text(finished, reply, form).encode()


def _text(finished: Finished, reply: Reply, form: _TextFormat) -> str:
    document = finished.document
    match form:
        case Format.MARKDOWN:
            return formats.markdown_file(document)
        case Format.JSON:
            return reply.model_dump_json(exclude_unset=True)
        case Format.TEXT:
            return formats.text_file(document)
        case Format.HTML:
            return formats.html(document, finished.title)
        case Format.CSV:
            return formats.csv_tables(document)


def render_all(finished: Finished, reply: Reply, wanted: Iterable[Format]) -> dict[Format, bytes]:
    """The result in several formats. Reads the figures' files; runs in a thread."""
    return {form: render(finished, reply, form) for form in dict.fromkeys(wanted)}


def as_text(form: Format, content: bytes) -> str:
    """A format's bytes as they stand in JSON."""
    binary = form in {Format.XLSX, Format.ZIP}
    return base64.b64encode(content).decode() if binary else content.decode()


def describe(error: OcrError, request_id: str) -> Problem:
    """What went wrong, for a reply."""
    again = {} if error.retry_after is None else {"retry_after": error.retry_after}
    return Problem(
        type=f"urn:offline-ocr:problem:{error.code}",
        title=error.title,
        status=error.status.value,
        detail=error.detail,
        code=error.code,
        request_id=request_id,
        **again,
    )
