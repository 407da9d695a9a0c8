"""The month's forecast between nightly runs: it follows what is saved, and never ends below what is spent."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from app.figures.forecast_series import ForecastSeries
from app.figures.live_month import AMOUNTS, bring_up_to_date
from app.figures.outlook import find_total

TODAY = date(2026, 11, 14)
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
ALL = ForecastSeries()
CENTS = st.decimals(0, 5000, places=2)


def total(
    predicted: str | Decimal, spent: str | Decimal, wide: str | Decimal = "10", **fields: Any
) -> pd.DataFrame:
    """A stored month end, with quantiles around it."""
    middle, half = Decimal(predicted), Decimal(wide)
    amounts = (middle - 2 * half, middle - half, middle, middle + half, middle + 2 * half)
    row = dict(zip(AMOUNTS, amounts, strict=True)) | {
        "kind": "month_end", "period_start": FIRST, "period_end": LAST, "spent_usd": Decimal(spent),
        "provider_id": None, "model_name": None, "project_id": None, "quantiles": list(amounts),
    }  # fmt: skip
    return pd.DataFrame([row | fields], dtype=object)


def predictions(first: date, amounts: list[Any]) -> pd.DataFrame:
    days = pd.to_datetime([first + timedelta(days=nth) for nth in range(len(amounts))])
    return pd.DataFrame({"date": days, "predicted": [float(amount) for amount in amounts]})


def spend(*amounts: Any) -> "pd.Series[float]":
    """Spend of the month's days; the last one is today's."""
    days = pd.date_range(FIRST, periods=len(amounts))
    return pd.Series([float(amount) for amount in amounts], index=days)


def bring(totals: pd.DataFrame, spent: Any, ahead: pd.DataFrame, today: date = TODAY) -> dict[str, Any]:
    found = find_total(bring_up_to_date(totals, ALL, spent, ahead, today), ALL, "month_end", today)
    assert found is not None
    return found


def test_nothing_changes_while_days_go_as_predicted() -> None:
    stored = total("300", "130")
    live = bring(stored, spend(*[10] * 13, 4), predictions(TODAY, [10] * 17))
    assert [live[name] for name in AMOUNTS] == [stored.iloc[0][name] for name in AMOUNTS]


def test_an_import_of_earlier_days_moves_the_month_with_its_range() -> None:
    live = bring(total("362", "192"), spend(*[47.1] * 13, 0), predictions(TODAY, [10] * 17))
    assert live["predicted_cost_usd"] == Decimal("782.3")
    assert (live["lower_bound_80"], live["upper_bound_80"]) == (Decimal("772.3"), Decimal("792.3"))
    assert live["quantiles"] == [live[name] for name in AMOUNTS]
    assert live["spent_usd"] == Decimal("612.3")


def test_a_dear_today_counts_in_full_and_a_cheap_one_as_predicted() -> None:
    days = [10] * 13
    assert bring(total("300", "130"), spend(*days, 75), predictions(TODAY, [10] * 17))[
        "predicted_cost_usd"
    ] == Decimal(365)
    assert bring(total("300", "130"), spend(*days, 0), predictions(TODAY, [10] * 17))[
        "predicted_cost_usd"
    ] == Decimal(300)


def test_a_credit_today_counts_beside_what_is_predicted() -> None:
    days = [10] * 13
    live = bring(total("300", "130"), spend(*days, -50), predictions(TODAY, [10] * 17))
    assert live["predicted_cost_usd"] == Decimal(250)


def test_days_that_passed_since_the_run_count_as_they_were() -> None:
    run_day = TODAY - timedelta(days=3)
    live = bring(total("300", "100"), spend(*[10] * 10, 0, 0, 0, 0), predictions(run_day, [10] * 20))
    assert live["predicted_cost_usd"] == Decimal(270)


def test_only_the_newest_total_of_the_series_and_the_month_moves() -> None:
    totals = pd.concat(
        [
            total("40", "10", provider_id="openai"),
            total("300", "130", kind="next_30_days", period_start=TODAY + timedelta(days=1)),
            total("250", "100", period_end=date(2026, 10, 31)),
            total("300", "130"),
            total("290", "120"),
        ],
        ignore_index=True,
    )
    moved = bring_up_to_date(totals, ALL, spend(*[20] * 14), predictions(TODAY, [10] * 17), TODAY)
    changed = moved["predicted_cost_usd"] != totals["predicted_cost_usd"]
    assert changed.tolist() == [False, False, False, True, False]
    assert totals["predicted_cost_usd"].tolist() == [Decimal(n) for n in (40, 300, 250, 300, 290)]


def test_next_30_days_follow_what_is_spent_in_them() -> None:
    first = TODAY - timedelta(days=2)
    totals = total("300", "0", kind="next_30_days", period_start=first, period_end=first + timedelta(days=29))
    ahead = predictions(first, [10] * 30)
    moved = bring_up_to_date(totals, ALL, spend(*[500] * 11, 10, 10, 4), ahead, TODAY)
    assert moved.iloc[0]["predicted_cost_usd"] == 300, "earlier days are not in them"
    moved = bring_up_to_date(totals, ALL, spend(*[500] * 11, 20, 30, 811), ahead, TODAY)
    assert moved.iloc[0]["predicted_cost_usd"] == 20 + 30 + 811 + 27 * 10
    assert moved.iloc[0]["lower_bound_95"] == 20 + 30 + 811 + 27 * 10 - 20


def test_without_a_forecast_of_the_month_nothing_is_made_up() -> None:
    empty = total("1", "0").iloc[:0]
    assert bring_up_to_date(empty, ALL, spend(5), predictions(FIRST, []), FIRST).empty


@given(
    day=st.integers(1, 30),
    run_days_ago=st.integers(0, 29),
    spent=st.lists(CENTS, min_size=30, max_size=30),
    predicted=st.lists(CENTS, min_size=30, max_size=30),
    known=CENTS,
    rest=CENTS,
    wide=CENTS,
)
def test_month_never_ends_below_what_is_spent(
    day: int,
    run_days_ago: int,
    spent: list[Decimal],
    predicted: list[Decimal],
    known: Decimal,
    rest: Decimal,
    wide: Decimal,
) -> None:
    today = date(2026, 11, day)
    run_day = max(FIRST, today - timedelta(days=run_days_ago))
    ahead = predictions(run_day, predicted)
    in_month = predicted[: (LAST - run_day).days + 1]
    live = bring(total(known + sum(in_month) + rest, known, wide), spend(*spent[:day]), ahead, today)
    begun = (today - run_day).days
    expected = (
        sum(spent[: day - 1]) + max(spent[day - 1], predicted[begun]) + sum(in_month[begun + 1 :]) + rest
    )
    assert abs(live["predicted_cost_usd"] - expected) < Decimal("0.000001")
    amounts = [live[name] for name in AMOUNTS]
    assert amounts == sorted(amounts)
    assert amounts[0] >= sum(spent[:day]) - Decimal("0.000001")
