"""Forecasts of budgets: any scope, any period, and the same numbers as the forecasts of the run."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql

from forecasting.nightly import budgets, workspace_run
from forecasting.nightly.run import DONE
from tally.budgets.budget import read_facts
from tally.budgets.status import BudgetStatus, calculate_status
from tests.database.access import insert
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

MONTH_END = date(2024, 5, 31)


def add_budget(db: NightlyDatabase, workspace: UUID, **values: Any) -> UUID:
    row = {"workspace_id": workspace, "name": "Everything", "amount": 100} | values
    [[budget]] = db.connection.execute(insert("budgets", row) + sql.SQL(" returning id")).fetchall()
    assert isinstance(budget, UUID)
    return budget


def stored(db: NightlyDatabase, budget: UUID) -> list[Any]:
    """Its forecasts: first and last day, the predicted sum, and the median."""
    return db.rows(
        """select made_on, period_end, (select sum(d) from unnest(days) as d), quantiles[12]
        from private.budget_forecasts where budget_id = %s order by 1""",
        budget,
    )


def status_of(db: NightlyDatabase, workspace: UUID, budget: UUID, day: date = AS_OF) -> BudgetStatus:
    query = "select facts from private.budget_facts(array[%s]::uuid[], %s::timestamptz, true, true, %s)"
    [[facts]] = db.rows(query, workspace, f"{day} 12:00Z", [budget])
    return calculate_status(read_facts(facts))


def test_the_budget_of_a_calendar_month_ends_where_the_month_ends(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [5.0 + nth % 3 for nth in range(40)])
    db.add_subscription(user, "20", 25)
    budget = add_budget(db, user)
    assert db.run_nightly() == DONE
    [[likely, lower, upper]] = db.rows(
        """select predicted_cost_usd, lower_bound_80, upper_bound_80 from public.forecast_totals
        where workspace_id = %s and kind = 'month_end'
            and num_nonnulls(provider_id, model_name, project_id) = 0""",
        user,
    )
    status = status_of(db, user, budget)
    assert status.likely == pytest.approx(likely, abs=Decimal("1e-6"))
    assert status.range_80
    assert status.range_80[0] == pytest.approx(lower, abs=Decimal("1e-6"))
    assert status.range_80[1] == pytest.approx(upper, abs=Decimal("1e-6"))
    assert db.rows("select count(*) from public.forecast_results where model_name like 'budget%%'") == [(0,)]


@pytest.mark.parametrize(
    ("period", "start", "last"),
    [
        ("day", 1, AS_OF),
        ("week", 1, date(2024, 5, 12)),
        ("month", 15, date(2024, 5, 14)),
        ("quarter", 1, date(2024, 6, 30)),
        ("year", 1, date(2024, 12, 31)),
    ],
)
def test_the_rest_of_any_period_is_predicted(
    db: NightlyDatabase, period: str, start: int, last: date
) -> None:
    user = db.add_account()
    db.add_spend(user, [2.0] * 40)
    budget = add_budget(db, user, period=period, starts_on_day=start)
    db.run_nightly()
    [(made_on, period_end, predicted, median)] = stored(db, budget)
    assert (made_on, period_end) == (AS_OF, last)
    days = (last - AS_OF).days + 1
    assert float(predicted) == pytest.approx(2 * days, rel=0.1)
    assert float(median) == pytest.approx(2 * days, rel=0.3)


def test_scopes_of_several_keys_people_tags_and_agents_have_series_of_their_own(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 40, model="small", provider="openai")
    db.add_spend(user, [2.0] * 40, model="small", provider="anthropic")
    db.connection.execute(
        """update public.cost_records set metadata = '{"tags": ["a"], "agent": "codex"}' where cost_usd = 2"""
    )
    [[openai]] = db.rows("select id from public.providers where name = 'openai'")
    scopes: dict[str, dict[str, Any]] = {
        "both": {"model_name": "small", "provider_id": openai},
        "person": {"user_id": user},
        "tag": {"tag": "a"},
        "agent": {"agent": "codex"},
        "nothing": {"tag": "unknown"},
    }
    found = {name: add_budget(db, user, **scope) for name, scope in scopes.items()}
    db.run_nightly()
    sums = {name: stored(db, budget) for name, budget in found.items()}
    days = (MONTH_END - AS_OF).days + 1
    expected = {"both": 1, "person": 3, "tag": 2, "agent": 2}
    assert {name: round(float(rows[0][2]) / days) for name, rows in sums.items() if rows} == expected


def test_tokens_are_predicted_as_whole_numbers_however_many(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [0.0] * 40, cost_basis="included")
    db.connection.execute("update public.cost_records set tokens_used = 1000000000000")
    budget = add_budget(db, user, measure="tokens", amount=10**13)
    db.run_nightly()
    [[days]] = db.rows("select days from private.budget_forecasts where budget_id = %s", budget)
    assert days[0] == days[0].to_integral_value()
    assert float(days[0]) == pytest.approx(10**12, rel=1e-6)
    assert status_of(db, user, budget).chance == 1


def test_renewals_count_where_the_budget_counts_subscriptions(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_subscription(user, "20", 25)
    counted = add_budget(db, user)
    [[chatgpt]] = db.rows("select id from public.providers where name = 'chatgpt'")
    others = [
        add_budget(db, user, counts_subscriptions=False),
        add_budget(db, user, model_name="another"),
        add_budget(db, user, measure="tokens"),
        add_budget(db, user, paused_at="2024-05-01T00:00Z"),
    ]
    of_provider = add_budget(db, user, provider_id=chatgpt, period="year")
    db.run_nightly()
    assert [row[2:] for row in stored(db, counted)] == [(20, 20)]
    assert [row[2:] for row in stored(db, of_provider)] == [(160, 160)]
    assert [stored(db, budget) for budget in others] == [[], [], [], []]


def test_a_short_history_has_no_forecast(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [2.0] * 5)
    budget = add_budget(db, user, user_id=user)
    db.run_nightly()
    assert stored(db, budget) == []
    status = status_of(db, user, budget)
    assert (status.state.value, status.spent) == ("No forecast yet", Decimal(10))


def test_runs_of_an_hour_are_one_and_only_the_one_before_is_kept(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [2.0] * 40)
    budget = add_budget(db, user, period="year")
    db.run_nightly(as_of=AS_OF - timedelta(days=2))
    for days in (1, 1, 0):
        later = "update private.budget_forecasts set made_at = made_at - {0}, made_in = made_in - {0}"
        db.connection.execute(later.format("interval '1 hour'").encode())
        for _ in range(2):
            db.run_nightly(as_of=AS_OF - timedelta(days=days))
    assert [row[0] for row in stored(db, budget)] == [AS_OF - timedelta(days=1), AS_OF]
    assert status_of(db, user, budget).earlier is not None
    db.connection.execute("update private.budget_forecasts set made_at = now() - interval '5 minutes'")
    assert status_of(db, user, budget).earlier is None


def test_only_so_many_scopes_are_fitted(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "MAX_SCOPES", 1)
    user = db.add_account()
    db.add_spend(user, [2.0] * 40)
    [first, same, left_out, whole] = [
        add_budget(db, user, user_id=user),
        add_budget(db, user, user_id=user, period="week"),
        add_budget(db, user, user_id=user, model_name="gpt-5"),
        add_budget(db, user),
    ]
    db.run_nightly()
    assert [len(stored(db, budget)) for budget in (first, same, left_out, whole)] == [1, 1, 0, 1]


def test_budgets_that_cannot_be_read_take_no_forecast_away(
    db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = db.add_account()
    db.add_spend(user, [2.0] * 40)
    add_budget(db, user)

    def fail(*_: Any) -> None:
        db.connection.execute("select 1 / 0")

    monkeypatch.setattr(workspace_run, "load_budgets", fail)
    db.run_nightly()
    assert db.rows("select count(*) from public.forecast_totals where workspace_id = %s", user) != [(0,)]
    [[error]] = db.rows("select error from public.job_runs where workspace_id = %s", user)
    assert "No new forecast of budgets could be made" in error


def test_a_run_of_today_raises_what_was_crossed(db: NightlyDatabase) -> None:
    user = db.add_account()
    [[today]] = db.rows("select (now() at time zone 'UTC')::date")
    db.add_spend(user, [9.0], last_day=today, at="00:00Z")
    budget = add_budget(db, user, amount=5)
    db.connection.execute(
        """insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
        values (%s, %s, 'actual', 100)""",
        [user, budget],
    )
    db.run_nightly(as_of=None)
    raised = db.rows("select subject, state from public.alert_events where kind = 'budget'")
    assert raised == [(str(budget), "open")]
    [[steps]] = db.rows("select steps from public.job_runs where workspace_id is null")
    assert [step["count"] for step in steps if step["step"] == "budgets"] == [1]
