"""The tools: what `/ocr`, `/jobs` and `/models` do, asked for in another way."""

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from server.call import Call, spooled
from server.errors import NoInput, NoResultYet, TooLarge
from server.jobs.job import FINISHED, Job, JobState
from server.mcp.asking import Asking
from server.mcp.schemas import JobArguments, ModelLine, ModelLines, NoArguments, OcrArguments, Outcome, OutputFormat
from server.reply import KIND_OF, Finished, render
from server.routes import jobs, models
from server.routes.reading import Asked, read
from server.schemas import JobReply
from server.settings import MIB
from server.spool import room

MAX_RESULT_MB = 4
"""The SDK turns a result into a message in this process, and no model reads more."""

_FORMS = {kind: form for form, kind in KIND_OF.items()}

Told = Callable[[int, int], None]
"""Told how many pages are done, of how many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A result in texts, and as an object of the tool's `outcome`."""

    texts: list[str]
    structured: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what it is for, what it takes and gives, and how it is done."""

    title: str
    description: str
    arguments: type[BaseModel]
    outcome: type[BaseModel]
    run: Callable[[Asking, Any, Told], Coroutine[Any, Any, Answer]]
    read_only: bool = True


async def _ocr_document(asking: Asking, asks: OcrArguments, told: Told) -> Answer:
    if asks.as_job:
        job = await _handed_in(asking, asks)
        return _answer(Outcome(job=await asyncio.to_thread(asking.services.job_view.show, job)))
    asked, place = replace(asking.asked, told=told), asking.place
    plan = asking.services.recognition.plan(_fields(asks))
    if asking.sent is None:
        raise NoInput("`document` is empty.")
    with room():
        async with asking.held.pop_all() as held:
            place.permit.set_pages(1)
            finished, _ = await read(asked, asking.sent, plan, place, held)
            return await asyncio.to_thread(_rendered, asked, finished, asks.output_format)


def _rendered(asked: Asked, finished: Finished, output_format: OutputFormat) -> Answer:
    reply = asked.services.keeper.finish(finished, asked.owner)
    return _with_result(render(finished, reply, _FORMS[output_format]), reply.status, output_format)


async def _handed_in(asking: Asking, asks: OcrArguments) -> Job:
    desk, sent, fields = asking.services.jobs, asking.sent, _fields(asks)
    plan = asking.services.recognition.plan(fields)
    if sent is None:
        raise NoInput("`document` is empty.")
    with room(), desk.arrival() as arriving:
        if sent.path is not None:
            target = spooled(arriving.folder, 0)
            await asyncio.to_thread(shutil.move, sent.path, target)
            sent = replace(sent, path=target)
        call = Call(fields, (sent,))
        files = await desk.look_at(call, plan, asking.place.reader)
        return await desk.hand_in(arriving, asking.caller.owner, call, plan, files, None, None)


def _fields(asks: OcrArguments) -> dict[str, Any]:
    return asks.model_dump(include={"model_name", "pages", "prompt"}, exclude_unset=True)


async def _list_models(asking: Asking, _: NoArguments, __: Told) -> Answer:
    reply = await models.models(asking.services)
    lines = ModelLines(
        default_model=reply.default_model, models=[ModelLine.model_validate(row) for row in reply.models]
    )
    return Answer([lines.model_dump_json()], lines.model_dump(mode="json"))


async def _get_job(asking: Asking, asks: JobArguments, _: Told) -> Answer:
    services, caller = asking.services, asking.caller
    job = await jobs.job(asks.job_id, services, caller, asks.wait_seconds)
    if job.state not in FINISHED or job.state is JobState.FAILED:
        return _answer(Outcome(job=job))
    form = _FORMS[asks.output_format]
    try:
        reply = await jobs.result(asks.job_id, services, caller, asking.asked.request_id, form, asks.file)
    except NoResultYet:  # cancelled before its first page
        return _answer(Outcome(job=job))
    status = reply.headers["x-document-status"]
    return await asyncio.to_thread(_with_result, bytes(reply.body), status, asks.output_format, job)


def _with_result(content: bytes, status: str, output_format: OutputFormat, job: JobReply | None = None) -> Answer:
    """Takes a moment for a large result: call it in a thread. Raises TooLarge."""
    if len(content) > MAX_RESULT_MB * MIB:
        raise TooLarge(
            f"The result has more than the {MAX_RESULT_MB} MiB that a message may carry. Ask for fewer `pages`, or for "
            f"{'`text`' if output_format == 'json' else 'a job'}; GET /jobs/{{id}}/result gives it as a whole."
        )
    result: str | dict[str, Any] = content.decode()
    outcome = {"status": status, "result": json.loads(content) if output_format == "json" else result, "job": job}
    return _answer(Outcome.model_validate(outcome), content.decode())


def _answer(outcome: Outcome, *texts: str) -> Answer:
    about = [outcome.job.model_dump_json()] if outcome.job else []
    return Answer([*about, *texts], outcome.model_dump(mode="json"))


TOOLS = {
    "ocr_document": Tool(
        "Read a document",
        "Reads a scanned document or a picture and gives its text as Markdown, with headings, lists and tables, or as "
        "plain text or JSON. A document in base64 may be as large as one of POST /ocr; one that is too large for a "
        "message of yours can be read from an address, or sent to POST /jobs and followed with `get_job`. Long documents "
        "take long: choose `pages`, or use `as_job`.",
        OcrArguments,
        Outcome,
        _ocr_document,
        read_only=False,
    ),
    "list_models": Tool(
        "List the models",
        "The models that can read documents, with their languages and states, and which one is the default.",
        NoArguments,
        ModelLines,
        _list_models,
    ),
    "get_job": Tool(
        "Look at a job",
        "The state and progress of a job that `ocr_document` or POST /jobs began, and its result when it is done.",
        JobArguments,
        Outcome,
        _get_job,
    ),
}
