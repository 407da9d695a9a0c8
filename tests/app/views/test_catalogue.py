"""The Catalogue page: search, filters, the order, details, comparison, and the workspace's own models."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from tally.pricing.custom_models import CustomModel, load_custom_models
from tests.app.pages import open_dialog, open_page, read_markdown, save, shown, usage
from tests.app.ui.shown_table import tables

HOSTILE = "![x](http://127.0.0.1:1/x) :red[x] <b>$x$</b>"


def open_catalogue(monkeypatch: pytest.MonkeyPatch, user: User, **address: str) -> AppTest:
    """The page at an address."""
    page = open_page(monkeypatch, user, "catalogue", address)
    assert not page.exception, page.exception
    return page


def rows(page: AppTest, table: int = 0) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [
        {str(name): cell for name, cell in row.items()}
        for row in tables(page)[table].value.to_dict("records")
    ]


def add_own(user: User, name: str, base: str | None = None, note: str = "") -> None:
    """Add a model of OpenAI to the workspace."""
    providers = {provider.slug: provider.provider_id for provider in data.load_providers(user)}
    database_of(user).insert(
        "custom_models", CustomModel("openai", name, base, note).to_json(providers["openai"])
    )


def test_a_new_account_searches_all_models_at_a_usual_mix(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = open_catalogue(monkeypatch, user)
    text = read_markdown(shown(page))
    assert "75% input and 25% output, until you have tokens of your own" in text
    assert len(rows(page)) == 25
    page.button(key="show-more").click().run()
    assert len(rows(page)) == 50
    assert "Catalogue of" in text
    page.text_input(key="q").set_value("cluade sonet 4.5").run()
    assert not page.exception
    [first, *_] = rows(page)
    assert (first["model"], first["provider"]) == ("claude-sonnet-4-5", "Anthropic")
    assert first["at_mix"] == "$6.00"
    page.text_input(key="q").set_value(HOSTILE + "zzzz").run()
    assert not page.exception
    assert "No model is like this." in shown(page)


def test_filters_and_the_order_are_those_of_the_address(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    tokens = {"input_tokens": 900, "output_tokens": 100, "cost_basis": "estimated"}
    save(user, [usage(2, "1.5", **tokens), usage(3, "4", model_name="gpt-5-mini", **tokens)])
    page = open_catalogue(monkeypatch, user, provider="OpenAI", can="Used by me", order="Cheapest at my mix")
    found = rows(page)
    assert [row["model"] for row in found] == ["gpt-5-mini", "gpt-5.2"]
    assert [row["used"] for row in found] == ["$4.00", "$1.50"]
    assert found[1]["at_mix"] == "$2.98", "0.9 * 1.75 + 0.1 * 14"
    assert "my mix of 90 days: 90% input" in read_markdown(shown(page))
    page = open_catalogue(monkeypatch, user)
    assert [row["model"] for row in rows(page)][:2] == ["gpt-5-mini", "gpt-5.2"]
    page = open_catalogue(monkeypatch, user, kind="Embeddings", price="Up to $0.50")
    assert all("embed" in row["model"] or float(row["at_mix"][1:]) <= 0.5 for row in rows(page))


def test_two_models_are_compared_with_what_retires(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    chosen = ["claude-sonnet-4-5 · Anthropic", "gpt-5.2 · OpenAI"]
    page = open_catalogue(monkeypatch, user)
    page.text_input(key="q").set_value("claude sonnet 4.5").run()
    page.multiselect(key="compare").set_value(chosen[:1]).run()
    assert not page.exception
    assert "Prices by tier" in "\n".join(str(each.value) for each in page.subheader)
    assert "claude-sonnet-4-5-20250929" in read_markdown(shown(page))
    page = open_catalogue(monkeypatch, user, compare=chosen[0])
    assert page.multiselect(key="compare").value == chosen[:1]
    page.text_input(key="q").set_value("gpt-5.2").run()
    assert page.multiselect(key="compare").value == chosen[:1], "another search keeps what was chosen"
    assert "gemini-3-pro · Google" in page.multiselect(key="compare").options, (
        "found by no word of the search"
    )
    page.multiselect(key="compare").set_value(chosen).run()
    assert not page.exception
    facts = {row["fact"]: row for row in rows(page, 1)}
    assert (facts["Input"]["model_0"], facts["Input"]["model_1"]) == ("$3.00", "$1.75")
    assert facts["Input"]["difference"] == "42% less"
    assert facts["Batch"]["difference"] == "same"
    assert "claude-sonnet-5-5" in str(page.warning[0].value).replace("\\", "")


def test_both_prices_are_shown_where_the_lists_differ(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_catalogue(monkeypatch, user, compare="o3 · OpenAI")
    assert len(page.get("plotly_chart")) == 1, "its price changed, and has a course"
    page = open_catalogue(monkeypatch, user, compare="gemini-2.0-flash · Google")
    assert len(page.get("plotly_chart")) == 0
    all_tables = [frame.value for frame in tables(page)]
    [differences] = [table for table in all_tables if "litellm" in table.columns]
    found = {row["class"]: row for row in differences.to_dict("records")}
    assert (found["Input"]["genai-prices"], found["Input"]["litellm"]) == ("$0.10", "$0.15")


def test_own_models_are_found_with_their_base_and_stay_text(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    add_own(user, "ft:gpt-4o:acme::1", "gpt-4o")
    add_own(user, HOSTILE, None, HOSTILE)
    page = open_catalogue(monkeypatch, user, compare="ft:gpt-4o:acme::1 · OpenAI")
    text = read_markdown(shown(page))
    assert "Made from gpt-4o. List price of models that are fine-tuned from it: $3.75 input" in text
    assert "No list has a price of this model." in text
    assert HOSTILE not in shown(page)
    assert {row["model"] for row in rows(page, len(tables(page)) - 1)} == {"ft:gpt-4o:acme::1", HOSTILE}


def test_an_own_model_is_added_and_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    def fill(name: str, base: str) -> AppTest:
        dialog = open_dialog(monkeypatch, user, "app.views.catalogue.own_models:edit_model", None)
        slugs = [provider.slug for provider in data.load_providers(user)]
        dialog.selectbox[0].select_index(slugs.index("openai"))
        for field, text in zip(dialog.text_input, (name, base, ""), strict=True):
            field.set_value(text)
        return dialog.button[0].click().run()

    fill(" ft:gpt-4o:acme::1 ", "gpt-4o")
    assert load_custom_models(database_of(user))[0].model_name == "ft:gpt-4o:acme::1"
    for name, base, said in (
        ("ft:gpt-4o:acme::1", "", "This model is there already."),
        ("same", "same", "A model is not made from itself."),
        ("  ", "", "Choose a provider and enter the model's name"),
    ):
        refused = fill(name, base)
        assert said in str(refused.error[0].value).replace("\\", "")
    assert len(load_custom_models(database_of(user))) == 1
