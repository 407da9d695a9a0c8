"""Rules raise each cause once, to whom it concerns, and tell nobody about history."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tally.alerts import evaluation, prices
from tally.alerts.anomalies import find_anomalies
from tally.alerts.evaluation import evaluate_rules
from tally.catalog import retirements as catalog_retirements
from tally.notifications.facts import Facts
from tally.notifications.texts import describe_event
from tests.database.teams import make_team, race
from tests.database.test_subscriptions import subscribe
from tests.database_fixtures import Connection, Project, make_months
from tests.days import current_day

Act = Callable[[UUID], Connection]


def day(days_ago: int) -> date:
    return current_day() - timedelta(days=days_ago)


def events(database: Connection, workspace: UUID) -> list[tuple[Any, ...]]:
    """The events of a workspace: kind, subject, days since its period began, state."""
    query = """select e.kind, e.subject, e.period_start, e.state from public.alert_events as e
        where e.workspace_id = %s order by e.period_start desc, e.subject"""
    found = database.execute(query, [workspace]).fetchall()
    return [(kind, subject, (current_day() - start).days, state) for kind, subject, start, state in found]


def tell(database: Connection, workspace: UUID) -> str:
    """The words of the only event, as messages have them."""
    query = "select kind, facts from public.alert_events where workspace_id = %s"
    [(kind, facts)] = database.execute(query, [workspace]).fetchall()
    told = describe_event(kind, Facts(facts, ZoneInfo("UTC")), is_cleared=False)
    return " ".join([told.title, *told.sentences])


def add_anomaly(database: Connection, workspace: UUID, days_ago: int, **columns: Any) -> None:
    row = {
        "workspace_id": workspace,
        "day": day(days_ago),
        "kind": "spend",
        "actual_usd": 30,
        "expected_usd": 7,
        "lower_95": 5,
        "upper_95": 9,
    } | columns
    database.execute(
        f"insert into public.anomalies ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})".encode(),
        list(row.values()),
    )


def add_source(
    database: Connection, user: UUID, last_ago: int, workspace: UUID | None = None, days: int = 10
) -> UUID:
    """A machine that brought data on each of some days, up to a day."""
    source = uuid4()
    at = datetime.now(UTC) - timedelta(days=last_ago)
    database.execute(
        """insert into public.imports (id, workspace_id, user_id, kind, filename, format, rows_read,
            rows_imported, status, finished_at)
        values (%s, %s, %s, 'machine', %s, 'codex', 10, 10, 'done', %s)""",
        [source, workspace or user, user, f"laptop-{source}", at],
    )
    make_months(database, at.date() - timedelta(days=days), at.date())
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, import_id, timestamp, model_name, cost_usd)
        select %s, %s, p.id, %s, %s::timestamptz - n * interval '1 day' - interval '1 minute', 'gpt-5', 1
        from public.providers as p, generate_series(0, %s) as n where p.name = 'openai'""",
        [workspace or user, user, source, at, days - 1],
    )
    return source


def test_fresh_anomaly_is_raised_once_about_the_model_that_caused_it(
    database: Connection, user: UUID
) -> None:
    add_anomaly(database, user, 1)
    add_anomaly(database, user, 1, model_name="claude-opus-4-5", actual_usd=25)
    assert evaluate_rules(database).raised == 1
    assert evaluate_rules(database).raised == 0
    assert events(database, user) == [("anomaly", "all", 1, "open")]
    assert "claude-opus-4-5 cost $25.00" in tell(database, user)


def test_history_is_recorded_and_not_sent(database: Connection, user: UUID) -> None:
    for days_ago in (2, 10, 20, 200):
        add_anomaly(database, user, days_ago)
    add_anomaly(
        database,
        user,
        20,
        kind="new_model",
        model_name="new",
        attribution=json.dumps({"model": "30", "others": "1"}),
    )
    done = evaluate_rules(database)
    assert (done.raised, done.late) == (1, 3)
    assert [state for _, _, _, state in events(database, user)] == ["open", "late", "late", "late"]


def test_muted_anomaly_is_no_event(database: Connection, user: UUID) -> None:
    add_anomaly(database, user, 1, muted_at=datetime.now(UTC))
    assert evaluate_rules(database).raised == 0


@pytest.mark.parametrize(("percent", "raised"), [(20, 1), (40, 1), (41, 0)])
def test_new_model_is_raised_above_the_share_that_is_asked_about(
    database: Connection, as_user: Act, user: UUID, percent: int, raised: int
) -> None:
    parts = json.dumps({"model": "4", "others": "6"})
    add_anomaly(database, user, 2, kind="new_model", model_name="grok-5", actual_usd=4, attribution=parts)
    as_user(user).execute(
        "select public.set_alert_rules(%s, %s)", [user, json.dumps({"new_model_percent": percent})]
    )
    assert evaluate_rules(database).raised == raised
    if raised:
        assert "That is 40% of the spend." in tell(database, user)


def test_source_that_brought_data_daily_and_fell_silent_is_raised_and_cleared(
    database: Connection, user: UUID
) -> None:
    source = add_source(database, user, last_ago=6)
    assert evaluate_rules(database).raised == 1
    assert evaluate_rules(database).raised == 0
    assert events(database, user) == [("silent_source", str(source), 6, "open")]
    assert "Nothing has come for 6 days" in tell(database, user)
    database.execute("update public.imports set finished_at = now()")
    assert evaluate_rules(database).cleared == 1
    assert events(database, user) == [("silent_source", str(source), 6, "cleared")]
    database.execute("update public.imports set finished_at = now() - interval '5 days'")
    assert evaluate_rules(database).raised == 1, "another silence"


@pytest.mark.parametrize(
    ("last_ago", "days", "late"),
    [(4, 10, 0), (6, 7, 0), (31, 10, 1), (401, 10, 0)],
    ids=["too early", "used now and then", "long ago", "forgotten"],
)
def test_source_that_says_nothing_new_is_not_sent(
    database: Connection, user: UUID, last_ago: int, days: int, late: int
) -> None:
    add_source(database, user, last_ago, days=days)
    done = evaluate_rules(database)
    assert (done.raised, done.late) == (0, late)


def test_machine_in_a_team_is_the_matter_of_its_person_and_admins(
    project: Project, database: Connection
) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    add_source(database, team["ann"].id, 6, team.id)
    assert evaluate_rules(database).raised == 1
    seen = {
        name: person.connection.execute("select from public.alert_events").rowcount
        for name, person in team.people.items()
    }
    assert seen == {"owner": 1, "ann": 1, "bob": 0}


def test_renewal_is_raised_three_days_ahead_once(database: Connection, as_user: Act, user: UUID) -> None:
    soon = current_day() + timedelta(days=3)
    plan = subscribe(as_user(user), started_on=day(400), ended_on=None, renewal_day=soon.day, plan_name="Pro")
    days = 3 if soon.day < 29 else 30  # a month without that day renews on its last
    as_user(user).execute("select public.set_alert_rules(%s, %s)", [user, json.dumps({"renewal_days": days})])
    assert evaluate_rules(database).raised == 1
    assert evaluate_rules(database).raised == 0
    assert events(database, user)[0][:2] == ("renewal", str(plan))
    assert "Pro renews on" in tell(database, user)
    assert "$20.00" in tell(database, user)


def test_renewal_of_an_ended_or_free_plan_is_none(database: Connection, as_user: Act, user: UUID) -> None:
    renewal_day = (current_day() + timedelta(days=2)).day
    person = as_user(user)
    subscribe(person, started_on=day(400), ended_on=current_day(), renewal_day=renewal_day)
    subscribe(person, started_on=day(400), ended_on=None, renewal_day=renewal_day, amount_usd=0)
    assert evaluate_rules(database).raised == 0


def add_usage(database: Connection, user: UUID, model: str = "gpt-5", days_ago: int = 1) -> None:
    make_months(database, day(days_ago))
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
        select %s, %s, p.id, %s, %s, 1 from public.providers as p where p.name = 'openai'""",
        [user, user, f"{day(days_ago)} 12:00Z", model],
    )
    database.execute("select public.fold_stale_days()")


def test_changed_list_price_of_a_model_in_use_is_raised(
    database: Connection, user: UUID, stranger: UUID
) -> None:
    add_usage(database, user)
    add_usage(database, stranger, "gpt-4o")
    assert evaluate_rules(database).raised == 0, "the first look has no earlier price"
    assert evaluate_rules(database).raised == 0
    database.execute(
        """update private.known_prices set prices = prices || '{"output": "99"}' where model_name = 'gpt-5'"""
    )
    assert evaluate_rules(database).raised == 1
    assert evaluate_rules(database).raised == 0
    assert events(database, user) == [("price", "openai:gpt-5", 0, "open")]
    assert events(database, stranger) == []
    assert "output: $99.00 before, $10.00 now per 1M tokens" in tell(database, user)


def test_price_of_an_unknown_or_hostile_name_is_passed_over(database: Connection, user: UUID) -> None:
    for name in ("house-model", "x" * 200, "‮%s {}\t'"):
        add_usage(database, user, name)
    assert evaluate_rules(database).failed == {}
    assert database.execute("select from private.known_prices").rowcount == 0


def test_workspace_with_many_models_crowds_out_no_others_price(
    database: Connection, user: UUID, stranger: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "MAX_MODELS", 2)
    for _ in range(2):
        add_usage(database, user, "gpt-5")
    for name in ("a", "b", "c"):
        for _ in range(3):
            add_usage(database, stranger, name)
    evaluate_rules(database)
    assert database.execute("select model_name from private.known_prices").fetchall() == [("gpt-5",)]


@pytest.fixture(autouse=True)
def nothing_retires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no model retire; in the real list one may, on the day of the test."""
    monkeypatch.setattr(catalog_retirements, "_load", dict)


RETIRING = {("openai", "gpt-5"): "gpt-6", ("openai", "gpt-4o"): None, ("anthropic", "gpt-5"): None}


@pytest.fixture
def retire(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have models retire in some days."""

    def set_day(days_ahead: int) -> None:
        taken = {
            name: catalog_retirements.Retirement(day(-days_ahead), successor)
            for name, successor in RETIRING.items()
        }
        monkeypatch.setattr(catalog_retirements, "_load", lambda: taken)

    return set_day


@pytest.mark.parametrize(("days_ahead", "raised"), [(61, 0), (60, 1), (1, 1), (0, 1), (-1, 0)])
def test_retirement_of_a_model_in_use_is_raised_sixty_days_ahead(
    database: Connection, user: UUID, retire: Callable[[int], None], days_ahead: int, raised: int
) -> None:
    retire(days_ahead)
    add_usage(database, user)
    assert evaluate_rules(database).raised == raised
    assert evaluate_rules(database).raised == 0, "once"
    assert events(database, user) == [("retirement", "openai:gpt-5", -days_ahead, "open")] * raised


def test_retirement_names_the_successor_and_what_the_model_cost(
    database: Connection, user: UUID, stranger: UUID, retire: Callable[[int], None]
) -> None:
    retire(20)
    for _ in range(2):
        add_usage(database, user)
    add_usage(database, user, "o3")  # goes on
    add_usage(database, stranger, "gpt-4o", days_ago=31)  # not used any more
    evaluate_rules(database)
    told = tell(database, user)
    assert told.startswith("gpt-5 retires on ")
    assert "Its provider recommends gpt-6 instead. It cost $2.00 in the last 30 days." in told
    assert events(database, stranger) == []


def test_retirement_is_told_as_early_as_a_workspace_wants(
    database: Connection, as_user: Act, user: UUID, stranger: UUID, retire: Callable[[int], None]
) -> None:
    retire(90)
    for each, rules in (
        (user, {"retirement_days": 90}),
        (stranger, {"retirement": False, "retirement_days": 90}),
    ):
        add_usage(database, each)
        as_user(each).execute("select public.set_alert_rules(%s, %s)", [each, json.dumps(rules)])
    evaluate_rules(database)
    assert (len(events(database, user)), len(events(database, stranger))) == (1, 0)


def test_workspace_with_its_own_price_hears_of_no_list_price(database: Connection, user: UUID) -> None:
    add_usage(database, user)
    evaluate_rules(database)
    database.execute('update private.known_prices set prices = prices || \'{"output": "99"}\'')
    database.execute(
        """insert into public.model_prices
            (workspace_id, user_id, provider_id, model_name, input_usd_per_mtok, output_usd_per_mtok)
        select %s, %s, id, 'gpt-5', 1, 2 from public.providers where name = 'openai'""",
        [user, user],
    )
    assert evaluate_rules(database).raised == 0


@pytest.mark.parametrize("kind", ["anomaly", "silent_source", "renewal", "price", "retirement"])
def test_each_kind_can_be_switched_off(
    database: Connection, as_user: Act, user: UUID, retire: Callable[[int], None], kind: str
) -> None:
    retire(20)
    add_anomaly(database, user, 1)
    add_source(database, user, 6)
    subscribe(
        as_user(user),
        started_on=current_day() - timedelta(days=27),
        ended_on=None,
        renewal_day=(current_day() + timedelta(days=1)).day,
    )
    add_usage(database, user)
    with database.transaction():
        prices.find_price_changes(database, {}, datetime.now(UTC))
    database.execute('update private.known_prices set prices = prices || \'{"output": "99"}\'')
    rules = {kind: False, "renewal_days": 30}
    as_user(user).execute("select public.set_alert_rules(%s, %s)", [user, json.dumps(rules)])
    evaluate_rules(database)
    assert {found for found, *_ in events(database, user)} == {
        "anomaly",
        "silent_source",
        "renewal",
        "price",
        "retirement",
    } - {kind}


def test_eight_evaluations_at_once_raise_one_event(
    project: Project, database: Connection, user: UUID
) -> None:
    add_anomaly(database, user, 1)
    connections = [project.connect() for _ in range(8)]
    done = race(*(lambda one=one: evaluate_rules(one) for one in connections))
    assert sum(each.raised for each in done) == 1
    assert len(events(database, user)) == 1


def test_one_failing_workspace_stops_no_other(
    database: Connection, user: UUID, stranger: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (user, stranger):
        add_anomaly(database, each, 1)

    def find(connection: Connection, watched: Any) -> list[Any]:
        if watched.id == user:
            connection.execute("select 1 / 0")
        return find_anomalies(connection, watched)

    monkeypatch.setattr(evaluation, "RULES", [evaluation.Rule("anomaly", find, "anomalies")])
    done = evaluate_rules(database)
    assert (done.raised, set(done.failed)) == (1, {user})
    assert len(events(database, stranger)) == 1


def test_a_flood_of_one_kind_is_recorded_beyond_ten(database: Connection, user: UUID) -> None:
    for _ in range(12):
        add_source(database, user, 6)
    done = evaluate_rules(database)
    assert (done.raised, done.late) == (10, 2)


@pytest.mark.parametrize(
    "rules",
    ["null", "[]", '{"anomaly": 1}', '{"silent_days": 0}', '{"silent_days": 91}', '{"bill_percent": 1.5}',
     '{"renewal_days": "3"}', '{"unknown": true}', '{"new_model_percent": 101}', '{"bill_percent": 1e400}'],
)  # fmt: skip
def test_rules_out_of_bounds_are_refused(as_user: Act, user: UUID, rules: str) -> None:
    with pytest.raises(
        psycopg.Error, match=r"These are no rules of alerts|invalid input|overflow|out of range"
    ):
        as_user(user).execute("select public.set_alert_rules(%s, %s)", [user, rules])


def test_evaluation_of_some_workspaces_leaves_the_others(
    database: Connection, user: UUID, stranger: UUID
) -> None:
    for each in (user, stranger):
        add_anomaly(database, each, 1)
    assert evaluate_rules(database, [user]).raised == 1
    assert events(database, stranger) == []
