"""A job as it is shown to its caller."""

from datetime import UTC, datetime

from server.admission import Admission
from server.jobs.job import FINISHED, Job, JobState, errand_of
from server.jobs.outcome import s3_files
from server.jobs.runner import JobRunner
from server.jobs.store import JobStore, Waiting
from server.schemas import JobFileReply, JobReply, Trouble, WebhookReply


class JobView:
    """Shows jobs, with what only the running server knows: their turn, and how long they may take."""

    def __init__(self, store: JobStore, runner: JobRunner, admission: Admission, ttl_s: float) -> None:
        self._store = store
        self._runner = runner
        self._admission = admission
        self._ttl_s = ttl_s

    def show(self, job: Job) -> JobReply:
        """The job's reply. Waits for the disk: call it in a thread."""
        older = self._store.older(job) if job.state is JobState.QUEUED else []
        run = self._runner.run_of(job.id)
        finished = job.state in FINISHED
        return JobReply(
            id=job.id,
            state=job.state,
            created=_iso(job.created),
            started=_iso(job.started) if job.started else None,
            finished=_iso(job.finished) if job.finished else None,
            expires=_iso(job.finished + self._ttl_s) if job.finished else None,
            model=job.model,
            total_pages=job.total_pages,
            processed_pages=job.processed_pages,
            failed_pages=job.failed_pages,
            queue_position=len(older) if job.state is JobState.QUEUED else None,
            estimated_seconds=None if finished else self._estimate(job, older),
            waiting_for=None if finished else run.waiting_for if run else self._runner.put_off_because(job.id),
            files=[
                JobFileReply(
                    index=each.index,
                    filename=each.filename,
                    total_pages=each.chosen,
                    processed_pages=each.processed,
                    failed_pages=each.failed,
                    error=Trouble.model_validate(each.error) if each.error else None,
                )
                for each in job.files
            ],
            error=Trouble.model_validate(job.error) if job.error else None,
            local_files=job.local_files,
            s3_files=s3_files(job),
            webhook=_webhook(job),
            keep_document=job.keeps_document,
            links={"self": f"/jobs/{job.id}", "events": f"/jobs/{job.id}/events", "result": f"/jobs/{job.id}/result"},
        )

    def _estimate(self, job: Job, older: list[Waiting]) -> float | None:
        """Seconds: the pages left at the pace of this run; before it has one, at that of late, older jobs first."""
        if job.total_pages is None:
            return None
        left = job.total_pages - job.processed_pages
        run = self._runner.run_of(job.id)
        if run and run.pages_read:
            return round(left * run.seconds / run.pages_read, 1)
        before = sum(each.pages_left or 1 for each in older)
        return round((left + before) * self._admission.seconds_per_page, 1)


def _webhook(job: Job) -> WebhookReply | None:
    if job.webhook_url is None:
        return None
    errand = errand_of(job, "webhook")
    if errand is None:
        return WebhookReply(state="waiting", attempts=0, error=None)
    return WebhookReply.model_validate(
        {"state": errand.state, "attempts": errand.attempts, "error": (errand.outcome or {}).get("error")}
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
