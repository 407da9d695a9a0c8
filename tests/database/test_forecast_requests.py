"""What changes a forecast asks for a new one, and only for the workspace that it is about."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.database_fixtures import Connection, make_months

Act = Callable[[UUID], Connection]

REQUESTED = "select distinct workspace_id from private.forecast_requests order by 1"
ADD_SUBSCRIPTION = """
insert into public.subscriptions (provider_id, plan_name, amount_usd, started_on, renewal_day, interval)
select id, 'Plus', 20, '2026-01-01', 1, 'month' from public.providers where name = 'chatgpt'"""
ADD_RECORD = """
insert into public.cost_records (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
select %(user)s, %(user)s, id, '2026-05-01T12:00Z', 'gpt-5', 1 from public.providers where name = 'openai'"""
ADD_RUN = """
insert into public.job_runs (run_id, workspace_id, kind, day, started_at, status, steps, error)
values (%s, %s, %s, '2026-05-06', %s, %s, %s, %s)"""
CREATE_PROJECT = "select public.create_project(auth.uid(), 'Website')"
FORECAST = {"step": "forecast", "count": 3}
COLLECT = {"step": "collect", "count": 1, "left": 2}


def requested(database: Connection) -> list[UUID]:
    return [workspace for (workspace,) in database.execute(REQUESTED)]


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize(
    "change",
    [
        ADD_SUBSCRIPTION,
        f"{ADD_SUBSCRIPTION}; update public.subscriptions set amount_usd = 30",
        f"{ADD_SUBSCRIPTION}; delete from public.subscriptions",
        "update public.user_preferences set forecast_enabled = false",
        f"{CREATE_PROJECT}; select public.archive_project(id) from public.projects",
    ],
)
def test_changes_of_a_member_are_noted(database: Connection, as_user: Act, user: UUID, change: str) -> None:
    member = as_user(user)
    for statement in change.split("; "):
        database.execute("delete from private.forecast_requests")
        member.execute(statement.encode())
    assert requested(database) == [user]


@pytest.mark.parametrize(
    "change",
    ["theme = 'dark'", "currency = 'EUR'", "forecast_enabled = true"],
)
def test_settings_without_a_part_in_forecasts_are_not_noted(
    database: Connection, as_user: Act, user: UUID, change: str
) -> None:
    as_user(user).execute(f"update public.user_preferences set {change}".encode())
    assert requested(database) == []


@pytest.mark.parametrize(
    "fold", ["select public.fold_stale_days()", "select public.refresh_cost_records_daily()"]
)
def test_changed_days_are_noted_when_they_are_folded(
    database: Connection, user: UUID, stranger: UUID, fold: str
) -> None:
    make_months(database, "2026-05-01")
    database.execute(ADD_RECORD, {"user": user})
    assert requested(database) == [], "a save does no more than it did"
    database.execute(fold.encode())
    assert requested(database) == [user]
    database.execute("delete from private.forecast_requests")
    database.execute(fold.encode())
    assert requested(database) == []
    assert stranger


def test_two_changes_at_once_wait_for_nobody(database: Connection, as_user: Act, user: UUID) -> None:
    first, second = as_user(user), as_user(user)
    with first.transaction():
        first.execute(ADD_SUBSCRIPTION)
        second.execute("set lock_timeout = '2s'")
        second.execute("update public.user_preferences set forecast_enabled = false")
    assert requested(database) == [user]


def last_run(member: Connection) -> dict[str, Any]:
    row = member.execute("select public.last_run()").fetchone()
    assert row is not None
    return dict(row[0])


def test_last_run_after_changes_has_what_the_nightly_run_did_beside(
    database: Connection, as_user: Act, user: UUID
) -> None:
    def add(kind: str, at: str, status: str, *steps: dict[str, Any]) -> None:
        database.execute(ADD_RUN, [uuid4(), user, kind, at, status, json.dumps(steps), None])

    old = FORECAST | {"count": 1}
    add("nightly", "2026-05-06T03:15Z", "done", old, {"step": "score", "count": 1}, COLLECT)
    add("change", "2026-05-06T10:00Z", "done", FORECAST)
    add("change", "2026-05-06T11:00Z", "running")
    run = last_run(as_user(user))
    assert (run["kind"], run["status"], run["steps"]) == ("change", "done", [FORECAST, COLLECT])


def test_worker_that_was_not_seen_for_long_is_not_there(
    database: Connection, as_user: Act, user: UUID
) -> None:
    member = as_user(user)
    database.execute(ADD_RUN, [uuid4(), user, "change", "now", "running", "[]", None])

    def state() -> tuple[bool, bool]:
        row = member.execute("select public.forecast_state()").fetchone()
        assert row is not None
        return row[0]["has_worker"], row[0]["is_updating"]

    assert state() == (False, False)
    database.execute("insert into private.worker_seen (seen_at) values (now())")
    assert state() == (True, True)
    database.execute("update public.job_runs set started_at = now() - interval '4 minutes'")
    assert state() == (True, False), "it was killed, or cannot be done"
    database.execute("update private.worker_seen set seen_at = now() - interval '2 minutes'")
    assert state() == (False, False)
