"""The Subscriptions page: months add up, yearly prices are spread, and value is never money."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st

from app import data
from app.auth.identity import User, database_of
from app.figures import spend
from app.figures.currencies import Currency
from app.figures.plan_worth import PlanMonth, calculate_months, group_plans, list_recent, sum_months
from app.formats.text import DASH
from app.views.subscriptions.plan_cards import describe_month
from tally.spend.subscriptions import Subscription, add_subscription
from tests.app.pages import metrics, open_dialog, open_page, read_markdown, save, shown, usage
from tests.app.ui.shown_table import tables

TODAY = date(2026, 11, 20)
MAX = Subscription("1", "Claude Max", Decimal(100), date(2026, 9, 5), 5)
YEARLY = Subscription("1", "Claude Pro", Decimal("200.00"), date(2026, 9, 5), 5, "year")


def line(day: str, amount: str | None, **values: Any) -> dict[str, Any]:
    """A line of daily costs: included usage of Claude by default."""
    return {
        "date": pd.Timestamp(day),
        "provider": "claude-desktop",
        "model": "claude-opus-4-5",
        "cost_basis": "included",
        "charge_type": "usage",
        "amount": None if amount is None else Decimal(amount),
        "unpriced_records": 0,
    } | values


def renewal(day: str, amount: str, plan: str = "Claude Max") -> dict[str, Any]:
    return line(day, amount, model=plan, cost_basis="billed", charge_type="subscription")


def months_of(lines: list[dict[str, Any]], *plans: Subscription) -> list[PlanMonth]:
    slugs = [("claude-desktop", plan) for plan in plans]
    return calculate_months(pd.DataFrame(lines), slugs, TODAY, Currency())


def test_value_of_a_month_is_compared_with_its_price() -> None:
    [november, october] = months_of(
        [
            renewal("2026-10-05", "100"),
            renewal("2026-11-05", "100"),
            line("2026-11-06", "150"),
            line("2026-11-20", "60"),
        ],
        MAX,
    )
    assert (november.paid, november.worth, november.factor) == (Decimal(100), Decimal(210), Decimal("2.1"))
    assert (october.paid, october.worth, october.has_usage, october.factor) == (
        Decimal(100),
        Decimal(0),
        False,
        None,
    )
    assert november.plans == {"Claude Max"}


def test_yearly_price_is_spread_over_months() -> None:
    months = months_of([renewal("2026-09-05", "200", "Claude Pro"), line("2026-11-06", "50")], YEARLY)
    assert [month.paid for month in months] == [Decimal("16.67")] * 3
    assert months[0].plans == {"Claude Pro"}
    assert months[0].factor == Decimal(50) / Decimal("16.67")


@given(st.decimals("0.01", 99_999, places=2), st.integers(1, 12))
def test_months_of_a_past_year_add_up_to_its_price(amount: Decimal, month: int) -> None:
    plan = Subscription("1", "Pro", amount, date(2024, month, 5), 5, "year", date(2024, month, 6))
    months = months_of([renewal(f"2024-{month:02}-05", str(amount), "Pro")], plan)
    assert sum(month.paid for month in months) == amount
    assert len([month for month in months if month.paid]) <= 12


def test_unpriced_usage_is_counted_separately() -> None:
    [month] = months_of(
        [line("2026-11-06", None, unpriced_records=3), line("2026-11-07", "5", unpriced_records=1)]
    )
    assert (month.worth, month.unpriced_records, month.paid, month.factor) == (
        Decimal(5),
        4,
        Decimal(0),
        None,
    )


def test_billed_usage_is_neither_price_nor_value() -> None:
    assert months_of([line("2026-11-06", "5", cost_basis="billed")]) == []


def test_months_before_the_first_usage_are_left_out() -> None:
    total = sum_months(
        months_of(
            [renewal("2026-10-05", "100"), renewal("2026-11-05", "100"), line("2026-11-06", "150")], MAX
        )
    )
    assert (total.paid, total.worth, total.factor) == (Decimal(100), Decimal(150), Decimal("1.5"))


def test_unpaid_months_are_left_out() -> None:
    total = sum_months(
        months_of([line("2026-09-06", "900"), renewal("2026-11-05", "100"), line("2026-11-06", "150")], MAX)
    )
    assert (total.paid, total.worth) == (Decimal(100), Decimal(150))
    assert sum_months(months_of([line("2026-09-06", "900")])).worth == 900


def test_recent_months_are_the_last_twelve() -> None:
    lines = [line("2025-11-30", "1"), line("2025-12-01", "1"), line("2026-11-01", "1")]
    recent = list_recent(months_of(lines), TODAY)
    assert [month.month for month in recent] == [date(2026, 11, 1), date(2025, 12, 1)]
    assert list(group_plans(recent)) == ["claude-desktop"]


def included(days_ago: int, cost: str | None, **values: Any) -> Any:
    return usage(
        days_ago,
        cost,
        provider="claude-desktop",
        model_name="claude-opus-4-5",
        cost_basis="included",
        **values,
    )


def test_page_shows_value_vs_price(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    today = datetime.now(UTC).date()
    slug_to_id = {provider.slug: provider.provider_id for provider in data.load_providers(user)}
    plan = Subscription(slug_to_id["claude-desktop"], "Claude Max", Decimal(100), today, today.day)
    add_subscription(database_of(user), plan)
    save(user, [included(0, "210")])

    page = open_page(monkeypatch, user, "subscriptions")

    assert not page.exception
    assert metrics(page) == {"Claude Max": "2.1x"}
    assert list(tables(page)[-1].value["plan"]) == ["Claude Max"]
    narrow = page.radio[0]
    assert [read_markdown(option) for option in narrow.options] == ["Claude Max, $100.00"]
    assert page.button(key="delete").disabled
    assert not narrow.set_value(0).run().exception
    assert not page.button(key="delete").disabled
    assert spend.sum_money(data.load_daily(user, None, None)) == 100


def test_usage_without_a_plan_links_to_adding_it(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [included(0, "30"), included(0, None, minutes_ago=5)])
    page = open_page(monkeypatch, user, "subscriptions")
    assert "This plan's price is missing." in shown(page)
    assert "worth $30.00" in shown(page).replace("\\", "")
    assert "Excludes 1 record without a price." in shown(page)
    assert metrics(page) == {"Claude": DASH}


def test_plan_without_usage_shows_a_message(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    today = datetime.now(UTC).date()
    provider = next(p for p in data.load_providers(user) if p.slug == "perplexity")
    add_subscription(
        database_of(user),
        Subscription(provider.provider_id, "<b>Pro</b> $x$", Decimal(20), today, today.day),
    )
    page = open_page(monkeypatch, user, "subscriptions")
    assert not page.exception
    assert "No usage data for this plan yet." in shown(page).replace("\\", "")
    assert metrics(page) == {r"\<b\>Pro\</b\> \$x\$": DASH}


def test_new_account_sees_an_empty_list(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "subscriptions")
    assert not page.exception
    assert "None yet." in shown(page)


def test_button_opens_the_form_where_the_person_is(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "subscriptions")

    page.button(key="add-subscription").click().run()

    assert not page.exception
    assert [title.value for title in page.title] == ["Subscriptions"]
    assert "Plan name" in [field.label for field in page.text_input]


def test_form_in_the_dialog_saves_a_plan(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    today = datetime.now(UTC).date()
    dialog = open_dialog(monkeypatch, user, "app.views.subscriptions.new_plan:add_subscription", today)
    next(field for field in dialog.selectbox if field.label == "Plan").select_index(0).run()
    next(button for button in dialog.button if button.label == "Add subscription").click().run()
    assert not dialog.exception
    streamlit.cache_data.clear()
    assert len(data.load_subscriptions(user)) == 1


def test_month_is_a_line_where_its_table_does_not_fit() -> None:
    [november, _] = months_of(
        [renewal("2026-11-05", "100", "Max"), line("2026-11-06", "210"), line("2026-10-06", "5")]
    )
    told = describe_month(november, {}, "USD")
    assert told.name == "Nov 2026, Max"
    assert told.details == "2.1x value vs price \N{MIDDLE DOT} paid $100.00 \N{MIDDLE DOT} value $210.00"
