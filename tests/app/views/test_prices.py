"""The Prices page: unpriced models, custom prices, and repricing with a preview."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.text import escape_markdown
from app.views.prices.price_list import describe_prices
from app.views.prices.repricing import describe_differences, describe_sum, format_signed
from tally.accounts.auth_client import AuthClient
from tally.pricing.custom_prices import CustomPrice
from tally.pricing.reprice import Difference
from tally.storage.database import GATEWAY, Query, describe
from tests.app.accounts import sign_in_user
from tests.app.pages import open_page, read_markdown, save, shown, usage
from tests.app.ui.shown_table import shown_table, tables

HOSTILE = "![x](http://127.0.0.1:1/x) :red[x] <b>$x$</b>"


def unpriced(days_ago: int, model: str = "house-model", **values: Any) -> Any:
    fields = {
        "model_name": model,
        "cost_basis": "estimated",
        "source_key": uuid4(),
        "input_tokens": 1_000_000,
    }
    return usage(days_ago, None, **fields | values)


def open_prices(monkeypatch: pytest.MonkeyPatch, user: User) -> AppTest:
    page = open_page(monkeypatch, user, "prices")
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception, page.exception
    return page


def type_into(page: AppTest, label: str, text: str) -> None:
    next(field for field in page.text_input if field.label == label).set_value(text)


def run_dialog(monkeypatch: pytest.MonkeyPatch, user: User, model: dict[str, Any] | None) -> AppTest:
    """Run the dialog on its own, as AppTest closes dialogs."""

    def open_dialog(model: "dict[str, Any] | None") -> None:
        from datetime import date

        import streamlit as st

        from app.ui.notices import render_announcement
        from app.views.prices.price_form import set_price

        render_announcement()
        if "priced-from" not in st.session_state:
            set_price(model, date(2026, 1, 1))

    monkeypatch.setattr(identity, "current_user", lambda: user)
    st.cache_data.clear()
    dialog = AppTest.from_function(open_dialog, args=(model,), default_timeout=60).run()
    assert not dialog.exception, dialog.exception
    return dialog


def choose_openai(page: AppTest, user: User) -> None:
    slugs = [provider.slug for provider in data.load_providers(user)]
    page.selectbox[0].select_index(slugs.index("openai"))


def all_text(page: AppTest) -> str:
    announced = "\n".join(str(success.value) for success in page.success)
    return (shown(page) + announced).replace("\\", "")


def set_price(user: User, model: str = "house-model", **values: Any) -> None:
    providers = {provider.slug: provider.provider_id for provider in data.load_providers(user)}
    price = CustomPrice("openai", model, date(2026, 1, 1), Decimal(3), Decimal(6), **values)
    database_of(user).insert("model_prices", price.to_json(providers["openai"]))


def costs(user: User) -> list[Any]:
    rows = database_of(user).select(Query("cost_records", "id,cost_usd::text", ["id"]))
    return [row["cost_usd"] for row in rows]


def test_empty_account_sees_messages(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_prices(monkeypatch, user)
    text = all_text(page)
    assert "All records have a price." in text
    assert "None yet. Known models are priced by the public price list that comes with Tally." in text
    press(page, "Preview changes")
    assert "All estimates are up to date." in all_text(page)


def test_unpriced_models_are_listed(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [unpriced(3), unpriced(1), unpriced(2, HOSTILE), usage(1, "5")])
    page = open_prices(monkeypatch, user)
    (table,) = [frame.value for frame in tables(page) if "since" in frame.value]
    assert list(table["model"]) == ["house-model", HOSTILE]
    assert list(table["records"]) == ["2", "1"]
    assert list(table["tokens"]) == ["2M", "1M"]
    assert HOSTILE not in shown(page)


def test_price_is_set_in_the_dialog(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [unpriced(3), unpriced(1)])
    (model,) = data.load_unpriced_models(user)
    dialog = run_dialog(monkeypatch, user, model)
    assert dialog.text_input[0].value == "house-model"
    type_into(dialog, "Input (USD)", "3")
    type_into(dialog, "Output (USD)", "6.50")
    press(dialog, "Save price")
    assert "Price of house-model saved." in all_text(dialog)
    (price,) = data.load_custom_prices(user)
    assert (price.model_name, price.provider, price.valid_from) == ("house-model", "openai", date(2026, 1, 1))
    assert (price.input_usd_per_mtok, price.output_usd_per_mtok) == (Decimal(3), Decimal("6.5"))
    assert (price.cached_input_usd_per_mtok, price.request_usd, price.replaces_list) == (
        None,
        Decimal(0),
        False,
    )
    assert costs(user) == [None, None]


def test_new_price_is_previewed_and_applied(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [unpriced(3), unpriced(1)])
    set_price(user)
    page = press(open_prices(monkeypatch, user), "Preview changes")
    assert "2 records would change, by +$6.00 in total." in all_text(page)
    assert costs(user) == [None, None], "a preview changes nothing"
    press(page, "Apply changes")
    assert "2 records repriced." in all_text(page)
    assert [Decimal(cost) for cost in costs(user)] == [3, 3]
    assert "All records have a price." in all_text(page)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"Model": "m", "Input (USD)": "1"}, "Output: Enter an amount"),
        ({"Model": "m", "Input (USD)": "many", "Output (USD)": "1"}, "Input: The amount"),
        (
            {"Model": "m", "Input (USD)": "-1", "Output (USD)": "1"},
            "Input: enter a price from $0 to $1,000,000.",
        ),
        ({"Model": "m", "Input (USD)": "1", "Output (USD)": "1000001"}, "Output: enter a price from $0"),
        (
            {"Model": " ", "Input (USD)": "1", "Output (USD)": "1"},
            "Choose a provider",
        ),
    ],
)
def test_invalid_price_is_refused(
    monkeypatch: pytest.MonkeyPatch, user: User, texts: dict[str, str], sentence: str
) -> None:
    dialog = run_dialog(monkeypatch, user, None)
    choose_openai(dialog, user)
    for label, text in texts.items():
        type_into(dialog, label, text)
    press(dialog, "Save price")
    assert sentence in all_text(dialog)
    assert data.load_custom_prices(user) == []


def test_duplicate_price_is_refused(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    set_price(user)
    dialog = run_dialog(monkeypatch, user, None)
    choose_openai(dialog, user)
    for label, text in {"Model": "House-Model", "Input (USD)": "1", "Output (USD)": "1"}.items():
        type_into(dialog, label, text)
    press(dialog, "Save price")
    assert "This model already has a price from 1 Jan 2026." in all_text(dialog)
    assert len(data.load_custom_prices(user)) == 1


def test_stranger_cannot_see_prices(
    monkeypatch: pytest.MonkeyPatch, user: User, upstream: AuthClient, new_account: Any
) -> None:
    set_price(user)
    save(user, [unpriced(1)])
    stranger = sign_in_user(upstream, new_account())
    page = open_prices(monkeypatch, stranger)
    assert "None yet." in all_text(page)
    assert "All records have a price." in all_text(page)


def test_unreachable_database_shows_a_message(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_prices(monkeypatch, user)

    def refuse(*_: object) -> None:
        raise describe(GATEWAY, "")

    monkeypatch.setattr(data, "load_price_differences", refuse)
    press(page, "Preview changes")
    assert "The database cannot be reached right now." in all_text(page)


def test_price_table_tells_free_from_unknown() -> None:
    price = CustomPrice("openai", "local", date(2026, 1, 1), Decimal(0), Decimal(0), replaces_list=True)
    table = describe_prices([price], [])
    assert table.iloc[0].to_dict() == {
        "model": "local",
        "provider": "openai",
        "from": date(2026, 1, 1),
        "input": Decimal(0),
        "output": Decimal(0),
        "used": "instead of the list price",
    }


def test_preview_reports_prices_gained_and_lost() -> None:
    new = Difference("2026-10", "openai", "a", 2, 0, 2, 0, Decimal(0), Decimal(4))
    gone = Difference("2026-11", "openai", "b", 3, 1, 0, 3, Decimal(7), Decimal(0))
    table = describe_differences([new, gone], [])
    assert table["before"].tolist() == [None, Decimal(7)]
    assert table["after"].tolist() == [Decimal(4), None]
    assert [format_signed(amount) for amount in table["difference"]] == ["+$4.00", "\N{MINUS SIGN}$7.00"]
    assert describe_sum([new, gone]) == (
        "5 records would change, by \N{MINUS SIGN}$3.00 in total. "
        "2 records would get a price for the first time. "
        "3 records would lose their price. "
        "Excluded from totals, as a bill or a better source covers them: 1 record."
    )


def test_price_list_compares_models_at_ones_own_mix(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    counts = {"input_tokens": 75_000, "output_tokens": 25_000}
    save(
        user,
        [
            usage(1, "3", provider="anthropic", model_name="claude-opus-4-5", **counts),
            usage(2, "1", model_name="gpt-5.2", **counts),
            usage(1, "1", model_name=HOSTILE, **counts),
        ],
    )
    page = open_prices(monkeypatch, user)
    table = next(each.value for each in tables(page) if "at_mix" in each.value).set_index("model")
    assert [table.at["claude-opus-4-5", name] for name in ("input", "output", "at_mix")] == [
        "$5.00",
        "$25.00",
        "$10.00",
    ]
    assert set(table.index) == {"claude-opus-4-5", "gpt-5.2"}
    assert [table.at[model, "written"] for model in ("claude-opus-4-5", "gpt-5.2")] == ["$6.25", "$1.75"]
    assert "75% input, 0% read from a cache, 0% written to one, 25% output" in shown(page)
    [missing] = [each.value for each in page.caption if each.value.startswith("Without a list price")]
    assert missing.endswith(f": {escape_markdown(HOSTILE)}.")
    [chart] = page.get("plotly_chart")
    assert "claude-opus-4-5 $10.00" in chart.proto.alt


def test_price_list_has_models_without_tokens_but_no_plan(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(
        user,
        [
            usage(1, "3", model_name="gpt-5.2", input_tokens=75_000, output_tokens=25_000),
            usage(2, "1", model_name="gpt-5.2-pro"),
            usage(2, "20", model_name="Plus", charge_type="subscription"),
        ],
    )
    page = open_prices(monkeypatch, user)
    [table] = [each for each in tables(page) if "at_mix" in each.value]
    shown_tokens = shown_table(table).set_index("model")["tokens"]
    assert dict(shown_tokens) == {"gpt-5.2": "100K", "gpt-5.2-pro": "–"}  # noqa: RUF001 - an en dash
    assert not [each for each in page.caption if each.value.startswith("Without a list price")]


def test_price_list_tells_one_name_of_two_providers_apart(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    counts = {"model_name": "gpt-5.2", "input_tokens": 75_000, "output_tokens": 25_000}
    save(user, [usage(1, "3", **counts), usage(1, "1", provider="azure", **counts)])
    page = open_prices(monkeypatch, user)
    table = next(each.value for each in tables(page) if "at_mix" in each.value)
    assert set(table["model"]) == {"gpt-5.2 (OpenAI)", "gpt-5.2 (Azure)"}
    [chart] = page.get("plotly_chart")
    assert all(f"{name} $" in chart.proto.alt for name in table["model"])


def test_price_list_has_lines_for_phones(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "3", model_name="gpt-5.2", input_tokens=75_000, output_tokens=25_000)])
    lines = shown(open_prices(monkeypatch, user))
    assert "gpt-5.2\n" in lines
    assert read_markdown(lines).count("at your mix · $1.75 input") == 1


def test_without_tokens_there_is_no_price_list(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "3")])
    page = open_prices(monkeypatch, user)
    assert "Price list" not in shown(page)
    assert not page.get("plotly_chart")
