"""Prices: a name that no list has is explained once, and the way back."""

from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.views.prices.model_names import list_known_models
from tally.core.records import CostRecord
from tally.pricing.model_aliases import ModelAlias
from tests.app.pages import open_dialog, open_page, save, shown, usage
from tests.app.ui.shown_table import tables

NAMES = "app.views.prices.model_names"
HOSTILE = "![x](http://127.0.0.1:1/x) :red[x] <b>$x$</b>"


def deployed(days_ago: int, name: str = "my-gpt-prod", provider: str = "azure") -> CostRecord:
    return usage(
        days_ago, None, provider=provider, model_name=name, cost_basis="estimated", input_tokens=1_000_000
    )


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception, page.exception
    return page


def records(user: User) -> list[tuple[str, Decimal | None]]:
    data.forget_version(user)
    rows = data.load_records_page(user, data.RecordFilter(), 1, "UTC")
    return [(row["model_name"], row["cost_usd"] and Decimal(row["cost_usd"])) for row in rows]


@pytest.mark.parametrize("name", ["my-gpt-prod", HOSTILE])
def test_a_name_is_explained_once_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, user: User, name: str
) -> None:
    save(user, [deployed(1, name)])
    before = records(user)
    [unpriced] = data.load_unpriced_models(user)
    dialog = open_dialog(monkeypatch, user, f"{NAMES}:ask_for_model", unpriced)
    assert next(button for button in dialog.button if button.label == "Save and reprice").disabled
    dialog.selectbox[0].select("gpt-4o").run()
    press(dialog, "Save and reprice")
    assert dialog.session_state["announcement"] == (
        f"{name} is gpt-4o from now on. 1 record renamed, 1 estimate repriced."
    )
    assert records(user) == [("gpt-4o", Decimal("2.5"))]
    assert data.load_unpriced_models(user) == []
    save(user, [deployed(2, name)])
    assert records(user) == [("gpt-4o", Decimal("2.5"))] * 2

    page = open_page(monkeypatch, user, "prices")
    assert not page.exception
    [table] = [frame.value for frame in tables(page) if "name" in frame.value.columns]
    assert table.iloc[0].to_dict() == {"name": name, "provider": "Azure", "model": "gpt-4o"}
    assert HOSTILE not in shown(page)

    [alias] = data.load_model_aliases(user)
    press(open_dialog(monkeypatch, user, f"{NAMES}:confirm_deletion", alias), "Delete name")
    assert records(user) == before * 2
    assert data.load_model_aliases(user) == []


def test_the_card_of_names_appears_with_the_first(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [deployed(1)])
    page = open_page(monkeypatch, user, "prices")
    assert "Names of models" not in "".join(str(element.value) for element in page.markdown)
    labels = [button.label for button in page.button]
    assert "Name the model" in labels
    assert "Delete name" not in labels


def test_models_with_custom_prices_can_be_chosen_too(user: User) -> None:
    known = list_known_models(user, "azure")
    assert {"gpt-4o", "gpt-5.4"} <= set(known)
    assert known == sorted(set(known))


def test_an_alias_names_its_provider(user: User) -> None:
    from app.auth.identity import database_of
    from tally.pricing.naming import name_model

    name_model(database_of(user), "azure", "my-gpt-prod", "gpt-4o")
    save(user, [deployed(1, provider="openai")])
    assert data.load_model_aliases(user) == [ModelAlias("azure", "my-gpt-prod", "gpt-4o")]
    assert records(user) == [("my-gpt-prod", None)]


def test_records_show_their_own_name(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    from app.auth.identity import database_of
    from tally.pricing.naming import name_model

    save(user, [deployed(1)])
    page = open_page(monkeypatch, user, "records")
    assert "named" not in tables(page)[0].value.columns
    name_model(database_of(user), "azure", "my-gpt-prod", "gpt-4o")
    page = open_page(monkeypatch, user, "records")
    assert list(tables(page)[0].value["named"]) == ["my-gpt-prod"]
