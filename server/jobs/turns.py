"""Whose turn it is: short jobs do not wait for long ones, and one caller's many jobs not before another's one."""

from collections import Counter
from collections.abc import Collection

from server.jobs.store import Waiting
from server.page_task import Urgency

JOBS_AT_ONCE = 4
LONG_JOBS_AT_ONCE = 2
SHORT_PAGES = 16  # a job with no more pages left is short


def urgency(job: Waiting) -> Urgency:
    """How urgent its pages are. A job whose document has not been opened yet counts as short until it is."""
    is_long = job.pages_left is not None and job.pages_left > SHORT_PAGES
    return Urgency.LONG_JOB if is_long else Urgency.SHORT_JOB


def choose(waiting: Collection[Waiting], running: Collection[Waiting]) -> Waiting | None:
    """The job to begin now, of the caller with the fewest running; short ones before long ones, old ones before new ones."""
    if len(running) >= JOBS_AT_ONCE:
        return None
    long_ones = sum(urgency(job) is Urgency.LONG_JOB for job in running)
    may_be_long = long_ones < LONG_JOBS_AT_ONCE
    candidates = [job for job in waiting if may_be_long or urgency(job) is not Urgency.LONG_JOB]
    of_owner = Counter(job.owner for job in running)
    return min(candidates, key=lambda job: (of_owner[job.owner], urgency(job), job.created), default=None)
