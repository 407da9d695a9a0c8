"""The status of budgets: never below what is spent, in its own currency, and nothing is made up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.budgets.budget import Budget, BudgetFacts, Scope, StoredForecast
from tally.budgets.periods import PeriodKind, find_period
from tally.budgets.status import BudgetStatus, State, calculate_status
from tally.core.quantile_levels import LEVELS
from tally.currency.rates import Rates

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 3, 15, tzinfo=UTC)
EVERYTHING = Scope(None, None, None, None, None, None, None, None, None)


def budget(**values: Any) -> Budget:
    """A monthly budget of $100."""
    known: dict[str, Any] = {
        "id": "b",
        "name": "Everything",
        "scope": EVERYTHING,
        "measure": "cost",
        "amount": Decimal(100),
        "currency": "USD",
        "period_kind": "month",
        "starts_on_day": 1,
        "counts_subscriptions": True,
        "counts_tax": True,
        "paused_at": None,
        "created_at": NOW,
        "thresholds": (),
        "channels": (),
    }
    return Budget(**known | values)


def facts(
    spent: dict[date, Decimal], forecast: StoredForecast | None = None, today: date = TODAY, **values: Any
) -> BudgetFacts:
    """The facts of a budget."""
    kind: PeriodKind = values.get("period_kind", "month")
    period = find_period(kind, values.get("starts_on_day", 1), today)
    previous = find_period(kind, values.get("starts_on_day", 1), period.first - timedelta(days=1))
    return BudgetFacts(budget(**values), today, period, previous, spent, forecast, None)


def predict(
    a_day: str, made_on: date = TODAY, last: date = date(2026, 11, 30), spread: str = "0.5"
) -> StoredForecast:
    """A forecast of the same amount each day; its total is between 1 - spread and 1 + spread of it."""
    count = (last - made_on).days + 1
    days = {made_on + timedelta(days=nth): Decimal(a_day) for nth in range(count)}
    total = Decimal(a_day) * count
    quantiles = tuple(total * (1 + Decimal(spread) * (2 * Decimal(str(level)) - 1)) for level in LEVELS)
    return StoredForecast(made_on, NOW, days, quantiles)


AMOUNTS = st.decimals(Decimal("-1000"), Decimal(10_000), places=4)
POSITIVE = st.decimals(Decimal(0), Decimal(10_000), places=4)


@st.composite
def histories(draw: st.DrawFn) -> BudgetFacts:
    """A budget of any period with any spend, credits included, and perhaps a forecast of some days ago."""
    kind: PeriodKind = draw(st.sampled_from(("day", "week", "month", "quarter", "year")))
    today = draw(st.dates(date(2026, 1, 1), date(2028, 3, 1)))
    period = find_period(kind, 1, today)
    offsets = st.integers(0, (today - period.first).days)
    spent = {
        period.first + timedelta(days=nth): amount
        for nth, amount in draw(st.dictionaries(offsets, AMOUNTS, max_size=8)).items()
    }
    forecast = None
    if draw(st.booleans()):
        made_on = today - timedelta(days=draw(st.integers(0, min(3, (today - period.first).days))))
        days = {
            made_on + timedelta(days=nth): draw(POSITIVE)
            for nth in range(min((period.last - made_on).days, 5) + 1)
        }
        quantiles = sorted(draw(st.lists(POSITIVE, min_size=len(LEVELS), max_size=len(LEVELS))))
        forecast = StoredForecast(made_on, NOW, days, tuple(quantiles))
    amount = draw(st.decimals(Decimal("0.01"), Decimal(10**12) - 1, places=4))
    return facts(spent, forecast, today, period_kind=kind, amount=amount)


@given(histories())
def test_no_end_is_below_what_is_spent(known: BudgetFacts) -> None:
    status = calculate_status(known)
    if status.outlook is None:
        assert (status.likely, status.range_80, status.range_95) == (None, None, None)
        assert status.state is (State.EXCEEDED if status.spent >= status.limit else State.NO_FORECAST)
        return
    assert min(status.outlook.distribution.amounts) >= status.spent
    assert status.outlook.likely >= status.spent
    assert list(status.outlook.distribution.amounts) == sorted(status.outlook.distribution.amounts)
    assert status.chance is not None
    assert 0 <= status.chance <= 1
    assert (status.chance == 1) >= (status.spent >= status.limit)
    assert status.day is None or status.day in status.period
    assert all(amount >= 0 for amount in status.outlook.days.values())


@given(histories(), st.decimals(Decimal(0), Decimal(1000), places=4))
def test_more_spend_on_a_day_that_is_over_moves_the_end_by_as_much(known: BudgetFacts, more: Decimal) -> None:
    before = calculate_status(known)
    if before.outlook is None or known.today == known.period.first:
        return
    day = known.period.first
    days = {**known.days, day: known.days.get(day, Decimal(0)) + more}
    after = calculate_status(
        BudgetFacts(known.budget, known.today, known.period, known.previous, days, known.forecast, None)
    )
    assert after.outlook
    assert after.outlook.likely == before.outlook.likely + more


@given(st.decimals(Decimal(0), Decimal(40), places=2))
def test_todays_spend_changes_the_end_only_beyond_what_was_predicted_of_today(spent_today: Decimal) -> None:
    status = calculate_status(facts({date(2026, 11, 3): Decimal(50), TODAY: spent_today}, predict("10")))
    assert status.likely == 50 + max(spent_today, Decimal(10)) + 100


def test_a_status_has_all_that_a_page_shows() -> None:
    spent = {date(2026, 10, 20): Decimal(31), date(2026, 10, 21): Decimal(5), date(2026, 11, 10): Decimal(60)}
    status = calculate_status(facts(spent, predict("4")))
    assert (status.spent, status.spent_before, status.left) == (Decimal(60), Decimal(31), Decimal(40))
    assert (status.likely, status.left_a_day, status.at_this_pace) == (Decimal(104), Decimal(4), Decimal(90))
    assert (status.day_number, status.days_to_come) == (20, 10)
    assert status.range_80 == (Decimal("86.4"), Decimal("121.6"))
    assert status.chance == pytest.approx(0.595, abs=1e-3)
    assert status.state is State.LIKELY
    assert status.day == date(2026, 11, 27)


def test_without_a_forecast_nothing_is_predicted_at_any_pace() -> None:
    status = calculate_status(facts({date(2026, 11, 1): Decimal(99)}))
    assert (status.state, status.chance, status.day, status.likely) == (State.NO_FORECAST, None, None, None)


def test_an_exceeded_budget_names_its_day_and_a_paused_one_alerts_nobody() -> None:
    spent = {date(2026, 11, 3): Decimal(60), date(2026, 11, 9): Decimal(40)}
    status = calculate_status(facts(spent, predict("4")))
    assert (status.state, status.chance, status.day) == (State.EXCEEDED, 1.0, date(2026, 11, 9))
    assert status.left_a_day is None
    assert calculate_status(facts(spent, paused_at=NOW)).state is State.PAUSED


def rates_of(currency: str, per_euro: dict[date, str]) -> Rates:
    """Rates with one dollar for a euro on each working day."""
    working = [date(2020, 1, 1) + timedelta(days=nth) for nth in range(2600)]
    dollars = [(day, "USD", Decimal(1)) for day in working if day <= TODAY]
    return Rates([*dollars, *((day, currency, Decimal(rate)) for day, rate in per_euro.items())])


def test_days_have_their_own_rates_and_the_rest_the_newest() -> None:
    days = [TODAY - timedelta(days=nth) for nth in range(15)]
    rates = rates_of("JPY", {day: "100" if day < date(2026, 11, 15) else "200" for day in days})
    spent = {date(2026, 11, 10): Decimal(1), date(2026, 11, 16): Decimal(1)}
    status = calculate_status(facts(spent, predict("1"), currency="JPY", amount=Decimal(2500)), rates)
    assert (status.spent, status.unit) == (Decimal(300), "JPY")
    assert status.likely == 300 + 11 * 200
    assert status.state is State.LIKELY


def test_a_currency_that_ended_keeps_its_last_rate_and_says_so() -> None:
    rates = rates_of("RUB", {date(2026, 11, 2): "100"})
    status = calculate_status(facts({date(2026, 11, 2): Decimal(1)}, currency="RUB"), rates)
    assert status.spent == 100
    assert status.note
    assert "published its last rate of RUB on 2 Nov 2026" in status.note


def test_tokens_are_compared_with_tokens() -> None:
    status: BudgetStatus = calculate_status(
        facts({TODAY: Decimal(10**12)}, measure="tokens", amount=Decimal(10**12), currency="EUR")
    )
    assert (status.unit, status.state) == ("tokens", State.EXCEEDED)
