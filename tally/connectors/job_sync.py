"""Jobs of a connection, saved as its provider tells them now, and read back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tally.connectors.client import ApiClient
from tally.connectors.errors import ConnectorError, KeyRefused, Unavailable
from tally.connectors.jobs import JOB_SOURCES, Job
from tally.storage.database import Database, Query, select_all

TABLE = "provider_jobs"
COUNTS = (
    "requests",
    "failed_requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "trained_tokens",
    "stored_bytes",
)
SELECTED = ",".join(
    [
        *("id", "credential_id", "kind", "told_id", "name", "state", "model", "trained_model"),
        *COUNTS,
        *("cost_usd::text", "synchronous_usd::text", "began_at", "ended_at"),
    ]
)
DAY = timedelta(days=1)


@dataclass(slots=True)
class JobsFetched:
    """The number of jobs, and a sentence for each list that failed."""

    jobs: int = 0
    lists: int = 0
    refused_keys: int = 0
    errors: list[str] = field(default_factory=list)


def sync_jobs(
    database: Database,
    provider: str,
    connection_id: UUID,
    client: ApiClient,
    on_list: Callable[[int, str], None] = lambda _nth, _title: None,
) -> JobsFetched:
    """Fetch and save each list; a refused one does not stop the next. Raises Unavailable, DatabaseError."""
    fetched = JobsFetched()
    for nth, source in enumerate(JOB_SOURCES.get(provider, ())):
        on_list(nth, source.title)
        try:
            jobs = source.load(client)
        except Unavailable:
            raise
        except ConnectorError as problem:
            fetched.refused_keys += isinstance(problem, KeyRefused)
            fetched.errors.append(f"{source.title.capitalize()}: {problem}")
            continue
        rows = [job.to_json() for job in jobs]
        database.call("save_provider_jobs", credential_id=str(connection_id), kind=source.kind, jobs=rows)
        fetched.jobs += len(jobs)
        fetched.lists += 1
    return fetched


def load_jobs(database: Database) -> list[tuple[str, Job]]:
    """The workspace's jobs with the ids of their connections, the newest first. Raises DatabaseError."""
    rows = select_all(database, Query(TABLE, SELECTED, ["id"]))
    found = [(str(row["credential_id"]), _parse(row)) for row in rows]
    return sorted(found, key=lambda each: (each[1].began_at, each[1].told_id), reverse=True)


def _parse(row: Mapping[str, Any]) -> Job:
    counts = {name: row[name] for name in COUNTS}
    return Job(
        kind=row["kind"],
        told_id=row["told_id"],
        state=row["state"],
        began_at=datetime.fromisoformat(row["began_at"]),
        name=row["name"],
        model=row["model"],
        trained_model=row["trained_model"],
        cost_usd=_decimal(row["cost_usd"]),
        synchronous_usd=_decimal(row["synchronous_usd"]),
        ended_at=datetime.fromisoformat(row["ended_at"]) if row["ended_at"] else None,
        **counts,
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def sum_storage(jobs: Iterable[Job], first: date, last: date) -> list[tuple[date, int]]:
    """The bytes that were stored at the end of each UTC day, of files and vector stores."""
    kept = [job for job in jobs if job.stored_bytes and job.kind in ("file", "vector_store")]
    days = [first + nth * DAY for nth in range((last - first).days + 1)]
    return [(day, sum(job.stored_bytes or 0 for job in kept if _is_kept(job, day))) for day in days]


def _is_kept(job: Job, day: date) -> bool:
    ends = job.ended_at.astimezone(UTC).date() if job.ended_at else None
    return job.began_at.astimezone(UTC).date() <= day and (ends is None or day < ends)
