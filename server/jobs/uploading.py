"""The upload of a finished job's saved files, tried again until S3 has them."""

import asyncio
from dataclasses import dataclass

from server.errors import NotFound
from server.finishing import Keeper
from server.jobs.errands import Attempt
from server.jobs.job import Job
from server.webhooks import next_delay_s


@dataclass(frozen=True, slots=True)
class Uploading:
    """Uploads the results of jobs."""

    keeper: Keeper

    async def attempt(self, job: Job, before: int) -> Attempt:
        """One upload. What an operator can mend (a wrong key, a missing bucket) is tried again as well."""
        assert job.local_files is not None
        try:
            uploaded = await asyncio.to_thread(self.keeper.upload_saved, job.owner, job.local_files)
        except NotFound as error:
            return Attempt("failed", None, {"error": error.detail})
        outcome = uploaded.model_dump()
        if uploaded.status == "uploaded":
            return Attempt("uploaded", None, outcome)
        again_in_s = next_delay_s(before + 1)
        return Attempt("failed" if again_in_s is None else "pending", again_in_s, outcome)
