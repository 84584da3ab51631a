"""What is asked of which model, and what of which document: the same for a request, a batch and a job."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from server import fetch, page_ranges, s3_input
from server.call import Sent
from server.catalog import USUAL_DPI, ModelEntry
from server.documents import FileType
from server.engines.base import Options
from server.errors import BY_CODE, BadOption, UnknownModel, UploadTooLarge, UrlInputDisabled
from server.model_host import ModelHost
from server.pages import Opened, Reader
from server.s3 import ObjectStore
from server.s3_input import SCHEME
from server.schemas import DEFAULT_PROMPT, TYPED, OcrOptions
from server.settings import MIB, Settings
from server.stages import Stages
from server.supervisor import Supervisor

Checked = TypeVar("Checked", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, checked: by which model, with which of its own options."""

    host: ModelHost
    options: OcrOptions
    model_options: Options
    dpi: int
    warnings: tuple[str, ...]
    expected: FileType | None = None
    """What the caller says that the document is."""


class Recognition:
    """Checks what is asked, and brings documents to where they can be opened."""

    def __init__(self, settings: Settings, supervisor: Supervisor, s3: ObjectStore, stages: Stages) -> None:
        self._settings = settings
        self._stages = stages
        self._s3 = s3
        self._supervisor = supervisor

    def entry(self, name: str) -> ModelEntry:
        """A model's entry in the catalogue. Raises UnknownModel."""
        return self._supervisor.host(name).entry

    def plan(self, fields: Mapping[str, Any], *, typed: bool = False) -> Plan:
        """The fields of a call, checked; unless they are `typed`, text is read for what it means.

        Raises BadOption, BadPageRange, UnknownModel.
        """
        options = checked(OcrOptions, fields, typed=typed)
        host = self._supervisor.host(options.model_name or self._settings.default_model)
        entry = host.entry
        prompt = None if options.prompt == DEFAULT_PROMPT else options.prompt
        model_options = entry.check_options(options.model_extra or {}, prompt, options.return_confidence, typed=typed)
        page_ranges.check(options.pages)
        return Plan(
            host,
            options,
            model_options,
            self.dpi(entry.name),
            (f"prompt has no effect with {entry.name}",) if prompt and entry.vlm is None else (),
        )

    def dpi(self, model: str) -> int:
        """The resolution at which PDF pages are rendered for a model; for one that is not served any more, the usual one."""
        try:
            return self._settings.pdf_dpi or self.entry(model).pdf_dpi
        except UnknownModel:
            return self._settings.pdf_dpi or USUAL_DPI

    def check(self, sent: Sent) -> None:
        """Raises the document's own problem, UploadTooLarge, UrlInputDisabled: whatever can be known at once."""
        if sent.problem is not None:
            code, detail = sent.problem
            raise BY_CODE[code](detail)
        if sent.url and sent.url.startswith(SCHEME):
            s3_input.check(self._s3, sent.url)
        elif sent.url and not self._settings.allow_url_input:
            raise UrlInputDisabled("This server takes no image_url (ALLOW_URL_INPUT is off). Send the document itself.")
        if sent.path is not None and sent.path.stat().st_size > self._limit:
            raise UploadTooLarge(f"The document is larger than {self._settings.max_upload_mb} MiB.")

    async def bring(self, sent: Sent, target: Path) -> Path:
        """Where the document lies; one that has to be fetched is written to `target`. Raises as `check` and `fetch` do."""
        self.check(sent)
        if sent.path is not None:
            return sent.path
        assert sent.url is not None
        with self._stages("fetch"):
            if sent.url.startswith(SCHEME):
                await asyncio.to_thread(s3_input.fetch_object, self._s3, sent.url, target, max_bytes=self._limit)
            else:
                await fetch.fetch(sent.url, target, max_bytes=self._limit, timeout_s=self._settings.request_timeout_s)
        return target

    async def open(self, reader: Reader, document: Path, plan: Plan) -> tuple[Opened, list[int]]:
        """The document and the numbers of the pages that are asked for.

        Raises BadOption for what is not as expected, else as `Reader.open` and `page_numbers` do.
        """
        opened = await reader.open(document, plan.dpi, plan.options.preprocess)
        if plan.expected not in {None, opened.file_type}:
            kind = "a PDF" if opened.file_type is FileType.PDF else "an image"
            raise BadOption(f"The document is {kind}, and the request says that it is not.")
        return opened, page_ranges.page_numbers(plan.options.pages, opened.total_pages, self._settings.max_pages)

    @property
    def _limit(self) -> int:
        return self._settings.max_upload_mb * MIB


def checked(kind: type[Checked], fields: Mapping[str, Any], *, typed: bool) -> Checked:
    """The fields as options of that kind; unless they are `typed`, text is read for what it means. Raises BadOption."""
    try:
        return kind.model_validate(fields, context=TYPED if typed else None)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadOption(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
