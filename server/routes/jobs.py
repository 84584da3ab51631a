"""Jobs: the work of `/ocr`, durable and without a connection that has to stay open."""

import asyncio
import re
import time
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from server.attachments import disposition, stem_of
from server.auth import Caller
from server.errors import BadOption, BadRequest
from server.jobs.desk import Arrival
from server.jobs.job import FINISHED, Job, JobFile, JobState
from server.recognition import checked
from server.reply import KIND_OF
from server.results import KINDS
from server.routes import OF_DOCUMENTS, problems
from server.routes.dependencies import CallerDep, RequestIdDep, ServicesDep
from server.routes.event_stream import stream
from server.routes.ocr_body import takes
from server.routes.patience import run_while_wanted
from server.routes.receiving import receive
from server.schemas import DocumentReply, Format, ImageReply, JobOptions, JobReply, JobsReply, ManyReply
from server.services import Services
from server.spool import room

router = APIRouter(prefix="/jobs", tags=["jobs"])

_KEY = "^[!-~]{1,255}$"
_CURSOR = "^([0-9]{1,12}[.][0-9]{1,12})_(job_[0-9a-f]{24})$"
MAX_WAIT_S = 60
_LINKS = {
    name: {"operationRef": f"#/paths/~1jobs~1{{job_id}}{address}", "parameters": {"job_id": "$response.body#/id"}}
    for name, address in {
        "job": "/get",
        "end": "/delete",
        "events": "~1events/get",
        "result": "~1result/get",
    }.items()
}

# A job of another name is not there, which is what its caller hears; the pattern is for programs that make requests.
JobId = Annotated[str, Path(json_schema_extra={"pattern": "^job_[0-9a-f]{24}$"})]


@router.post(
    "",
    status_code=202,
    responses={
        **problems(409, *OF_DOCUMENTS),
        202: {"headers": {"Location": {"required": True, "schema": {"type": "string"}}}, "links": _LINKS},
    },
    openapi_extra=takes("Job"),
)
async def submit(
    request: Request,
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="The same key and body give the same job",
            json_schema_extra={"pattern": _KEY},
        ),
    ] = None,
) -> JobReply:
    """Hand in one or more documents, with the options of `/ocr`; answers as soon as they are on the server's disk."""
    if idempotency_key is not None and not re.fullmatch(_KEY, idempotency_key):
        raise BadRequest("The Idempotency-Key has to be 1 to 255 visible ASCII characters.")
    started = time.perf_counter()
    with services.admission.enter(pages=0), room(), services.jobs.arrival() as arriving:
        settings = services.settings
        limit_mb = min(settings.max_upload_mb * settings.max_batch_files, settings.jobs_max_mb)
        receiving = receive(request, arriving.folder / "body", None, limit_mb=limit_mb)
        await run_while_wanted(receiving, request, services, started=started, reads_body=True)
        content_type = request.headers.get("content-type", "")
        taking = _take(services, caller, arriving, content_type, idempotency_key)
        job = await run_while_wanted(taking, request, services, started=started)
    response.headers["Location"] = f"/jobs/{job.id}"
    return await asyncio.to_thread(services.job_view.show, job)


async def _take(services: Services, caller: Caller, arriving: Arrival, content_type: str, key: str | None) -> Job:
    desk = services.jobs
    async with services.pool.reader(arriving.folder) as reader:
        body = arriving.folder / "body"
        call = await reader.call(body, content_type, services.settings.max_batch_files)
        body.unlink()
        hook = services.calling_back.check(call.fields.pop("webhook_url", None))
        of_jobs = {name: call.fields.pop(name) for name in JobOptions.model_fields if name in call.fields}
        own = checked(JobOptions, of_jobs, typed=call.typed)
        plan = services.recognition.plan(call.fields, typed=call.typed)
        files = await desk.look_at(call, plan, reader)
    return await desk.hand_in(*(arriving, caller.owner, call, plan, files, key, hook), keeps_document=own.keep_document)


@router.get("", responses=problems(422))
async def jobs(
    services: ServicesDep,
    caller: CallerDep,
    state: JobState | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[
        str | None, Query(description="`next` of the page before", json_schema_extra={"pattern": _CURSOR})
    ] = None,
) -> JobsReply:
    """This caller's jobs, newest first."""

    def look() -> JobsReply:
        found = services.jobs.store.jobs(caller.owner, state, _read_cursor(cursor), limit + 1)
        more = _cursor(found[limit - 1]) if len(found) > limit else None
        return JobsReply(jobs=[services.job_view.show(job) for job in found[:limit]], next=more)

    return await asyncio.to_thread(look)


@router.get("/{job_id}", responses=problems(404, 422))
async def job(
    job_id: JobId,
    services: ServicesDep,
    caller: CallerDep,
    wait: Annotated[
        float, Query(ge=0, le=MAX_WAIT_S, allow_inf_nan=False, description="Seconds to wait for its end")
    ] = 0,
) -> JobReply:
    """A job; with `wait` the answer comes when it is finished, or when so many seconds are over."""
    store, end = services.jobs.store, time.monotonic() + wait
    with services.jobs.changes.of(job_id) as changed:
        while True:
            changed.clear()
            found = await asyncio.to_thread(store.job, job_id, caller.owner)
            left = end - time.monotonic()
            if found.state in FINISHED or left <= 0 or services.admission.draining:
                return await asyncio.to_thread(services.job_view.show, found)
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                continue


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={
        **problems(404),
        200: {"content": {"text/event-stream": {}}, "description": "`state`, `page` and `progress`"},
        204: {"description": "You have had everything: do not come again"},
    },
)
async def events(
    job_id: JobId,
    services: ServicesDep,
    caller: CallerDep,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", description="The events after this one")] = None,
) -> Response:
    """What happens to a job, as it happens: each change of its state, each page, and how far it is."""
    after = int(last_event_id) if last_event_id and re.fullmatch(r"[0-9]{1,15}", last_event_id) else 0
    job, missed = await asyncio.to_thread(services.jobs.store.since, job_id, after, caller.owner)
    if after and job.state in FINISHED and not missed:
        return Response(status_code=204)  # browsers would come back for ever
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(services, job_id, after), media_type="text/event-stream", headers=headers)


@router.get(
    "/{job_id}/result",
    response_class=Response,
    responses={
        **problems(409, *OF_DOCUMENTS),
        200: {
            "model": ImageReply | DocumentReply | ManyReply,
            "description": "As of `/ocr`, so far as it is read",
            "content": {media_type.partition(";")[0]: {} for _, media_type in KINDS.values()},
        },
    },
)
async def result(  # noqa: PLR0913 one for each thing the framework hands over
    job_id: JobId,
    services: ServicesDep,
    caller: CallerDep,
    request_id: RequestIdDep,
    format: Format = Format.JSON,  # noqa: A002 the name in the query
    file: Annotated[int | None, Query(ge=0, description="One document of several")] = None,
) -> Response:
    """What has been read of a job: all of it when it is done, the pages so far while it is at work."""
    found = await asyncio.to_thread(services.jobs.store.job, job_id, caller.owner)
    chosen = document_of(found, file or 0) if file is not None or len(found.files) == 1 else None
    if chosen is None and format not in {Format.JSON, Format.ZIP}:
        raise BadOption(
            f"format: {format} is for one document, and the job has {len(found.files)}; choose with `file`."
        )
    outcomes = services.jobs.outcomes
    with services.spool.request() as folder, room():
        if chosen is None:
            outcome = await asyncio.to_thread(outcomes.all, found, format, folder, request_id)
        else:
            outcome = await asyncio.to_thread(outcomes.one, found, chosen, format, folder)
    suffix, media_type = KINDS[KIND_OF[format]]
    stem = stem_of(chosen.filename if chosen and chosen.filename else job_id)
    headers = {
        "X-Document-Status": outcome.status,
        "X-Job-State": found.state,
        "X-Corrections": str(outcome.corrections),
        "Content-Disposition": disposition(f"{stem}{'_corrected' if outcome.corrections else ''}{suffix}"),
    }
    return Response(outcome.content, media_type=media_type, headers=headers)


@router.delete("/{job_id}", responses={**problems(404, 503), 204: {"description": "It was finished, and is removed"}})
async def delete(job_id: JobId, services: ServicesDep, caller: CallerDep, response: Response) -> JobReply | None:
    """End a job that is not finished; what it has read stays. One that is finished is removed."""
    found = await asyncio.to_thread(services.jobs.store.job, job_id, caller.owner)
    if found.state in FINISHED:
        await asyncio.to_thread(services.jobs.forget, job_id)
        services.jobs.changes.tell(job_id)
        response.status_code = 204
        return None
    await services.jobs.cancel(found)
    ended = await asyncio.to_thread(services.jobs.store.job, job_id)
    return await asyncio.to_thread(services.job_view.show, ended)


def document_of(job: Job, index: int) -> JobFile:
    """The job's document of that number, counted from 0. Raises BadOption."""
    if index >= len(job.files):
        raise BadOption(f"file: the job has the documents 0 to {len(job.files) - 1}.")
    return job.files[index]


def _cursor(last: Job) -> str:
    return f"{last.created:.9f}_{last.id}"


def _read_cursor(cursor: str | None) -> tuple[float, str] | None:
    if cursor is None:
        return None
    if match := re.fullmatch(_CURSOR, cursor):
        return float(match[1]), match[2]
    raise BadOption("cursor: it is not one that this server gave. Begin again without it.")
