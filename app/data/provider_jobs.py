"""Batches, fine-tuning jobs, files and vector stores of the workspace's connections."""

from app.auth.identity import User, database_of
from app.data.reading import cached, data_version
from tally.connectors import job_sync
from tally.connectors.jobs import Job


def load_provider_jobs(user: User) -> list[tuple[str, Job]]:
    """Jobs with the ids of their connections, the newest first; only admins see any."""
    return _provider_jobs(user, data_version(user))


@cached
def _provider_jobs(user: User, version: str) -> list[tuple[str, Job]]:  # noqa: ARG001
    return job_sync.load_jobs(database_of(user))
