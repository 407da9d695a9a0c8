"""Amounts in the display currency: each day at its own rate, sums of converted days, dollars unchanged."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from hypothesis import given, settings
from hypothesis import strategies as some

from app import data
from app.auth.identity import User, database_of
from app.figures.currencies import (
    MONEY_OF_PREDICTIONS,
    Currency,
    convert_daily,
    convert_predictions,
    convert_totals,
    list_currencies,
)
from app.figures.renewals import spent_so_far
from app.figures.spend import calculate_spend, sum_money
from app.formats.money import NO_PRICE
from app.views.imports.choices import Choices
from app.views.imports.previews import build_preview
from tally.currency.rates import Rates, bundled_rates
from tally.importers import Options, generic, read_table
from tally.local.stack import Stack
from tally.spend.subscriptions import Subscription
from tests.app.pages import hero, open_page, period_spend, save, shown, usage
from tests.app.ui.shown_table import tables
from tests.days import current_day
from tests.shared_connections import operator_connection

FIRST, SECOND, THIRD = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
# Dollars for a euro: a euro is worth 1, 2 and 4 dollars on three days, and 4 from then on.
RATES = Rates([(FIRST, "USD", Decimal(1)), (SECOND, "USD", Decimal(2)), (THIRD, "USD", Decimal(4))])
EURO = Currency("EUR", RATES)


def daily(*rows: tuple[date, str | None], **values: Any) -> pd.DataFrame:
    """Daily costs as `load_daily` gives them in dollars."""
    costs = [None if cost is None else Decimal(cost) for _, cost in rows]
    fields = {
        "provider": "openai",
        "model": "gpt-5",
        "cost_basis": "billed",
        "charge_type": "usage",
        "tokens": 1,
        "requests": 1,
        "records": 1,
        "unpriced_records": 0,
    }
    return pd.DataFrame(
        {
            "date": pd.to_datetime([day for day, _ in rows]),
            "cost_usd": pd.Series(costs, dtype=object),
            "amount": pd.Series(costs, dtype=object),
            "cost": [float(cost or 0) for cost in costs],
            **fields,
            **values,
        }
    )


def test_total_is_the_sum_of_days_at_their_own_rates() -> None:
    frame = convert_daily(daily((FIRST, "8"), (SECOND, "8"), (THIRD, "8"), (THIRD, None)), EURO)
    assert frame["amount"].tolist() == [8, 4, 2, None]
    assert frame["cost"].tolist() == [8.0, 4.0, 2.0, 0.0]
    assert frame["cost_usd"].tolist() == [8, 8, 8, None]
    assert calculate_spend(frame).total == 14


def test_dollars_are_not_converted() -> None:
    frame = daily((FIRST, "0.1234567891"))
    assert convert_daily(frame, Currency()) is frame
    assert Currency().convert(Decimal("0.1"), FIRST) == Decimal("0.1")


@settings(max_examples=50)
@given(
    some.lists(
        some.tuples(some.sampled_from([FIRST, SECOND, THIRD]), some.decimals(-1000, 1000, places=10)),
        max_size=20,
    )
)
def test_parts_in_another_currency_add_up_to_the_whole(rows: list[tuple[date, Decimal]]) -> None:
    frame = convert_daily(daily(*[(day, str(cost)) for day, cost in rows]), EURO)
    parts = [sum_money(frame[frame["date"] == pd.Timestamp(day)]) for day in (FIRST, SECOND, THIRD)]
    assert sum(parts) == sum_money(frame)


def test_future_days_have_the_newest_rate() -> None:
    predictions = pd.DataFrame(
        {
            "date": pd.to_datetime([SECOND, THIRD + timedelta(days=9)]),
            **{name: [8.0, 8.0] for name in MONEY_OF_PREDICTIONS},
        }
    )
    assert convert_predictions(predictions, EURO)["predicted"].tolist() == [4.0, 2.0]
    assert convert_predictions(predictions, EURO)["upper_95"].tolist() == [4.0, 2.0]


def totals(**values: Any) -> pd.DataFrame:
    """One predicted month of everything."""
    row = {
        "provider_id": None,
        "model_name": None,
        "period_start": FIRST,
        "period_end": date(2026, 3, 31),
        "spent_usd": Decimal(16),
        "predicted_cost_usd": Decimal(100),
        "actual_cost_usd": None,
        **{f"lower_bound_{level}": Decimal(60) for level in (80, 95)},
        **{f"upper_bound_{level}": Decimal(140) for level in (80, 95)},
        "quantiles": [Decimal(60), Decimal(140)],
    }
    return pd.DataFrame([row | values], dtype=object)


def test_month_has_past_days_at_their_rates_and_the_rest_at_the_newest() -> None:
    spent = convert_daily(daily((FIRST, "8"), (SECOND, "8")), EURO)
    [row] = convert_totals(totals(), spent, {}, EURO).to_dict("records")
    assert row["predicted_cost_usd"] == 8 + 4 + Decimal(84) / 4
    assert row["lower_bound_80"] == row["quantiles"][0] == 8 + 4 + Decimal(44) / 4
    assert row["spent_usd"] == 12
    assert row["actual_cost_usd"] is None


def test_month_of_one_provider_counts_its_own_days() -> None:
    frame = daily((FIRST, "8"), (FIRST, "8"), provider=["openai", "xai"])
    [row] = convert_totals(
        totals(provider_id="id-1", spent_usd=Decimal(8)), convert_daily(frame, EURO), {"id-1": "xai"}, EURO
    ).to_dict("records")
    assert row["spent_usd"] == 8


@settings(max_examples=50)
@given(
    some.decimals(0, 500, places=2),
    some.lists(some.tuples(some.sampled_from([FIRST, SECOND, THIRD]), some.decimals(0, 99, places=2))),
)
def test_conversion_keeps_a_known_month_above_below_or_in_its_range(
    actual: Decimal, rows: list[tuple[date, Decimal]]
) -> None:
    spent = convert_daily(daily(*[(day, str(cost)) for day, cost in rows]), EURO)
    [row] = convert_totals(totals(actual_cost_usd=actual), spent, {}, EURO).to_dict("records")
    assert (row["actual_cost_usd"] > row["upper_bound_80"]) == (actual > 140)
    assert (row["actual_cost_usd"] < row["lower_bound_80"]) == (actual < 60)


def test_renewals_have_the_rates_of_their_days() -> None:
    plan = Subscription("p", "Plus", Decimal(8), FIRST, 2)
    rates = Rates([(FIRST, "USD", Decimal(1)), (date(2026, 4, 2), "USD", Decimal(2))])
    assert spent_so_far(plan, date(2026, 4, 20), Currency("EUR", rates)) == 8 + 4


def test_preview_of_a_file_in_euros_shows_its_euros() -> None:
    table = read_table(b"date,cost,currency\n2026-03-02,8,EUR\n2026-03-03,8,USD\n", "costs.csv")
    preview = build_preview(generic.parse(table, Options(rates=RATES)), Choices(currency=EURO))
    assert preview.total.spent == 8 + 4
    assert preview.daily == {(FIRST, "other"): 8, (SECOND, "other"): 4}


def test_offered_currencies_have_rates_for_every_possible_day() -> None:
    offered = list_currencies(bundled_rates())
    assert {"USD", "EUR", "JPY"} <= set(offered)
    for code in offered:
        for day in (date(2020, 1, 1), date(2023, 7, 1), date(2100, 12, 31)):
            assert Currency(code, bundled_rates()).convert(Decimal(1), day) > 0


@pytest.fixture
def rates(stack: Stack) -> Iterator[None]:
    """The nightly run has brought rates: yesterday a euro was 2 dollars and 100 yen, today 4 and 400."""
    with operator_connection(stack, autocommit=True) as job:
        job.execute("delete from public.exchange_rates")
        for day, usd, jpy in ((current_day() - timedelta(days=1), 2, 100), (current_day(), 4, 400)):
            for code in bundled_rates().list_current(date(2020, 1, 1)):
                if code != "EUR":
                    rate = {"USD": usd, "JPY": jpy}.get(code, 1)
                    job.execute("insert into public.exchange_rates values (%s, %s, %s)", [day, code, rate])
        yield
        job.execute("delete from public.exchange_rates")


def choose(user: User, currency: str) -> None:
    database = database_of(user)
    database.update("user_preferences", user.user_id, {"currency": currency}, key="user_id")
    st.cache_data.clear()
    st.cache_resource.clear()


def noon(days_ago: int, cost: str | None, **values: Any) -> Any:
    """A record about a whole day, so that the hour of the test does not matter."""
    day = current_day() - timedelta(days=days_ago)
    return usage(0, cost, timestamp=datetime(day.year, day.month, day.day, 12, tzinfo=UTC), **values)


@pytest.mark.usefixtures("rates")
def test_overview_is_in_the_chosen_currency(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [noon(1, "8", request_count=2), noon(0, "8.1", request_count=1, model_name="o3")])
    choose(user, "EUR")
    page = open_page(monkeypatch, user)
    assert not page.exception
    assert period_spend(page) == "€6.03"  # 8 / 2 + 8.1 / 4
    assert "€2.01 a request" in shown(page).replace("\\", "")
    assert f"newest {current_day().day} {current_day():%b %Y}" in shown(page)
    assert "$" not in hero(page)


@pytest.mark.usefixtures("rates")
def test_records_have_the_rate_of_their_day(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [noon(1, "8"), noon(0, "8"), noon(0, None, cost_basis="estimated", model_name="new")])
    choose(user, "JPY")
    page = open_page(monkeypatch, user, "records")
    assert not page.exception
    assert sorted(tables(page)[0].value["cost"]) == sorted([NO_PRICE, "¥400", "¥800"])


@pytest.mark.usefixtures("rates")
@pytest.mark.parametrize("view", ["forecast", "imports", "add_entry", "settings"])
def test_every_page_opens_in_another_currency(monkeypatch: pytest.MonkeyPatch, user: User, view: str) -> None:
    save(user, [noon(1, "8")])
    choose(user, "CHF")
    assert not open_page(monkeypatch, user, view).exception


def test_discontinued_currency_falls_back_to_dollars_with_a_note(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [noon(0, "8")])
    choose(user, "HRK")
    page = open_page(monkeypatch, user)
    assert period_spend(page) == "$8.00"
    assert "HRK no longer has a rate, so amounts are in US dollars." in shown(page)
    settings = open_page(monkeypatch, user, "settings")
    assert next(box for box in settings.selectbox if box.label == "Currency").value == "USD"


def test_dollars_load_no_rates(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    def refuse(_user: User) -> Rates:
        raise AssertionError("rates were asked for")

    save(user, [noon(0, "8")])
    monkeypatch.setattr("app.data.preferences.load_rates", refuse)
    page = open_page(monkeypatch, user)
    assert not page.exception
    assert period_spend(page) == "$8.00"


def test_chosen_currency_is_saved(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "settings")
    next(box for box in page.selectbox if box.label == "Currency").set_value("EUR")
    next(button for button in page.button if button.label == "Save settings").click().run()
    st.cache_data.clear()
    assert data.load_preferences(user).currency == "EUR"
    assert data.load_currency(user).code == "EUR"
