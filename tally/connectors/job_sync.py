"""Jobs of a connection, saved as its provider tells them now, and read back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tally.connectors.batch_results import add_tokens
from tally.connectors.client import ApiClient
from tally.connectors.connections import Connection
from tally.connectors.errors import ConnectorError, KeyRefused, RequestRefused, Unavailable
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
RESULTS_KEPT = timedelta(days=29)  # by Anthropic, from the creation of a batch
MOST_RESULTS = 20  # batches whose results one sync reads
GONE = (404, 410)
TOLD_BY_RESULTS = (
    "model",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "synchronous_usd",
)


@dataclass(slots=True)
class JobsFetched:
    """The number of jobs, and a sentence for each list that failed."""

    jobs: int = 0
    lists: int = 0
    refused_keys: int = 0
    errors: list[str] = field(default_factory=list)

    def note(self, title: str, problem: ConnectorError) -> None:
        """Count a list, or a part of one, that failed."""
        self.refused_keys += isinstance(problem, KeyRefused)
        self.errors.append(f"{title.capitalize()}: {problem}")


def sync_jobs(
    database: Database,
    connection: Connection,
    client: ApiClient,
    today: date,
    on_list: Callable[[int, str], None] = lambda _nth, _title: None,
) -> JobsFetched:
    """Fetch and save each list; a refused one does not stop the next. Raises Unavailable, DatabaseError."""
    fetched = JobsFetched()
    for nth, source in enumerate(JOB_SOURCES.get(connection.provider, ())):
        on_list(nth, source.title)
        try:
            jobs = source.load(client)
            if connection.provider == "anthropic" and source.kind == "batch":
                known = {
                    job.told_id: job
                    for told, job in load_jobs(database)
                    if told == str(connection.connection_id)
                }
                jobs = add_results(client, jobs, known, today, fetched)
        except Unavailable:
            raise
        except ConnectorError as problem:
            fetched.note(source.title, problem)
            continue
        rows = [job.to_json() for job in jobs]
        database.call(
            "save_provider_jobs", credential_id=str(connection.connection_id), kind=source.kind, jobs=rows
        )
        fetched.jobs += len(jobs)
        fetched.lists += 1
    return fetched


def add_results(
    client: ApiClient, jobs: Iterable[Job], known: Mapping[str, Job], today: date, fetched: JobsFetched
) -> list[Job]:
    """Batches with their tokens: those of before, or of their results, as many as one sync may read."""
    found: list[Job] = []
    left = MOST_RESULTS
    for job in jobs:
        before = known.get(job.told_id)
        if before is not None and before.input_tokens is not None:
            found.append(replace(job, **{name: getattr(before, name) for name in TOLD_BY_RESULTS}))
            continue
        has_results = job.ended_at is not None and job.began_at.date() > today - RESULTS_KEPT
        if has_results and left and (job.requests or 0) > (job.failed_requests or 0):
            left -= 1
            try:
                job = add_tokens(client, job)
            except ConnectorError as problem:
                if not isinstance(problem, RequestRefused) or problem.status not in GONE:
                    fetched.note("results of batches", problem)
                    left = 0  # the next sync goes on
        found.append(job)
    return found


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
