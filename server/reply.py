"""Document → the reply of `/ocr`, and the same result in the other formats."""

import base64
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from server import formats
from server.confidence import Confidence, of_page, worst
from server.documents import Document, FileType, Page, Verdict
from server.schemas import (
    BlockReply,
    DocumentReply,
    DocumentTiming,
    Format,
    ImageReply,
    OcrOptions,
    PageReply,
    PageTiming,
    Timing,
)

Reply = ImageReply | DocumentReply
KIND_OF = {
    Format.MARKDOWN: "markdown",
    Format.JSON: "json",
    Format.TEXT: "text",
    Format.HTML: "html",
    Format.CSV: "csv",
    Format.ZIP: "zip",
}
"""The kind under which a format is saved, see `results.KINDS`."""


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

    @property
    def title(self) -> str:
        """A title for formats that have one."""
        return self.filename or self.request_id


def build(finished: Finished) -> Reply:
    """The JSON reply: for a PDF or a file of several pages with its pages, for an image with its one page."""
    document, options = finished.document, finished.options
    confidences = [of_page(page) for page in document.pages] if options.return_confidence else None
    failed = any(page.verdict is Verdict.FAILED for page in document.pages)
    total = worst(confidences) if confidences is not None else None
    common: dict[str, Any] = {
        "model": finished.model,
        "prompt": options.prompt,
        "file_type": document.file_type,
        "input_type": finished.input_type,
        "markdown": formats.markdown(document) if options.return_content else None,
        "confidence": total.value if total else None,
        "confidence_basis": total.basis if total else None,
        "status": "partial" if failed else "success",
        "elapsed_sec": round(finished.total_seconds, 3),
        "request_id": finished.request_id,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    by_engine = (warning for page in document.pages for warning in page.warnings)
    if warnings := list(dict.fromkeys((*finished.warnings, *by_engine))):
        common["warnings"] = warnings
    if document.file_type is FileType.IMAGE and document.total_pages == 1:
        return _image(finished, document.pages[0], common)
    return _paged(finished, confidences, common)


def _image(finished: Finished, page: Page, common: dict[str, Any]) -> ImageReply:
    content = finished.options.return_content
    return ImageReply(
        **common,
        text=page.text if content else None,
        blocks=_blocks(page) if content else None,
        width=page.width,
        height=page.height,
        verdict=page.verdict,
        timing=Timing(inference_seconds=round(page.seconds, 3), total_seconds=round(finished.total_seconds, 3)),
        **_engine_result(page, content),
    )


def _paged(finished: Finished, confidences: list[Confidence] | None, common: dict[str, Any]) -> DocumentReply:
    document, content = finished.document, finished.options.return_content
    per_page: Iterable[Confidence | None] = confidences or [None] * len(document.pages)
    combined = formats.combined_text(document, finished.page_header, finished.page_separator)
    return DocumentReply(
        **common,
        text=formats.plain_text(document) if content else None,
        combined_text=combined if content else None,
        total_pages=document.total_pages,
        processed_pages=sum(page.verdict is not Verdict.FAILED for page in document.pages),
        pages=[_page(page, confidence, content) for page, confidence in zip(document.pages, per_page, strict=True)],
        confidence_per_page=[confidence.value for confidence in confidences] if confidences is not None else None,
        timing=DocumentTiming(
            total_seconds=round(finished.total_seconds, 3),
            pages=[PageTiming(page_number=page.number, seconds=round(page.seconds, 3)) for page in document.pages],
        ),
    )


def _page(page: Page, confidence: Confidence | None, content: bool) -> PageReply:
    return PageReply(
        page_number=page.number,
        width=page.width,
        height=page.height,
        text=page.text if content else None,
        markdown=page.markdown if content else None,
        blocks=_blocks(page) if content else None,
        confidence=confidence.value if confidence else None,
        confidence_basis=confidence.basis if confidence else None,
        verdict=page.verdict,
        error=page.error,
        timing_seconds=round(page.seconds, 3),
        **_engine_result(page, content),
    )


def _engine_result(page: Page, content: bool) -> dict[str, Any]:
    return {"engine_result": page.engine_result} if content and page.engine_result is not None else {}


def _blocks(page: Page) -> list[BlockReply]:
    return [BlockReply(**asdict(block)) for block in page.blocks]


def render(finished: Finished, reply: Reply, form: Format) -> bytes:
    """The result in one format. Reads the figures' files; runs in a thread."""
    document = finished.document
    match form:
        case Format.MARKDOWN:
            return formats.markdown(document).encode()
        case Format.JSON:
            return reply.model_dump_json(exclude_unset=True).encode()
        case Format.TEXT:
            return formats.plain_text(document).encode()
        case Format.HTML:
            return formats.html(document, finished.title).encode()
        case Format.CSV:
            return formats.csv_tables(document).encode()
        case Format.ZIP:
            return formats.archive(document, finished.title, reply.model_dump_json(exclude_unset=True))


def render_all(finished: Finished, reply: Reply, wanted: Iterable[Format]) -> dict[Format, bytes]:
    """The result in several formats. Reads the figures' files; runs in a thread."""
    return {form: render(finished, reply, form) for form in dict.fromkeys(wanted)}


def as_text(form: Format, content: bytes) -> str:
    """A format's bytes as they stand in JSON."""
    return base64.b64encode(content).decode() if form is Format.ZIP else content.decode()
