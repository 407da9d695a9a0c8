"""Changed days are folded soon after saves."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID, uuid4

import pytest

from forecasting.jobs.debounce import Pace
from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection, Project
from tests.forecasting.jobs.running import running_worker
from tests.supabase.parts import eventually

Act = Callable[[UUID], Connection]
START = datetime(2026, 5, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.new_database  # the queue adds its schema


def save(connection: Connection, days: int = 3) -> None:
    """Save a record of each of the first days."""
    records = [
        {
            "provider": "openai",
            "timestamp": (START + timedelta(days=day)).isoformat(),
            "model_name": "gpt-5",
            "cost_usd": "1.5",
            "source_key": str(uuid4()),
        }
        for day in range(days)
    ]
    connection.execute("select public.save_cost_records(null, %s)", [json.dumps(records)])


def count(database: Connection, table: str) -> int:
    row = database.execute(f"select count(*) from private.{table}").fetchone()
    assert row is not None
    return int(row[0])


def test_saved_days_are_folded_soon(project: Project, database: Connection, as_user: Act, user: UUID) -> None:
    member = as_user(user)
    with running_worker(project) as running:
        save(member)
        eventually(lambda: count(database, "overridden_days") == 3)
        save(member, days=1)
        eventually(lambda: count(database, "stale_days") == 0)
    assert running.events == []
    assert read_daily_costs(member) == add_up(member)


def test_failure_is_reported_once_and_retried(
    project: Project, database: Connection, as_user: Act, user: UUID
) -> None:
    database.execute("alter function public.fold_stale_days() rename to gone")
    save(as_user(user))
    with running_worker(project) as running:
        eventually(lambda: running.events != [])
        assert "could not be folded" in running.events[0]
        database.execute("alter function public.gone() rename to fold_stale_days")
        eventually(lambda: count(database, "stale_days") == 0)
    assert len(running.events) == 1


def test_lost_connection_is_opened_again(
    project: Project, database: Connection, as_user: Act, user: UUID
) -> None:
    member = as_user(user)
    with running_worker(project) as running:
        save(member)
        eventually(lambda: count(database, "stale_days") == 0)
        database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name in ('tally worker', 'tally watch') and datname = current_database()"
        )
        save(member)
        eventually(lambda: count(database, "stale_days") == 0)
    assert running.events == []


def test_stop_does_not_wait_for_the_next_check(project: Project) -> None:
    started = monotonic()
    with running_worker(project, Pace(60, 60, 60)):
        pass
    assert monotonic() - started < 10
