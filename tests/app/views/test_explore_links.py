"""The Overview leads into Explore: each card to its own question, for the same days and project."""

from datetime import date
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from app.auth.identity import User
from app.figures.explore_view import ExploreView
from app.parts.explore_links import view_of
from app.ui.periods import OWN_DAYS, Period, preset_period
from tests.app.pages import metrics, open_page, read_bars, read_models, save, usage
from tests.app.projects import add_project, set_rules

TODAY = date(2026, 11, 29)


@pytest.fixture
def shop(user: User) -> User:
    """$2 of a project and $5 of none, by one agent."""
    save(user, [usage(1, "2", metadata={"project": "shop", "agent": "codex"}), usage(1, "5")])
    set_rules(user, ("folder", "shop", add_project(user, "Garden shop")))
    return user


def follow(page: AppTest, card: str) -> AppTest:
    """The page that the button of a card opens."""
    page.button(key=f"explore-{card}").click().run()
    assert not page.exception
    assert page.title[0].value == "Explore"
    return page


@pytest.mark.parametrize(
    ("card", "title"),
    [
        ("daily-spend", "Spend by provider"),
        ("top-models", "Spend by model"),
        ("spend-by-provider", "Spend by provider and model"),
        ("spend-by-project", "Spend by project"),
        ("what-it-was-for", "Spend by agent"),
    ],
)
def test_card_opens_its_question(monkeypatch: pytest.MonkeyPatch, shop: User, card: str, title: str) -> None:
    page = open_page(monkeypatch, shop, address={"range": "90D", "by": "Agent"})
    page = follow(page, card)
    assert metrics(page) == {title: "$7.00"}
    assert page.selectbox(key="explore_preset").value == "90D"


def test_chosen_project_goes_along(monkeypatch: pytest.MonkeyPatch, shop: User) -> None:
    page = follow(open_page(monkeypatch, shop, address={"project": "garden-shop"}), "top-models")
    assert metrics(page) == {"Spend by model": "$2.00"}


@pytest.mark.parametrize("preset", ["7D", "30D", "90D", "1Y", "All", "This month", "Last month"])
def test_preset_stays_a_preset(preset: str) -> None:
    assert view_of(preset_period(preset, TODAY), "model") == ExploreView(by=("model",), preset=preset)


def test_own_days_stay_those_days() -> None:
    days = date(2026, 3, 1), date(2026, 3, 9)
    assert view_of(Period(*days, OWN_DAYS)) == ExploreView(by=(), days=days)


def open_address(monkeypatch: pytest.MonkeyPatch, user: User, address: str) -> AppTest:
    """The page that a link opens."""
    path, _, query = address.partition("?")
    assert path == "/explore"
    page = open_page(monkeypatch, user, "explore", dict(parse_qsl(query)))
    assert not page.exception
    return page


def test_every_name_of_a_list_is_a_link_to_its_costs_of_the_same_days(
    monkeypatch: pytest.MonkeyPatch, shop: User
) -> None:
    save(shop, [usage(2, "4", model_name='a&b="<i>#?%2F+ é', metadata={"agent": "codex"})])
    page = open_page(monkeypatch, shop, address={"range": "90D", "by": "Agent"})
    lists = dict(read_bars(page))
    assert [name for name, _, _ in lists["Spend by project"]] == ["Garden shop", "Unassigned"]
    for name, amount, address in [*read_models(page), *(bar for bars in lists.values() for bar in bars)]:
        if name == "No agent":
            assert not address
            continue
        found = open_address(monkeypatch, shop, address)
        assert list(metrics(found).values()) == [amount], name
        assert found.selectbox(key="explore_preset").value == "90D"
