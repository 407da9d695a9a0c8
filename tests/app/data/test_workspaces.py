"""A member of several workspaces sees one at a time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.auth.workspaces import Workspace
from app.figures.forecast_series import ForecastSeries
from tally.accounts.auth_client import AuthClient
from tally.core.records import to_columns
from tally.search import Question
from tally.storage.database import DatabaseError
from tests.app.accounts import Account, sign_in_user
from tests.app.nightly_runs import ADD_ANOMALY, ADD_TOTAL, add_nightly_run
from tests.app.pages import usage
from tests.days import current_day

ALL = ForecastSeries(None, None)
EARLIEST = date(2020, 1, 1)
LOADERS: dict[str, Callable[[User], Any]] = {
    "anomalies": lambda user: data.load_anomalies(user, EARLIEST),
    "audit log": lambda user: data.load_audit_log(user, "", 10),
    "daily costs": lambda user: len(data.load_daily(user, None, None)),
    "model names": data.load_model_names,
    "search": lambda user: [hit.title for hit in data.search(user, Question("", ("model", "session")))],
    "explored costs": lambda user: (
        data.load_explored(user, data.Question(EARLIEST, current_day(), granularity="none")).groups
    ),
    "forecast": lambda user: len(data.load_forecast(user, ALL, EARLIEST)),
    "last run": data.load_last_run,
    "forecast totals": lambda user: len(data.load_forecast_totals(user)),
    "past totals": lambda user: len(data.load_past_totals(user, ALL)),
    "unpriced models": data.load_unpriced_models,
    "records": lambda user: data.load_records_page(user, data.RecordFilter(), 1, "UTC"),
    "number of records": lambda user: data.count_records(user),
    "imports": data.load_import_list,
    "sources": data.load_sources,
    "source days": lambda user: len(data.load_source_days(user)),
    "statements": lambda user: len(data.load_statements(user, None, current_day())),
    "subscriptions": data.load_subscriptions,
}
ADD_MEMBER = "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)"
ADD_AUDIT_ENTRY = """
insert into public.audit_logs (workspace_id, user_id, actor, action, table_name)
values (%s, %s, 'person', 'reprice', 'cost_records')"""


@pytest.fixture
def team(job: psycopg.Connection[Any], user: User) -> Workspace:
    """A second workspace, with the user as its owner."""
    st.cache_data.clear()
    team = Workspace(str(uuid4()), "owner")
    job.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [team.workspace_id])
    job.execute(ADD_MEMBER, [team.workspace_id, user.user_id, team.role])
    return team


def fill(job: psycopg.Connection[Any], user: User) -> None:
    """Add at least one row of everything to the user's workspace."""
    database, workspace_id = database_of(user), user.workspace.workspace_id
    own = {"workspace_id": workspace_id}
    source = {"filename": "a.csv", "format": "openai_usage", "status": "done", "file_sha256": "0" * 64}
    import_id = database.insert("imports", own | source)["id"]
    record = usage(1, None, cost_basis="estimated", billing_account="openai", input_tokens=5)
    records = to_columns([record], "csv_import")
    database.call("save_cost_records", import_id=import_id, records=records, workspace=workspace_id)
    provider = data.load_providers(user)[0]
    plan = {
        "provider_id": provider.provider_id,
        "plan_name": "Plus",
        "amount_usd": "20",
        "started_on": current_day().isoformat(),
        "renewal_day": 1,
    }
    database.insert("subscriptions", own | plan)
    add_nightly_run(job, user, current_day())
    last_month = (current_day() - timedelta(days=60), current_day() - timedelta(days=30))
    job.execute(ADD_TOTAL, [uuid4(), workspace_id, None, "next_30_days", *last_month, 10, 60])
    job.execute(ADD_ANOMALY, [workspace_id, current_day() - timedelta(days=1)])
    job.execute(ADD_AUDIT_ENTRY, [workspace_id, user.user_id])
    data.forget_version(user)


def test_every_read_is_of_one_workspace(user: User, team: Workspace, job: psycopg.Connection[Any]) -> None:
    in_team = replace(user, workspace=team)
    fill(job, in_team)

    assert [name for name, load in LOADERS.items() if not load(in_team)] == []
    assert [name for name, load in LOADERS.items() if load(user)] == []


def test_removed_member_sees_nothing(
    user: User,
    team: Workspace,
    job: psycopg.Connection[Any],
    upstream: AuthClient,
    new_account: Callable[[], Account],
) -> None:
    in_team = replace(user, workspace=team)
    fill(job, in_team)
    assert data.load_model_names(in_team)

    job.execute(ADD_MEMBER, [team.workspace_id, sign_in_user(upstream, new_account()).user_id, "owner"])
    of_user = "delete from public.members where workspace_id = %s and user_id = %s"
    job.execute(of_user, [team.workspace_id, user.user_id])
    data.forget_version(in_team)

    with pytest.raises(DatabaseError, match="not a member"):
        data.load_model_names(in_team)
    assert data.load_model_names(user) == []
