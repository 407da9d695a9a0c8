"""Prices: discounts and markups of billing accounts, previewed, applied and taken back."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.formats.text import DASH
from app.views.prices.multiplier_form import read_multiplier
from app.views.prices.repricing import describe_change
from tally.core.amounts import AmountUnreadable
from tally.core.records import JSON, CostRecord
from tally.pricing.estimate import estimate
from tally.pricing.multipliers import Multiplier
from tally.pricing.reprice import Difference
from tally.pricing.usage import ModelRef, Usage
from tests.app.pages import open_dialog, open_page, save, shown, usage
from tests.app.ui.shown_table import shown_table, tables
from tests.days import current_day

FORM = "app.views.prices.multiplier_form"
HOSTILE = "![x](http://127.0.0.1:1/x) :red[x] <b>$x$</b>"


def estimated(days_ago: int, account: str | None = "openai") -> CostRecord:
    """A million input tokens of gpt-4o: $2.50."""
    metadata: dict[str, JSON] = {}
    cost = estimate(metadata, ModelRef("openai", "gpt-4o"), Usage(1_000_000), datetime.now(UTC))
    return usage(
        days_ago,
        str(cost),
        model_name="gpt-4o",
        cost_basis="estimated",
        input_tokens=1_000_000,
        billing_account=account,
        metadata=metadata,
    )


def add(user: User, **values: Any) -> Multiplier:
    ids = {provider.slug: provider.provider_id for provider in data.load_providers(user)}
    fields: dict[str, Any] = {"provider": "openai", "billing_account": None, "multiplier": Decimal("0.8")}
    multiplier = Multiplier(**{**fields, "valid_from": date(2025, 1, 1), **values})
    database_of(user).insert("price_multipliers", multiplier.to_json(ids[multiplier.provider]))
    data.forget_version(user)
    st.cache_data.clear()
    [added] = [found for found in data.load_multipliers(user) if found.note == multiplier.note]
    return added


def costs(user: User) -> list[Decimal]:
    data.forget_version(user)
    rows = data.load_records_page(user, data.RecordFilter(), 1, "UTC")
    return sorted(Decimal(row["cost_usd"]) for row in rows)


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception, page.exception
    return page


def fill(dialog: AppTest, user: User, factor: str = "0.8") -> None:
    slugs = [provider.slug for provider in data.load_providers(user)]
    dialog.selectbox[0].select_index(slugs.index("openai")).run()
    dialog.text_input[0].set_value(factor)
    dialog.date_input[0].set_value(date(2025, 1, 1))
    dialog.run()
    assert not dialog.exception


def announced(page: AppTest) -> str:
    return str(page.session_state["announcement"])


def test_empty_list_explains_and_offers_one(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "prices")
    assert not page.exception
    assert "Estimates of an account are list prices times its multiplier" in shown(page)
    assert [button.label for button in page.button if "multiplier" in button.label] == ["Add a multiplier"]


def test_a_multiplier_is_previewed_saved_and_applied(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [estimated(1), estimated(2, "openai:Private"), usage(1, "7")])
    dialog = open_dialog(monkeypatch, user, f"{FORM}:edit_multiplier", None, current_day())
    assert "Choose the provider" in shown(dialog)
    fill(dialog, user)
    press(dialog, "Preview changes")
    assert "Changes 2 estimates, from $5.00 to $4.00." in shown(dialog)
    assert costs(user) == [Decimal("2.5"), Decimal("2.5"), Decimal(7)], "a preview changes nothing"
    press(dialog, "Save and reprice")
    assert announced(dialog) == "Multiplier saved. 2 estimates repriced."
    assert costs(user) == [Decimal(2), Decimal(2), Decimal(7)]
    [multiplier] = data.load_multipliers(user)
    assert (multiplier.multiplier, multiplier.valid_from, multiplier.valid_to) == (
        Decimal("0.8"),
        date(2025, 1, 1),
        None,
    )


def test_one_account_of_the_workspace_can_be_chosen(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [estimated(1), estimated(2, "openai:Private")])
    dialog = open_dialog(monkeypatch, user, f"{FORM}:edit_multiplier", None, current_day())
    fill(dialog, user)
    assert dialog.selectbox[1].options == [
        "All accounts of OpenAI", "OpenAI, where no account is named", "OpenAI, Private",
    ]  # fmt: skip
    dialog.selectbox[1].select_index(2).run()
    press(dialog, "Preview changes")
    assert "Changes 1 estimate, from $2.50 to $2.00." in shown(dialog)


def test_a_changed_form_must_be_previewed_again(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [estimated(1)])
    dialog = open_dialog(monkeypatch, user, f"{FORM}:edit_multiplier", None, current_day())
    fill(dialog, user)
    press(dialog, "Preview changes")
    dialog.text_input[0].set_value("0.5").run()
    assert "Save and reprice" not in [button.label for button in dialog.button]


def test_overlapping_days_are_refused_before_saving(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add(user)
    dialog = open_dialog(monkeypatch, user, f"{FORM}:edit_multiplier", None, current_day())
    fill(dialog, user)
    sentence = "Another one is valid on some of these days: All accounts of OpenAI, × 0.8, from 1 Jan 2025."  # noqa: RUF001
    assert sentence in shown(dialog).replace("\\", "")
    assert next(button for button in dialog.button if button.label == "Preview changes").disabled


def test_a_multiplier_is_changed(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [estimated(1)])
    dialog = open_dialog(monkeypatch, user, f"{FORM}:edit_multiplier", add(user, note=HOSTILE), current_day())
    dialog.text_input[0].set_value("1.1").run()
    press(dialog, "Preview changes")
    press(dialog, "Save and reprice")
    assert costs(user) == [Decimal("2.75")]
    [multiplier] = data.load_multipliers(user)
    assert (multiplier.multiplier, multiplier.note) == (Decimal("1.1"), HOSTILE)


def test_deleting_one_restores_list_prices(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    multiplier = add(user)
    save(user, [estimated(1)])
    assert costs(user) == [Decimal(2)]
    dialog = open_dialog(monkeypatch, user, f"{FORM}:confirm_deletion", multiplier)
    assert "Changes 1 estimate, from $2.00 to $2.50." in shown(dialog)
    press(dialog, "Delete and reprice")
    assert announced(dialog) == "Multiplier deleted. 1 estimate repriced."
    assert (costs(user), data.load_multipliers(user)) == ([Decimal("2.5")], [])


def test_multipliers_are_listed_as_text(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add(user, note=HOSTILE, billing_account="openai:Private", valid_to=date(2026, 12, 31))
    page = open_page(monkeypatch, user, "prices")
    assert not page.exception
    [table] = [frame.value for frame in tables(page) if "multiplier" in frame.value.columns]
    assert table.iloc[0]["account"] == "OpenAI, Private"
    assert (table.iloc[0]["multiplier"], table.iloc[0]["note"]) == ("\N{MULTIPLICATION SIGN} 0.8", HOSTILE)
    assert HOSTILE not in shown(page)


def test_records_show_the_list_price_beside_the_cost(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(2, "7")])
    page = open_page(monkeypatch, user, "records")
    assert "list_price" not in tables(page)[0].value.columns
    add(user)
    save(user, [estimated(1)])
    page = open_page(monkeypatch, user, "records")
    assert sorted(shown_table(tables(page)[0])["list_price"]) == ["$2.50", DASH], "a bill has no list price"


def test_interrupted_repricing_is_said_and_can_be_applied_below(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    from tally.storage.database import GATEWAY, describe

    save(user, [estimated(1)])
    dialog = open_dialog(monkeypatch, user, f"{FORM}:edit_multiplier", None, current_day())
    fill(dialog, user)
    press(dialog, "Preview changes")

    def refuse(*_: object, **__: object) -> None:
        raise describe(GATEWAY, "")

    monkeypatch.setattr(f"{FORM}.apply_prices", refuse)
    press(dialog, "Save and reprice")
    assert "Not all estimates are repriced" in announced(dialog)
    assert dialog.session_state["priced-from"] == date(2025, 1, 1)
    assert len(data.load_multipliers(user)) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Enter the multiplier"),
        ("many", "The multiplier is not a number"),
        ("0", "Enter a multiplier above 0 and up to 100."),
        ("-1", "Enter a multiplier above 0 and up to 100."),
        ("100.5", "Enter a multiplier above 0 and up to 100."),
        ("0.1234567", "The multiplier has more than 6 decimals."),
        ("nan", "The multiplier is not a number"),
    ],
)
def test_what_is_no_multiplier_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(AmountUnreadable, match=sentence):
        read_multiplier(text)


def test_multipliers_are_read_exactly() -> None:
    assert [read_multiplier(text) for text in ("0.85", "1,1", "100")] == [
        Decimal("0.85"),
        Decimal("1.1"),
        100,
    ]


def test_a_change_is_summed_up() -> None:
    assert describe_change([]) == "Changes no estimate yet."
    one = Difference("2026-10", "openai", "a", 4000, 10, 0, 0, Decimal(300), Decimal(255))
    other = Difference("2026-11", "openai", "a", 120, 0, 0, 0, Decimal(12), Decimal("10.2"))
    assert describe_change([one, other]) == (
        "Changes 4,120 estimates, from $312.00 to $265.20. "
        "Excluded from totals, as a bill or a better source covers them: 10 records."
    )
