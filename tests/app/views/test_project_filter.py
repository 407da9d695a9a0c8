"""The project filter of the pages, and spend by project."""

from typing import Any

import psycopg
import pytest

from app import data
from app.auth.identity import User
from app.figures.spend import calculate_spend
from tally.storage.unnamed import UNASSIGNED
from tests.app.nightly_runs import add_nightly_run
from tests.app.pages import hero, metrics, open_page, period_spend, save, shown, usage
from tests.app.projects import add_project, archive, set_rules
from tests.app.ui.shown_table import shown_table, tables
from tests.days import current_day


@pytest.fixture
def shop(user: User) -> str:
    """A project with $2 of the $7 of spend."""
    save(user, [usage(1, "2", metadata={"project": "shop"}), usage(1, "5")])
    shop = add_project(user, "Garden shop")
    set_rules(user, ("folder", "shop", shop))
    return shop


def test_daily_costs_are_those_of_the_project(user: User, shop: str) -> None:
    def total(project: str | None) -> object:
        return calculate_spend(data.load_daily(user, None, None, project)).total

    assert [total(project) for project in (None, shop, UNASSIGNED)] == [7, 2, 5]


def test_workspace_without_projects_has_no_filter(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "2")])

    page = open_page(monkeypatch, user)

    assert "All projects" not in [option for box in page.selectbox for option in box.options]
    assert "Spend by project" not in shown(page)


@pytest.mark.usefixtures("shop")
def test_overview_shows_the_project_of_the_address(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user)
    assert "Spend by project" in shown(page)
    assert period_spend(page) == "$7.00"

    page.selectbox(key="chosen_project").set_value("garden-shop").run()

    assert not page.exception
    assert period_spend(page) == "$2.00"
    assert "Spend by project" not in shown(page)
    assert page.query_params["project"] == "garden-shop"


@pytest.mark.parametrize("name", ["records", "forecast"])
@pytest.mark.usefixtures("shop")
def test_choice_is_kept_on_other_pages(monkeypatch: pytest.MonkeyPatch, user: User, name: str) -> None:
    page = open_page(monkeypatch, user)
    page.selectbox(key="chosen_project").set_value("garden-shop").run()

    page.switch_page(f"views/{name}/page.py").run()

    assert not page.exception
    assert page.selectbox(key="chosen_project").value == "garden-shop"
    if name == "records":
        assert shown_table(tables(page)[0])["cost"].tolist() == ["$2.00"]
    else:
        assert "No forecast yet" in shown(page)
        assert metrics(page)["Last 30 days"] == "$2.00"


def test_forecast_of_the_project_is_shown(
    monkeypatch: pytest.MonkeyPatch, user: User, shop: str, job: psycopg.Connection[Any]
) -> None:
    add_nightly_run(job, user, current_day())
    for table in ("forecast_results", "forecast_totals"):
        job.execute(
            f"update public.{table} set project_id = %s where workspace_id = %s", [shop, user.user_id]
        )
    page = open_page(monkeypatch, user, "forecast")
    assert "Month end" not in metrics(page)

    page.selectbox(key="chosen_project").set_value("garden-shop").run()

    assert not page.exception
    assert metrics(page)["Month end"] == "$70.50"
    assert "likely $71" in hero(page.switch_page("views/overview/page.py").run())


@pytest.mark.usefixtures("shop")
def test_unassigned_records_are_an_option(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "records")
    page.selectbox(key="chosen_project").set_value("-").run()

    assert shown_table(tables(page)[0])["cost"].tolist() == ["$5.00"]


@pytest.mark.usefixtures("shop")
def test_unknown_project_in_the_address_shows_all(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "records")
    page.session_state["project"] = "of-another-workspace"
    page.run()

    assert len(tables(page)[0].value) == 2


def test_archived_project_is_an_option_only_if_it_has_costs(
    monkeypatch: pytest.MonkeyPatch, user: User, shop: str
) -> None:
    for project in (shop, add_project(user, "Never used")):
        archive(user, project)

    options = open_page(monkeypatch, user).selectbox(key="chosen_project").options

    assert options == ["All projects", "Garden shop (archived)", "Unassigned"]
