"""`offline-ocr jobs`: the list, one job, its end, its result."""

from argparse import Namespace
from typing import Any

from server.client.api import Api
from server.client.errors import Failed
from server.client.follow import Follower
from server.client.job import Job
from server.client.output import print_json, print_line, print_result, table

_PAGE = 100  # jobs asked for at once


async def run(given: Namespace, api: Api) -> int:
    """The exit code of one action. Raises ClientError."""
    match given.action:
        case "show":
            return await _show(given, api)
        case "cancel":
            return await _cancel(given.id, api)
        case "result":
            print_result(await api.result(given.id, given.format, given.file), given.format)
            return 0
    rows = await _list(api, given.limit, given.state)
    if given.json:
        print_json(rows)
    else:
        print_line(table(("id", "state", "created", "model", "pages", "documents"), map(_row, rows)))
    return 0


async def _list(api: Api, limit: int, state: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    query: dict[str, str] = {"state": state} if state else {}
    while True:
        reply = await api.get("/jobs", "jobs", "next", query={**query, "limit": min(limit - len(rows), _PAGE)})
        rows += reply["jobs"]
        if len(rows) >= limit or not reply["next"]:
            return rows[:limit]
        query["cursor"] = reply["next"]


async def _show(given: Namespace, api: Api) -> int:
    if given.follow:
        await Follower(api, given.id, _event_as_json if given.json else _event).run()
    job = await api.job(given.id)
    if given.json:
        # after the events each line is one value; alone it is for people, too
        print_json(job.raw, indent=None if given.follow else 2)
    else:
        print_line(table(("", ""), _lines(job)).lstrip("\n"))
    return 1 if job.state == "failed" or job.failed_pages else 0


async def _cancel(job_id: str, api: Api) -> int:
    job = await api.job(job_id)
    if job.ended:
        # the same request would remove it, and its result
        raise Failed(f"Job {job_id} has ended already: {job.state}.")
    await api.delete(job_id)
    print_line(f"{job_id} cancelled")
    return 0


def _pages(job: dict[str, Any]) -> str:
    total = job.get("total_pages")
    return f"{job.get('processed_pages')}/{'?' if total is None else total}"


def _row(job: dict[str, Any]) -> tuple[object, ...]:
    names = ", ".join(file.get("filename") or "-" for file in job.get("files") or [])
    return job.get("id"), job.get("state"), job.get("created"), job.get("model"), _pages(job), names


def _lines(job: Job) -> list[tuple[str, object]]:
    raw = job.raw
    lines: list[tuple[str, object]] = [("id", job.id), ("state", job.state), ("model", raw.get("model"))]
    lines += [("pages", _pages(raw)), ("failed pages", job.failed_pages)]
    lines += [(name, raw[name]) for name in ("created", "started", "finished", "expires") if raw.get(name)]
    for name in ("queue_position", "estimated_seconds", "waiting_for"):
        if raw.get(name) is not None:
            lines.append((name.replace("_", " "), raw[name]))
    for file in raw.get("files") or []:
        problem = file.get("error")
        said = f": {problem.get('title')}: {problem.get('detail')}" if problem else ""
        lines.append((f"document {file.get('index')}", f"{file.get('filename') or '-'}, {_pages(file)} pages{said}"))
    return [*lines, ("problem", job.problem)] if job.problem else lines


def _event_as_json(name: str, data: dict[str, Any]) -> None:
    print_json({"event": name, **data}, indent=None)


def _event(name: str, data: dict[str, Any]) -> None:
    match name:
        case "state":
            print_line(f"{data.get('state')} ({_pages(data)} pages)")
        case "page":
            confidence = data.get("confidence")
            sure = "" if confidence is None else f", {confidence:.2f}"
            where = f"document {data.get('file')}, page {data.get('page_number')}"
            print_line(f"{where}: {data.get('verdict')}{sure} ({_pages(data)})")
