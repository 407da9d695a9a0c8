"""Spent of budgets: exact at every moment, by any scope, in local days, and only for those who may see it."""

import json
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tally.budgets.periods import PeriodKind, find_period
from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_budgets import add_budget
from tests.database_fixtures import Connection, Project, make_months

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONES = ("UTC", "Asia/Kathmandu", "America/Havana", "Pacific/Kiritimati", "Atlantic/Azores")
KINDS: tuple[PeriodKind, ...] = ("day", "week", "month", "quarter", "year")


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    make_months(database, "2025-12-01", "2026-12-31")
    return make_team(project, database, *COLLEAGUES)


def test_the_database_and_the_program_agree_about_periods(database: Connection) -> None:
    first = date(2023, 12, 1)
    days = [first + timedelta(days=nth) for nth in range(0, 1900, 3)]
    for kind in KINDS:
        for start in (1, 15, 28):
            found = database.execute(
                "select lower(p), upper(p) - 1 from unnest(%s::date[]) with ordinality as d (day, nth), "
                "lateral private.budget_period(%s, %s, d.day) as p order by d.nth",
                [days, kind, start if kind == "month" else 1],
            ).fetchall()
            periods = [find_period(kind, start if kind == "month" else 1, day) for day in days]
            assert found == [(period.first, period.last) for period in periods], (kind, start)


SCOPE = (
    *("provider_id", "model_name", "project_id", "user_id", "billing_account", "tag"),
    *("agent", "environment", "customer"),
)
CHOICES: dict[str, list[Any]] = {
    "provider": ["openai", "anthropic"],
    "model_name": ["small", "large"],
    "cost_basis": ["billed", "estimated", "included"],
    "charge_type": ["usage", "usage", "subscription", "tax", "credit"],
    "billing_account": [None, "openai", "openai:@org-1"],
    "metadata": [
        *({}, {"tag": "a"}, {"tags": ["a", "b"]}, {"tags": [], "tag": "b"}, {"tags": ["c"]}),
        {"tag": "b", "agent": "codex", "environment": " prod ", "end_user": "acme"},
        {"agent": "codex", "environment": "dev", "customer": "acme"},
        {"agent": "other", "environment": "prod", "end_user": "", "customer": "acme"},
    ],
}


def add_records(team: Team, database: Connection, chance: random.Random, projects: list[UUID | None]) -> None:
    """Records near the bounds of days and periods, written as they are."""
    people = [team[name].id for name in COLLEAGUES]
    moments = [
        NOW,
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 10, 25, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
    ]
    rows = []
    for _ in range(60):
        at = chance.choice(moments) + timedelta(minutes=15 * chance.randint(-150, 100))
        chosen = {name: chance.choice(values) for name, values in CHOICES.items()}
        cost = Decimal(chance.randint(0, 10**6)) / 10**4
        rows.append(
            {
                **chosen,
                "timestamp": at.isoformat(),
                "user_id": str(chance.choice(people)),
                "project_id": (project := chance.choice(projects)) and str(project),
                "cost_usd": str(-cost if chosen["charge_type"] == "credit" else cost),
                "tokens_used": chance.randint(0, 10**6),
                "money_is_effective": chance.random() < 0.8,
            }
        )
    database.execute(
        """insert into public.cost_records (
            workspace_id, user_id, project_id, provider_id, timestamp, model_name, cost_usd, tokens_used,
            cost_basis, charge_type, billing_account, metadata, money_is_effective
        )
        select %s, r.user_id, r.project_id, p.id, r.timestamp, r.model_name, r.cost_usd, r.tokens_used,
            r.cost_basis, r.charge_type, r.billing_account, r.metadata, r.money_is_effective
        from jsonb_to_recordset(%s) as r (
            provider text, user_id uuid, project_id uuid, timestamp timestamptz, model_name text,
            cost_usd numeric, tokens_used bigint, cost_basis text, charge_type text, billing_account text,
            metadata jsonb, money_is_effective boolean
        )
        inner join public.providers as p on p.name = r.provider""",
        [team.id, json.dumps(rows)],
    )


def choose_budget(
    chance: random.Random, team: Team, database: Connection, projects: list[UUID]
) -> dict[str, Any]:
    """A budget of some scope, mostly of more than one kind."""
    [[provider]] = database.execute("select id from public.providers where name = 'openai'").fetchall()
    scope = {
        "provider_id": provider,
        "model_name": "small",
        "project_id": projects[0],
        "user_id": team["ann"].id,
        "billing_account": "openai",
        "tag": "b",
        "agent": "codex",
        "environment": "prod",
        "customer": "acme",
    }
    kind = chance.choice(KINDS)
    return {
        **{name: value for name, value in scope.items() if chance.random() < 0.25},
        "period": kind,
        "starts_on_day": chance.choice([1, 15, 28]) if kind == "month" else 1,
        "measure": chance.choice(["cost", "cost", "tokens"]),
        "counts_subscriptions": chance.random() < 0.5,
        "counts_tax": chance.random() < 0.5,
    }


def matches(row: dict[str, Any], name: str, value: object) -> bool:
    if name == "tag":
        return has_tag(row["metadata"], str(value))
    if name == "customer":
        return bool((row["metadata"].get("end_user") or row["metadata"].get("customer")) == value)
    if name in ("agent", "environment"):
        return str(row["metadata"].get(name) or "").strip() == value
    return bool(row[name] == value)


def has_tag(metadata: dict[str, Any], tag: str) -> bool:
    return tag in metadata["tags"] if metadata.get("tags") else metadata.get("tag") == tag


def add_up(database: Connection, team: Team, zone: str, budget: dict[str, Any]) -> dict[str, Decimal]:
    """The days of a budget from its records, one by one."""
    names = (
        "provider_id, model_name, project_id, user_id, billing_account, metadata, charge_type, cost_basis, "
        "cost_usd, tokens_used"
    )
    query = f"select (timestamp at time zone %s)::date, {names} from public.effective_records"
    rows = database.execute(f"{query} where workspace_id = %s", [zone, team.id]).fetchall()
    today = database.execute("select (%s at time zone %s)::date", [NOW, zone]).fetchall()[0][0]
    period = find_period(budget["period"], budget["starts_on_day"], today)
    first = find_period(budget["period"], budget["starts_on_day"], period.first - timedelta(days=1)).first
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for day, *values in rows:
        row = dict(zip(names.split(", "), values, strict=True))
        is_matched = all(matches(row, name, value) for name, value in budget.items() if name in SCOPE)
        is_counted = (
            (budget["measure"] == "tokens" or row["cost_basis"] != "included")
            and (budget["counts_subscriptions"] or row["charge_type"] != "subscription")
            and (budget["counts_tax"] or row["charge_type"] != "tax")
        )
        if first <= day <= today and is_matched and is_counted:
            found[day.isoformat()] += Decimal(
                row["tokens_used" if budget["measure"] == "tokens" else "cost_usd"] or 0
            )
    return dict(found)


@pytest.mark.parametrize("seed", range(3))
def test_spent_is_exact_for_any_scope_before_and_after_folds_and_refreshes(
    team: Team, database: Connection, seed: int
) -> None:
    chance = random.Random(seed)
    zone = chance.choice(ZONES)
    database.execute("update public.workspaces set timezone = %s where id = %s", [zone, team.id])
    projects = [team["admin"].add_project(name) for name in ("Web", "App")]
    budgets: dict[UUID, dict[str, Any]] = {}
    for _ in range(25):
        values = choose_budget(chance, team, database, projects)
        budgets[add_budget(team["admin"].connection, team.id, **values)] = values
    for action in ("", "fold_stale_days()", "", "refresh_cost_records_daily()", "", "fold_stale_days()"):
        if action:
            database.execute(f"select public.{action}")
        else:
            add_records(team, database, chance, [None, *projects])
        rows = database.execute(
            """select budget_id, facts -> 'days'
            from private.budget_facts(array[%s]::uuid[], %s, true, true, null)""",
            [team.id, NOW],
        ).fetchall()
        assert {row[0] for row in rows} == set(budgets)
        for budget_id, days in rows:
            spent = {day: Decimal(amount) for day, amount in (days or {}).items()}
            expected = add_up(database, team, zone, budgets[budget_id])
            assert spent == expected, (action, budgets[budget_id])


def ask(person: Person) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in person.ask("budget_status")}


def test_people_are_told_of_the_budgets_that_they_see_in_the_table(team: Team, database: Connection) -> None:
    admin = team["admin"]
    secret = admin.add_project("Secret", is_private=True)
    admin.call("set_project_members", project=secret, people=[team["bob"].id])
    add_budget(admin.connection, team.id, name="All")
    add_budget(admin.connection, team.id, name="Of Ann", user_id=team["ann"].id)
    add_budget(admin.connection, team.id, name="Secret", project_id=secret)
    for split in ("admins", "own", "everyone"):
        database.execute("update public.workspaces set person_split = %s", [split])
        for name in COLLEAGUES:
            rows = team[name].connection.execute("select name from public.budgets").fetchall()
            assert set(ask(team[name])) == {row[0] for row in rows}, (split, name)


def test_a_status_has_its_thresholds_channels_and_newest_forecasts(team: Team, database: Connection) -> None:
    budget = add_budget(team["admin"].connection, team.id, name="All", amount="123.4500000000")
    database.execute(
        """insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
        select %(w)s, %(b)s, t.kind, t.percent
        from (values ('forecast', 100), ('actual', 80), ('actual', 100)) as t (kind, percent)""",
        {"w": team.id, "b": budget},
    )
    today = datetime.now(UTC).date()
    first = today.replace(day=1)
    last = find_period("month", 1, today).last
    store = """insert into private.budget_forecasts
            (budget_id, workspace_id, made_on, period_start, period_end, days, quantiles, made_at, made_in)
        values (
            %s, %s, %s, %s, %s, array_fill(%s::numeric, array[%s]), array_fill(%s::numeric, array[23]),
            %s::date, %s::date
        )"""
    runs = [first, *([today] if today > first else [])]
    for nth, made_on in enumerate(runs):
        count = (last - made_on).days + 1
        database.execute(
            store, [budget, team.id, made_on, first, last, nth + 1, count, nth, made_on, made_on]
        )
    [status] = ask(team["viewer"]).values()
    assert [(one["kind"], one["percent"]) for one in status["thresholds"]] == [
        ("actual", 80), ("actual", 100), ("forecast", 100),
    ]  # fmt: skip
    assert (status["amount"], status["channels"]) == ("123.4500000000", None)
    assert status["forecast"]["made_on"] == runs[-1].isoformat()
    assert status["forecast"]["days"][0] == str(len(runs))
    assert (status["earlier_forecast"] or {}).get("made_on") == (first.isoformat() if len(runs) > 1 else None)
    team["admin"].connection.execute("update public.budgets set amount = 7 where id = %s", [budget])
    assert ask(team["viewer"])["All"]["forecast"]
    team["admin"].connection.execute("update public.budgets set counts_tax = false where id = %s", [budget])
    assert ask(team["viewer"])["All"]["forecast"] is None


def test_changing_the_limit_makes_its_thresholds_new(team: Team, database: Connection) -> None:
    admin = team["admin"].connection
    budget = add_budget(admin, team.id)
    admin.execute(
        """insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
        values (%s, %s, 'actual', 80)""",
        [team.id, budget],
    )
    read = "select id from public.budget_thresholds"
    before = database.execute(read).fetchall()
    admin.execute("update public.budgets set name = 'Other', paused_at = now() where id = %s", [budget])
    assert database.execute(read).fetchall() == before
    admin.execute("update public.budgets set amount = 200 where id = %s", [budget])
    after = database.execute(read).fetchall()
    assert len(after) == 1
    assert after != before


def test_an_unknown_workspace_is_refused_and_an_empty_one_has_no_budgets(team: Team) -> None:
    assert team["ann"].ask("budget_status") == []
    assert "not a member" in team["ann"].suspect("budget_status", workspace=uuid4())
