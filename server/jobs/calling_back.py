"""The webhook of a finished job: its message, the same at every attempt, and when to try again."""

import asyncio
import secrets
from dataclasses import dataclass

from server import webhooks
from server.errors import BadOption, OcrError
from server.jobs.errand_store import ErrandStore
from server.jobs.errands import Attempt
from server.jobs.job import Job
from server.jobs.view import JobView
from server.metrics import Metrics
from server.settings import Settings
from server.webhooks import DeliveryError

_KIND = "webhook"


@dataclass(frozen=True, slots=True)
class CallingBack:
    """Calls the webhooks of jobs."""

    settings: Settings
    errands: ErrandStore
    view: JobView
    metrics: Metrics

    def check(self, url: object) -> str | None:
        """A job's `webhook_url`, None where there is none. Raises WebhookNotAllowed, UrlNotAllowed, BadOption."""
        if url is None:
            return None
        if not isinstance(url, str):
            raise BadOption("webhook_url: Input should be a valid string.")
        webhooks.check_url(url, self.settings.webhook_hosts)
        return url

    async def attempt(self, job: Job, before: int) -> Attempt:
        """One call."""
        attempt = await self._attempt(job, before)
        self.metrics.webhooks.labels(attempt.state).inc()
        return attempt

    async def _attempt(self, job: Job, before: int) -> Attempt:
        assert job.webhook_url is not None
        message_id, body = await asyncio.to_thread(self.errands.message, job.id, _KIND, lambda: self._message(job))
        try:
            webhooks.check_url(job.webhook_url, self.settings.webhook_hosts)  # the list may have changed since
            assert self.settings.webhook_secret is not None
            await webhooks.deliver(job.webhook_url, body, message_id=message_id, secret=self.settings.webhook_secret)
        except OcrError as error:
            return Attempt("failed", None, {"error": error.detail})
        except DeliveryError as error:
            again_in_s = webhooks.next_delay_s(before + 1, error.retry_after_s) if error.retryable else None
            return Attempt("failed" if again_in_s is None else "pending", again_in_s, {"error": str(error)})
        return Attempt("delivered", None, {})

    def _message(self, job: Job) -> tuple[str, bytes]:
        return f"msg_{secrets.token_hex(12)}", webhooks.event(self.view.show(job).model_dump(mode="json"))
