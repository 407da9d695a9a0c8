"""The month's end as it is now: amounts that move together, and none below what is spent."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tally.budgets.month_end import MonthEnd
from tally.core.live_total import SpentSoFar, StoredTotal

TODAY = date(2026, 11, 28)
USD = st.decimals(0, 1_000, places=2)


def made(predicted: Decimal, today: Decimal, *below: Decimal) -> MonthEnd:
    """A forecast that nothing was spent before, with bounds so far below and above what it predicts."""
    inner, outer = sorted(below)
    return MonthEnd(
        StoredTotal(predicted, Decimal(0), {TODAY: today}),
        (predicted - inner, predicted + inner),
        (predicted - outer, predicted + outer),
        "2026-11-28T03:00:00+00:00",
    )


def test_a_day_above_its_prediction_moves_all_amounts() -> None:
    found = made(Decimal(70), Decimal(2), Decimal(10), Decimal(20)).update(
        SpentSoFar(Decimal(5), Decimal(3)), TODAY
    )
    assert found.stored == (Decimal(76), Decimal(8), {TODAY: Decimal(2)})  # 5 before, 3 today, 68 to come
    assert [*found.range_80, *found.range_95] == [66, 86, 56, 96]


def test_no_amount_is_below_what_is_spent() -> None:
    found = made(Decimal(10), Decimal(10), Decimal(4), Decimal(8)).update(
        SpentSoFar(Decimal(0), Decimal(9)), TODAY
    )
    assert [found.stored.predicted, *found.range_80, *found.range_95] == [10, 9, 14, 9, 18]


@given(USD, USD, USD, USD, USD, USD)
def test_ranges_stay_around_what_is_likely(
    predicted: Decimal, today: Decimal, inner: Decimal, outer: Decimal, before: Decimal, spent: Decimal
) -> None:
    so_far = SpentSoFar(before, spent)
    found = made(predicted, today, inner, outer).update(so_far, TODAY)
    (low_95, high_95), (low_80, high_80) = found.range_95, found.range_80
    assert so_far.total <= low_95 <= low_80 <= found.stored.predicted <= high_80 <= high_95
