"""The reply of `/ocr`, as callers parse it."""

import base64
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.documents import Block, BlockFormat, Document, FileType, Page, Verdict
from server.reply import KIND_OF, Finished, as_text, build, render, render_all
from server.results import KINDS
from server.schemas import DocumentReply, Format, ImageReply, OcrOptions

BLOCKS = (
    Block("doc_title", (10, 20, 300, 60), "Счёт № 17", BlockFormat.TEXT, 0, 0.9),
    Block("table", (10, 80, 300, 200), "<table><tr><td>a</td></tr></table>", BlockFormat.TABLE_HTML, 1),
)
PAGE = Page(
    number=1,
    width=800,
    height=600,
    text="Счёт № 17 от 01.02.2026, к оплате 1250",
    markdown="# Счёт № 17",
    blocks=BLOCKS,
    token_confidence=0.8,
    seconds=0.12345,
)
SECOND = Page(3, 800, 600, text="plain words on the third page", markdown="plain words", seconds=0.5)
FAILED = Page(4, 0, 0, verdict=Verdict.FAILED, error="The page is damaged.")


def finished(*pages: Page, file_type: FileType = FileType.PDF, total: int | None = None, **options: Any) -> Finished:
    """A request whose document is read."""
    return Finished(
        document=Document(file_type, total or len(pages), pages),
        options=OcrOptions.model_validate(options),
        model="pp-ocr",
        input_type="multipart",
        filename="счёт.pdf",
        request_id="req_1",
        total_seconds=0.98765,
        page_header="[Страница {page}]",
        page_separator="--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---",
    )


def wire(done: Finished) -> dict[str, Any]:
    """The reply as a caller has it."""
    found = json.loads(render(done, build(done), Format.JSON))
    assert abs(datetime.fromisoformat(found["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    return found | {"timestamp": "now"}


BLOCKS_ON_THE_WIRE = [
    {
        "type": "doc_title",
        "bbox": [10, 20, 300, 60],
        "content": "Счёт № 17",
        "format": "text",
        "order": 0,
        "confidence": 0.9,
        "verdict": None,
        "original": None,
    },
    {
        "type": "table",
        "bbox": [10, 80, 300, 200],
        "content": "<table><tr><td>a</td></tr></table>",
        "format": "table-html",
        "order": 1,
        "confidence": None,
        "verdict": None,
        "original": None,
    },
]


FIELDS_ON_THE_WIRE = [
    {"name": "Счёт №", "value": "17", "page": 1, "bbox": [10, 20, 300, 60], "confidence": 0.9},
]


def test_the_reply_for_an_image_is_this() -> None:
    assert wire(finished(PAGE, file_type=FileType.IMAGE)) == {
        "model": "pp-ocr",
        "prompt": "Extract all text",
        "file_type": "image",
        "input_type": "multipart",
        "text": "Счёт № 17 от 01.02.2026, к оплате 1250",
        "markdown": "# Счёт № 17",
        "fields": FIELDS_ON_THE_WIRE,
        "confidence": 0.86,
        "confidence_basis": "token+heuristic",
        "status": "success",
        "elapsed_sec": 0.988,
        "request_id": "req_1",
        "timestamp": "now",
        "width": 800,
        "height": 600,
        "blocks": BLOCKS_ON_THE_WIRE,
        "block_markup": "plain",
        "verdict": "ok",
        "timing": {"inference_seconds": 0.123, "total_seconds": 0.988},
    }


def test_the_reply_for_a_pdf_is_this() -> None:
    assert wire(finished(PAGE, SECOND, FAILED, total=7, prompt="Read it")) == {
        "model": "pp-ocr",
        "prompt": "Read it",
        "file_type": "pdf",
        "input_type": "multipart",
        "text": "Счёт № 17 от 01.02.2026, к оплате 1250\n\fplain words on the third page"
        "\n\f[page 4 could not be read: The page is damaged.]",
        "markdown": (
            "# Счёт № 17\n\n---\n\nplain words\n\n---\n\n<!-- page 4 could not be read: The page is damaged. -->"
        ),
        "fields": FIELDS_ON_THE_WIRE,
        "confidence": 0.0,
        "confidence_basis": "heuristic",
        "status": "partial",
        "elapsed_sec": 0.988,
        "request_id": "req_1",
        "timestamp": "now",
        "total_pages": 7,
        "processed_pages": 2,
        "pages": [
            {
                "page_number": 1,
                "width": 800,
                "height": 600,
                "text": "Счёт № 17 от 01.02.2026, к оплате 1250",
                "markdown": "# Счёт № 17",
                "blocks": BLOCKS_ON_THE_WIRE,
                "block_markup": "plain",
                "confidence": 0.86,
                "confidence_basis": "token+heuristic",
                "verdict": "ok",
                "error": None,
                "timing_seconds": 0.123,
            },
            {
                "page_number": 3,
                "width": 800,
                "height": 600,
                "text": "plain words on the third page",
                "markdown": "plain words",
                "blocks": [],
                "block_markup": "plain",
                "confidence": 1.0,
                "confidence_basis": "heuristic",
                "verdict": "ok",
                "error": None,
                "timing_seconds": 0.5,
            },
            {
                "page_number": 4,
                "width": 0,
                "height": 0,
                "text": "",
                "markdown": "",
                "blocks": [],
                "block_markup": "plain",
                "confidence": 0.0,
                "confidence_basis": "heuristic",
                "verdict": "failed",
                "error": "The page is damaged.",
                "timing_seconds": 0.0,
            },
        ],
        "combined_text": (
            "[Страница 1]\nСчёт № 17 от 01.02.2026, к оплате 1250\n\n--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---\n\n"
            "[Страница 3]\nplain words on the third page\n\n--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---\n\n[Страница 4]\n"
            "[page 4 could not be read: The page is damaged.]"
        ),
        "confidence_per_page": [0.86, 1.0, 0.0],
        "timing": {
            "total_seconds": 0.988,
            "pages": [
                {"page_number": 1, "seconds": 0.123},
                {"page_number": 3, "seconds": 0.5},
                {"page_number": 4, "seconds": 0.0},
            ],
        },
    }


SHARED_KEYS = {
    *("model", "prompt", "file_type", "input_type", "text", "markdown", "fields", "confidence", "confidence_basis"),
    *("status", "timing", "elapsed_sec", "request_id", "timestamp"),
}


@pytest.mark.parametrize("options", [{}, {"return_content": False, "return_confidence": False}])
def test_every_promised_key_is_there_whatever_is_asked_for(options: dict[str, bool]) -> None:
    image = wire(finished(PAGE, file_type=FileType.IMAGE, **options))
    pdf = wire(finished(PAGE, SECOND, **options))

    assert SHARED_KEYS | {"blocks"} <= image.keys()
    assert {"inference_seconds", "total_seconds"} <= image["timing"].keys()
    assert (
        SHARED_KEYS | {"total_pages", "processed_pages", "pages", "combined_text", "confidence_per_page"} <= pdf.keys()
    )
    assert {"total_seconds", "pages"} <= pdf["timing"].keys()
    for page in pdf["pages"]:
        assert {"page_number", "text", "markdown", "blocks", "confidence", "verdict", "timing_seconds"} <= page.keys()


def test_without_content_no_text_is_in_the_reply() -> None:
    image = wire(finished(PAGE, file_type=FileType.IMAGE, return_content=False))
    pdf = wire(finished(PAGE, SECOND, return_content=False))

    assert "Счёт" not in json.dumps([image, pdf], ensure_ascii=False)
    for reply in (image, pdf, *pdf["pages"]):
        assert [reply[key] for key in ("text", "markdown")] == [None, None]
    assert (image["fields"], pdf["fields"]) == (None, None)
    assert (image["blocks"], pdf["combined_text"], pdf["pages"][0]["blocks"]) == (None, None, None)
    assert (image["confidence"], pdf["confidence_per_page"]) == (0.86, [0.86, 1.0])


def test_the_librarys_own_result_and_what_had_no_effect_are_in_the_reply_where_there_are_any() -> None:
    own = replace(PAGE, engine_result={"width": 800}, warnings=("top_p has no effect", "boxes are odd"))
    image = wire(finished(own, file_type=FileType.IMAGE))
    assert (image["engine_result"], image["warnings"]) == ({"width": 800}, ["top_p has no effect", "boxes are odd"])
    both = wire(finished(own, replace(own, number=2, engine_result=None)))
    assert [page["block_markup"] for page in both["pages"]] == ["markdown", "plain"]
    assert both["warnings"] == ["top_p has no effect", "boxes are odd"]
    assert [page.get("engine_result") for page in both["pages"]] == [{"width": 800}, None]
    assert "engine_result" not in wire(finished(own, file_type=FileType.IMAGE, return_content=False))
    assert {"engine_result", "warnings"}.isdisjoint(wire(finished(PAGE, file_type=FileType.IMAGE)))


def test_without_confidence_none_is_worked_out() -> None:
    image = wire(finished(PAGE, file_type=FileType.IMAGE, return_confidence=False))
    pdf = wire(finished(PAGE, SECOND, return_confidence=False))

    for reply in (image, pdf, *pdf["pages"]):
        assert (reply["confidence"], reply["confidence_basis"]) == (None, None)
    assert pdf["confidence_per_page"] is None
    assert image["text"] == PAGE.text


def test_a_document_is_as_trustworthy_as_its_worst_page() -> None:
    bad = replace(SECOND, text="?", token_confidence=0.1)
    found = wire(finished(PAGE, bad))

    assert found["confidence"] == min(found["confidence_per_page"]) < 0.5
    assert (found["status"], found["processed_pages"]) == ("success", 2)


@pytest.mark.parametrize("verdict", [Verdict.BLANK, Verdict.TRUNCATED, Verdict.REPETITION])
def test_a_page_that_came_out_odd_is_marked_and_not_failed(verdict: Verdict) -> None:
    found = wire(finished(replace(PAGE, verdict=verdict), SECOND))

    assert found["pages"][0]["verdict"] == verdict.value
    assert (found["status"], found["processed_pages"]) == ("success", 2)


def test_an_image_file_of_several_pages_is_replied_to_as_a_document() -> None:
    found = build(finished(PAGE, SECOND, file_type=FileType.IMAGE))

    assert isinstance(found, DocumentReply)
    assert found.file_type is FileType.IMAGE


def test_one_page_chosen_of_an_image_file_of_several_is_a_document_too() -> None:
    found = build(finished(SECOND, file_type=FileType.IMAGE, total=3))

    assert isinstance(found, DocumentReply)
    assert (found.total_pages, [page.page_number for page in found.pages]) == (3, [3])


def test_a_pdf_of_one_page_is_a_document() -> None:
    assert isinstance(build(finished(PAGE)), DocumentReply)
    assert isinstance(build(finished(PAGE, file_type=FileType.IMAGE)), ImageReply)


def test_outputs_and_files_are_in_the_reply_only_when_there_are_some() -> None:
    done = finished(PAGE)
    reply = build(done)
    assert not {"outputs", "local_files", "s3_files"} & wire(done).keys()

    reply.outputs = {Format.TEXT: "a"}
    reply.local_files = {"json": "/files/json/a.json"}
    found = json.loads(render(done, reply, Format.JSON))

    assert found["outputs"] == {"text": "a"}
    assert found["local_files"] == {"json": "/files/json/a.json"}


# --- the other forms


def test_every_form_can_be_rendered_and_saved() -> None:
    done = finished(PAGE, SECOND, FAILED)
    rendered = render_all(done, build(done), Format)

    assert list(rendered) == list(Format)
    assert rendered[Format.MARKDOWN].decode().startswith("# Счёт № 17\n")
    assert rendered[Format.TEXT].decode().startswith(PAGE.text)
    assert rendered[Format.CSV] == b"a\r\n"
    assert rendered[Format.XLSX].startswith(b"PK")
    assert rendered[Format.HTML].decode().startswith("<!doctype html>")
    assert "<title>счёт.pdf</title>" in rendered[Format.HTML].decode()
    assert json.loads(rendered[Format.JSON])["model"] == "pp-ocr"
    with zipfile.ZipFile(io.BytesIO(rendered[Format.ZIP])) as archive:
        assert json.loads(archive.read("document.json"))["model"] == "pp-ocr"
    assert {KIND_OF[form] for form in Format} == set(KINDS)


def test_a_form_asked_for_twice_is_rendered_once() -> None:
    done = finished(PAGE)

    assert list(render_all(done, build(done), [Format.TEXT, Format.CSV, Format.TEXT])) == [Format.TEXT, Format.CSV]


@pytest.mark.parametrize("form", [Format.XLSX, Format.ZIP])
def test_in_json_every_form_is_text_and_what_is_not_is_base64(form: Format) -> None:
    assert as_text(Format.MARKDOWN, "ё".encode()) == "ё"
    assert base64.b64decode(as_text(form, b"PK\xff")) == b"PK\xff"


def test_fields_of_all_pages_say_where_they_are() -> None:
    other = replace(PAGE, number=9, blocks=(Block("text", (0, 0, 80, 40), "Total: 5\nDue: 6", BlockFormat.TEXT, 0),))

    assert [tuple(field.values()) for field in wire(finished(PAGE, other))["fields"]] == [
        ("Счёт №", "17", 1, [10, 20, 300, 60], 0.9),
        ("Total", "5", 9, [0, 0, 80, 20], None),
        ("Due", "6", 9, [0, 20, 80, 40], None),
    ]


def test_without_a_file_name_the_title_is_the_request() -> None:
    done = replace(finished(PAGE), filename=None)

    assert b"<title>req_1</title>" in render(done, build(done), Format.HTML)
