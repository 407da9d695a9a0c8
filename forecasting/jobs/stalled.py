"""Jobs of workers that were killed: found by their missing heartbeats, and done again."""

import logging
from datetime import UTC, datetime

from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status

from forecasting.jobs.queue import STALLED_SECONDS, queue

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # at once, by any clock


async def retry_stalled() -> int:
    """Put jobs of dead workers back into the queue and return their number."""
    jobs = list(await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS))
    for job in jobs:
        logging.getLogger(__name__).warning("Done again, as its worker has ended: %s", job.call_string)
        await _retry(job)
    return len(jobs)


async def _retry(job: Job) -> None:
    try:
        await queue.job_manager.retry_job(job, retry_at=LONG_AGO)
    except UniqueViolation:  # the same waits in the queue already
        await queue.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
