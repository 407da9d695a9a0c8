"""Evaluating budgets on a real database: one event and one message for a threshold, whoever looks."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tally.budgets.budget import read_facts
from tally.budgets.evaluation import evaluate
from tally.budgets.thresholds import find_crossings
from tally.notifications.facts import Facts
from tally.notifications.texts import describe_event
from tests.database.teams import Team, make_team
from tests.database.test_budgets import add_budget
from tests.database_fixtures import Connection, Project, make_months

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    make_months(database, "2026-09-01", "2026-12-31")
    return make_team(project, database, "admin", "ann")


def add_thresholds(database: Connection, budget: UUID, *thresholds: tuple[str, int]) -> None:
    for kind, percent in thresholds:
        database.execute(
            """insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
            select workspace_id, id, %s, %s from public.budgets where id = %s""",
            [kind, percent, budget],
        )


def add_channel(database: Connection, workspace: UUID, kind: str = "webhook") -> UUID:
    [[channel]] = database.execute(
        """insert into public.channels
            (workspace_id, kind, name, hint, sealed_target, encryption_key_id, verified_at, verified_by)
        values (%s, %s, 'Hook', 'h', 'x', 'k', now(), 'message') returning id""",
        [workspace, kind],
    ).fetchall()
    assert isinstance(channel, UUID)
    return channel


def spend(
    database: Connection, workspace: UUID, amount: float, at: str = "2026-11-10T12:00Z", **values: Any
) -> None:
    member = "select user_id from public.members where workspace_id = %s order by user_id limit 1"
    [[anyone]] = database.execute(member, [workspace]).fetchall()
    row = {"user_id": anyone, "project_id": None, "metadata": "{}"} | values
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, project_id, provider_id, timestamp, model_name, cost_usd, metadata)
        select %s, %s, %s, id, %s, 'm', %s, %s from public.providers where name = 'openai'""",
        [workspace, row["user_id"], row["project_id"], at, amount, row["metadata"]],
    )


def events(database: Connection) -> list[tuple[Any, ...]]:
    """Percent, state and severity of all events about budgets."""
    return database.execute(
        """select (facts ->> 'percent')::integer, state, severity from public.alert_events
        where kind = 'budget' order by 1, period_start"""
    ).fetchall()


def messages(database: Connection) -> list[tuple[Any, ...]]:
    return database.execute(
        """select d.kind, (e.facts ->> 'percent')::integer
        from public.deliveries as d inner join public.alert_events as e on d.event_id = e.id order by 1, 2"""
    ).fetchall()


def test_each_threshold_is_told_once_and_its_end_once(team: Team, database: Connection) -> None:
    budget = add_budget(database, team.id, amount=100)
    add_thresholds(database, budget, ("actual", 50), ("actual", 80), ("actual", 100))
    add_channel(database, team.id)
    spend(database, team.id, 60)
    assert evaluate(database, as_of=NOW).raised == 1
    assert evaluate(database, as_of=NOW).raised == 0
    spend(database, team.id, 41)
    assert evaluate(database, as_of=NOW).raised == 2
    assert events(database) == [
        (50, "open", "info"), (80, "superseded", "warning"), (100, "open", "critical"),
    ]  # fmt: skip
    assert messages(database) == [("open", 50), ("open", 100)]
    database.execute("update public.cost_records set cost_usd = 20 where cost_usd = 41")
    assert evaluate(database, as_of=NOW).cleared == 1
    assert [event[1] for event in events(database)] == ["open", "superseded", "cleared"]
    assert messages(database) == [("clear", 100), ("open", 50), ("open", 100)]
    database.execute("update public.cost_records set cost_usd = 41 where cost_usd = 20")
    assert evaluate(database, as_of=NOW).raised == 0  # once a period
    assert evaluate(database, as_of=NOW + timedelta(days=11)).cleared == 2
    assert {event[1] for event in events(database)} == {"cleared"}


def test_a_limit_that_is_raised_clears_its_events_and_can_be_reached_again(
    team: Team, database: Connection
) -> None:
    budget = add_budget(database, team.id, amount=100)
    add_thresholds(database, budget, ("actual", 100))
    spend(database, team.id, 150)
    evaluate(database, as_of=NOW)
    database.execute("update public.budgets set amount = 200")
    done = evaluate(database, as_of=NOW)
    assert (done.raised, done.cleared) == (0, 1)
    spend(database, team.id, 60)
    assert evaluate(database, as_of=NOW).raised == 1
    database.execute("delete from public.budgets")
    assert evaluate(database, as_of=NOW).cleared == 1


def test_an_event_names_its_facts_and_is_hidden_with_its_project(team: Team, database: Connection) -> None:
    secret = team["admin"].add_project("Secret", is_private=True)
    budget = add_budget(database, team.id, name="<b>Hostile</b> =1+1", project_id=secret, amount="50")
    add_thresholds(database, budget, ("actual", 80))
    spend(database, team.id, 45, project_id=secret, user_id=team["admin"].id)
    evaluate(database, as_of=NOW)
    [[facts]] = database.execute("select facts from public.alert_events").fetchall()
    assert facts == {
        "budget": "<b>Hostile</b> =1+1",
        "scope": "Secret",
        "measure": "cost",
        "threshold": "actual",
        "percent": 80,
        "amount": "50.0000000000",
        "currency": "USD",
        "spent": "45.0000000000",
        "period": "month",
        "period_start": "2026-11-01",
        "period_end": "2026-11-30",
        "as_of": "2026-11-20T12:00:00+00:00",
        "project_id": str(secret),
        "link": f"budgets?budget={budget}",
    }
    query = "select count(*) from public.alert_events"
    seen = [team[name].connection.execute(query).fetchone() for name in ("admin", "ann")]
    assert seen == [(1,), (0,)]


def test_an_event_of_the_month_before_does_not_speak_of_this_month(team: Team, database: Connection) -> None:
    budget = add_budget(database, team.id, amount="50")
    add_thresholds(database, budget, ("actual", 100))
    for table in ("budgets", "budget_thresholds"):
        database.execute(f"update public.{table} set created_at = '2026-10-01Z'")
    spend(database, team.id, 60, at="2026-10-31T12:00Z")
    assert evaluate(database, as_of=datetime(2026, 11, 1, 12, tzinfo=UTC)).raised == 1
    [[facts]] = database.execute("select facts from public.alert_events").fetchall()
    told = describe_event("budget", Facts(facts, ZoneInfo("UTC")), is_cleared=False)
    assert told.sentences[0] == "Spent: $60.00 of $50.00 (120%), from 1 October 2026 to 31 October 2026."


def test_only_the_budgets_own_channels_hear_of_it(team: Team, database: Connection) -> None:
    budget = add_budget(database, team.id, amount=10)
    add_thresholds(database, budget, ("actual", 100))
    chosen, other = add_channel(database, team.id), add_channel(database, team.id)
    database.execute("insert into public.budget_channels values (%s, %s, %s)", [team.id, budget, chosen])
    spend(database, team.id, 10)
    evaluate(database, as_of=NOW)
    assert database.execute("select channel_id from public.deliveries").fetchall() == [(chosen,)]
    assert chosen != other


def test_limits_of_a_person_an_agent_tags_and_other_currencies_are_evaluated(
    team: Team, database: Connection
) -> None:
    database.execute(
        """insert into public.exchange_rates (day, currency, rate)
        select d::date, c.code, c.rate
        from generate_series('2026-10-01'::date, '2026-11-20', '1 day') as d,
            (values ('USD', 1), ('JPY', 100)) as c (code, rate)"""
    )
    found = {
        "person": add_budget(database, team.id, user_id=team["ann"].id, amount=10),
        "tag": add_budget(database, team.id, tag="a", amount=10),
        "yen": add_budget(database, team.id, currency="JPY", amount=1000),
        "agent": add_budget(database, team.id, agent="codex", amount=10),
        "environment": add_budget(database, team.id, environment="prod", amount=10),
        "customer": add_budget(database, team.id, customer="acme", agent="codex", amount=10),
        "other": add_budget(database, team.id, tag="b", amount=10),
        "other agent": add_budget(database, team.id, agent="gemini-cli", amount=10),
    }
    for budget in found.values():
        add_thresholds(database, budget, ("actual", 100))
    described = '{"tags": ["a"], "agent": "codex", "environment": "prod", "end_user": "acme"}'
    spend(database, team.id, 10, user_id=team["ann"].id, metadata=described)
    assert evaluate(database, as_of=NOW).raised == 6
    raised = {
        subject for (subject,) in database.execute("select subject from public.alert_events").fetchall()
    }
    assert raised == {str(budget) for name, budget in found.items() if not name.startswith("other")}
    told = database.execute(
        "select facts ->> 'scope' from public.alert_events where subject = %s", [str(found["customer"])]
    )
    assert told.fetchall() == [("codex, acme",)]


@pytest.mark.parametrize("error", [psycopg.errors.NumericValueOutOfRange, ArithmeticError])
def test_a_workspace_that_fails_stops_no_other(
    team: Team,
    project: Project,
    database: Connection,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    other = make_team(project, database, "admin")
    for workspace in (team.id, other.id):
        add_thresholds(database, add_budget(database, workspace, amount=1), ("actual", 100))
        spend(database, workspace, 5)

    def fail(row: Any) -> Any:
        if row["period"] == "year":
            raise error("too large")
        return read_facts(row)

    database.execute("update public.budgets set period = 'year' where workspace_id = %s", [team.id])
    monkeypatch.setattr("tally.budgets.evaluation.read_facts", fail)
    done = evaluate(database, as_of=NOW)
    assert (done.raised, done.failed) == (1, {team.id: "too large"})
    assert database.execute("select workspace_id from public.alert_events").fetchall() == [(other.id,)]


TIME = "update public.budget_thresholds set created_at = %s"


@pytest.mark.parametrize(
    ("zone", "made_at", "told"),
    [
        ("Pacific/Kiritimati", "2026-10-31T10:30Z", 0),  # 1 November there
        ("Pacific/Kiritimati", "2026-10-31T09:30Z", 1),
        ("Pacific/Pago_Pago", "2026-11-01T10:30Z", 1),  # 31 October there
        ("Pacific/Pago_Pago", "2026-11-01T11:30Z", 0),
    ],
)
def test_a_period_that_was_over_when_a_budget_was_made_is_not_told_in_far_zones(
    team: Team, database: Connection, zone: str, made_at: str, told: int
) -> None:
    database.execute("update public.workspaces set timezone = %s where id = %s", [zone, team.id])
    budget = add_budget(database, team.id, amount=100)
    add_thresholds(database, budget, ("actual", 100))
    database.execute(TIME, [made_at])
    database.execute("update public.budgets set created_at = %s", [made_at])
    spend(database, team.id, 150, "2026-10-20T12:00Z")
    assert evaluate(database, as_of=datetime(2026, 11, 1, 18, tzinfo=UTC)).raised == told


@pytest.mark.parametrize(
    "change",
    ["update public.budgets set amount = 100", "update public.budget_thresholds set percent = 50"],
)
def test_another_limit_says_nothing_about_a_period_that_is_over(
    team: Team, database: Connection, change: str
) -> None:
    budget = add_budget(database, team.id, amount=200)
    add_thresholds(database, budget, ("actual", 100))
    for table in ("budgets", "budget_thresholds"):
        database.execute(f"update public.{table} set created_at = '2020-01-01'")
    now = datetime.now(UTC)
    before = now.replace(day=1) - timedelta(days=5)
    make_months(database, f"{before:%Y-%m}-01", f"{now:%Y-%m-%d}")
    spend(database, team.id, 150, before.isoformat())
    assert evaluate(database, as_of=now).raised == 0
    database.execute(change)
    assert evaluate(database, as_of=now).raised == 0


def test_a_threshold_that_is_changed_is_told_again(team: Team, database: Connection) -> None:
    budget = add_budget(database, team.id, amount=100)
    add_thresholds(database, budget, ("actual", 50))
    spend(database, team.id, 60)
    assert evaluate(database, as_of=NOW).raised == 1
    team["admin"].connection.execute("update public.budget_thresholds set percent = 100")
    assert evaluate(database, as_of=NOW).cleared == 1
    spend(database, team.id, 60)
    assert evaluate(database, as_of=NOW).raised == 1
    assert events(database) == [(50, "cleared", "info"), (100, "open", "critical")]


@pytest.mark.parametrize(
    "change",
    [
        "update public.budgets set amount = 1000 where amount = 100",
        "delete from public.budgets where amount = 100",
        "delete from public.projects",
        "delete from public.budget_thresholds where percent = 100",
    ],
)
def test_what_changed_while_it_was_evaluated_is_not_told(
    team: Team, database: Connection, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    web = team["admin"].add_project("Web")
    changing = add_budget(database, team.id, amount=100, project_id=web)
    add_thresholds(database, changing, ("actual", 100))
    add_thresholds(database, add_budget(database, team.id, amount=1), ("actual", 200))
    spend(database, team.id, 120, project_id=web)

    def change_first(*args: Any) -> Any:
        database.execute(change)
        return find_crossings(*args)

    monkeypatch.setattr("tally.budgets.evaluation.find_crossings", change_first)
    done = evaluate(database, as_of=NOW)
    assert (done.failed, events(database)) == ({}, [(200, "open", "critical")])
