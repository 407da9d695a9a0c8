"""The Explore page: any question in the address, groups that filter, files, and the way to Records."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.data.analytics import _settings as settings
from app.data.saved_views import load_views
from app.figures.explore_view import ExploreView
from app.formats.dates import format_day
from app.ui.periods import EARLIEST_DAY, today_in
from app.ui.theme import LIGHT
from app.views.explore.answer import Answer, load_answer
from app.views.explore.chart_card import (
    cut_labels,
    label_months,
    lay_out_days,
    lay_out_hours,
    list_notes,
    make_course,
    make_tiles,
)
from app.views.explore.export_menu import list_rows, write_answer
from app.views.explore.records_link import explain_left_out, make_parameters
from tests.app.pages import metrics, open_dialog, open_page, read_markdown, save, shown, usage
from tests.app.projects import add_project, set_rules
from tests.app.ui.shown_table import shown_table, tables
from tests.app.wire import Wire

HOSTILE = "<b>x</b> ![x](http://x) :red[y]"


@pytest.fixture
def team(user: User) -> User:
    """$7.00: main with two models, an experiment, and what names no branch; the month before $2.00."""
    save(
        user,
        [
            usage(1, "3", model_name="opus", metadata={"branch": "main"}, request_count=4),
            usage(2, "1.5", model_name="haiku", metadata={"branch": "main"}),
            usage(1, "2", model_name="opus", metadata={"branch": "=try"}),
            usage(3, "0.5", model_name="haiku"),
            usage(40, "2", model_name="opus", metadata={"branch": "main"}),
        ],
    )
    return user


def open_explore(monkeypatch: pytest.MonkeyPatch, user: User, **address: Any) -> AppTest:
    page = open_page(monkeypatch, user, "explore", address)
    assert not page.exception
    return page


def asked(page: AppTest, parameter: str) -> list[str]:
    """The values of a parameter of the address."""
    found: Any = page.query_params.get(parameter, [])
    return [found] if isinstance(found, str) else list(found)


def rows(page: AppTest) -> dict[str, list[str]]:
    """The texts of the table by its columns."""
    return {
        str(name): list(texts) for name, texts in shown_table(tables(page)[0]).items() if name != "colour"
    }


def answer_of(user: User, **view: Any) -> Answer:
    st.cache_data.clear()
    return load_answer(user, ExploreView(**view), None, datetime.now(UTC).date())


def test_page_begins_with_the_spend_of_thirty_days_by_provider(
    monkeypatch: pytest.MonkeyPatch, team: User
) -> None:
    save(team, [usage(70, "1")])
    page = open_explore(monkeypatch, team)
    assert metrics(page) == {"Spend by provider": "$7.00"}
    assert page.metric[0].delta == "+250%"
    assert rows(page)["group_0"] == ["OpenAI"]
    assert rows(page)["change"] == ["+250%"]


def test_nothing_is_compared_with_days_before_the_first_record(
    monkeypatch: pytest.MonkeyPatch, team: User
) -> None:
    page = open_explore(monkeypatch, team)
    begins = today_in(data.load_preferences(team).zone) - timedelta(days=40)
    assert page.metric[0].delta == ""
    assert page.metric[0].proto.delta_description == f"vs $2.00, since {format_day(begins)} only"
    assert "change" not in rows(page)
    page = open_explore(monkeypatch, team, versus="year")
    assert (page.metric[0].delta, page.metric[0].proto.delta_description) == ("", "")


def test_address_asks_any_question(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_explore(monkeypatch, team, split=["branch", "model"], per="week", versus="nothing", top="10")
    table = rows(page)
    assert list(zip(table["group_0"], table["group_1"], table["value"], strict=True)) == [
        ("main", "opus", "$3.00"),
        ("=try", "opus", "$2.00"),
        ("main", "haiku", "$1.50"),
        ("No branch", "haiku", "$0.50"),
    ]
    assert rows(page)["share"] == ["43%", "29%", "21%", "7%"]
    assert "change" not in table
    page = open_explore(monkeypatch, team, measure="requests", split="branch", where="model:opus")
    assert rows(page)["value"][0] == "4"


@pytest.mark.parametrize("days", [("0001-01-01", "0001-01-10"), ("0001-01-01", "9999-12-31")])
@pytest.mark.parametrize("versus", ["before", "year"])
def test_days_that_no_one_can_choose_are_the_nearest_ones(
    monkeypatch: pytest.MonkeyPatch, team: User, days: tuple[str, str], versus: str
) -> None:
    page = open_explore(monkeypatch, team, **dict(zip(("from", "to"), days, strict=True)), versus=versus)
    shown_days: Any = page.date_input(key="explore_days").value
    first, last = shown_days
    assert first == EARLIEST_DAY
    assert last == (EARLIEST_DAY if days[1] < "2020" else today_in(data.load_preferences(team).zone))
    if last > first:
        assert metrics(page) == {"Spend by provider": "$9.00"}


def test_group_filters_what_is_shown_and_its_chip_takes_the_filter_away(
    monkeypatch: pytest.MonkeyPatch, team: User
) -> None:
    page = open_explore(monkeypatch, team, split=["branch", "model"])
    page.button(key="legend-0").click().run()
    assert not page.exception
    assert asked(page, "where") == ["branch:main", "model:opus"]
    assert metrics(page) == {"Spend by provider": "$3.00"}
    page.button(key="chip-model").click().run()
    assert metrics(page) == {"Spend by provider": "$4.50"}
    page.button(key="chip-all").click().run()
    assert metrics(page) == {"Spend by provider": "$7.00"}
    assert not page.exception


def test_group_without_a_value_filters_too(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_explore(monkeypatch, team, where="branch")
    assert metrics(page) == {"Spend by provider": "$0.50"}
    assert "No branch" in next(button.label for button in page.button if button.key == "chip-branch")


def test_line_of_the_list_leads_to_its_filter(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_explore(monkeypatch, team, split="branch")
    lines = "".join(str(each.proto.body) for each in page.get("html"))
    address = unescape(re.findall(r'<li><a class="tally-go" href="([^"]*)"', lines)[1])
    found = parse_qs(urlsplit(address).query)
    page = open_explore(monkeypatch, team, **found)
    assert not page.exception
    assert asked(page, "where") == ["branch:=try"]
    assert asked(page, "split") == []  # by provider, as on the page without parameters
    assert metrics(page) == {"Spend by provider": "$2.00"}


def test_fields_change_the_address(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_explore(monkeypatch, team)
    for key, value, parameter, expected in (
        ("explore_measure", "requests", "measure", ["requests"]),
        ("explore_first", "branch", "split", ["branch"]),
        ("explore_second", "model", "split", ["branch", "model"]),
        ("explore_per", "week", "per", ["week"]),
        ("explore_preset", "90D", "days", ["90D"]),
        ("explore_compared", "year", "versus", ["year"]),
        ("explore_top", 20, "top", ["20"]),
    ):
        page.selectbox(key=key).set_value(value).run()
        assert not page.exception, key
        assert asked(page, parameter) == expected
        assert page.selectbox(key=key).value == value
    page.selectbox(key="explore_preset").set_value("own").run()
    assert not page.exception
    today = today_in(data.load_preferences(team).zone)
    assert asked(page, "to") == [today.isoformat()]
    first = today - timedelta(days=2)
    page.date_input(key="explore_days").set_value((first, today)).run()
    assert asked(page, "from") == [first.isoformat()]


@pytest.mark.parametrize("chart", ["bars", "lines", "heatmap", "calendar", "treemap"])
def test_each_chart_shows_its_figures_to_screen_readers(
    monkeypatch: pytest.MonkeyPatch, team: User, chart: str
) -> None:
    page = open_explore(monkeypatch, team, chart=chart, split="branch")
    described = page.get("plotly_chart")[0].proto.alt
    assert described.startswith("Spend")
    assert "$" in described
    assert page.segmented_control(key="explore_chart_kind").value == chart


def test_menu_of_filters_offers_values_and_adds_what_is_chosen(
    monkeypatch: pytest.MonkeyPatch, team: User
) -> None:
    page = open_explore(monkeypatch, team)
    page.session_state["explore_filter_menu"] = True
    page.run()
    page.selectbox(key="explore_filter_by").set_value("branch").run()
    assert not page.exception
    assert [option.split(" · ")[0] for option in page.multiselect[0].options] == ["main", "=try", "No branch"]
    page.multiselect[0].set_value(["main", None]).run()
    page.button(key="explore_add_filter").click().run()
    assert not page.exception
    assert asked(page, "where") == ["branch:main", "branch"]
    assert metrics(page) == {"Spend by provider": "$5.00"}


def test_project_of_the_address_filters(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "2", metadata={"project": "shop"}), usage(1, "5")])
    set_rules(user, ("folder", "shop", add_project(user, "Garden shop")))
    page = open_explore(monkeypatch, user, project="garden-shop", split="project")
    assert metrics(page) == {"Spend by project": "$2.00"}
    assert rows(page)["group_0"] == ["Garden shop"]
    page = open_explore(monkeypatch, user, project="-")
    assert metrics(page) == {"Spend by provider": "$5.00"}


def test_records_open_with_the_same_days_and_filters(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_explore(monkeypatch, team, where=["model:opus", "branch:main"], days="7D")
    assert "Records cannot be filtered by branch" in shown(page)
    next(button for button in page.button if button.label == "Show 1 record").click().run()
    assert not page.exception
    assert page.title[0].value == "Records"
    assert page.selectbox(key="model").value == "opus"
    assert len(tables(page)[0].value) == 2  # those of the other branch too, as said


def test_a_page_without_records_says_where_to_begin(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    assert "fills with the first costs" in shown(open_explore(monkeypatch, user))


def test_filters_that_nothing_meets_say_so(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_explore(monkeypatch, team, where="model:nothing")
    assert "No costs match." in shown(page)
    page.button(key="chip-model").click().run()
    assert metrics(page) == {"Spend by provider": "$7.00"}


def test_unreachable_database_is_explained(monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    save(user, [usage(1, "1")])
    page = open_explore(monkeypatch, user)
    wire.cut()
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert "cannot be reached" in shown(page)


def test_hostile_names_are_text_in_chips_legend_and_lists(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(1, "3", model_name=HOSTILE), usage(1, "1")])
    page = open_explore(monkeypatch, user, split="model", where=[f"model:{HOSTILE}", "model:gpt-5.2"])
    labels = [button.label for button in page.button if button.key in ("chip-model", "legend-0")]
    assert len(labels) == 2
    for label in labels:
        assert HOSTILE in read_markdown(label)
        assert "](http" not in label


def test_a_day_of_the_calendar_has_its_amount(team: User) -> None:
    cells, ticks = lay_out_days(answer_of(team, chart="calendar"))
    assert len(cells) == 365
    assert sum(cell.value for cell in cells) == 9
    assert {row for _, row, *_ in cells} == set(range(7))
    assert len(ticks) in (11, 12, 13)


def test_a_calendar_names_each_part_of_its_columns() -> None:
    """No weeks without a name on their left, and no names one over the other."""
    assert label_months(date(2026, 3, 15), date(2026, 5, 20)) == [(0, "Mar"), (3, "Apr"), (7, "May")]
    assert label_months(date(2026, 3, 30), date(2026, 4, 30)) == [(0, "Apr")]
    assert label_months(date(2026, 3, 20), date(2026, 3, 21)) == [(0, "Mar")]
    long = label_months(date(2024, 2, 10), date(2026, 11, 30))
    assert long[:3] == [(0, "Feb 2024"), (8, "Apr 2024"), (21, "Jul 2024")]
    columns = [column for column, _ in long]
    assert all(after - before >= 6 for before, after in pairwise(columns))
    year = label_months(date(2025, 12, 1), date(2026, 11, 30))
    halves = [cut_labels(year, start, 27) for start in (0, 27)]
    assert [half[:2] for half in halves] == [[(0, "Dec"), (4, "Jan")], [(0, "Jun"), (3, "Jul")]]


def test_tiles_of_two_groupings_are_within_the_first(team: User) -> None:
    tiles = make_tiles(answer_of(team, chart="treemap", by=("branch", "model")), LIGHT)
    parents = {tile.name: tile.value for tile in tiles if not tile.parent}
    assert parents == {"main": 4.5, "=try": 2.0, "No branch": 0.5}
    [main] = [tile.key for tile in tiles if tile.name == "main"]
    assert sum(tile.value for tile in tiles if tile.parent == main) == 4.5


def test_values_of_one_name_have_tiles_of_their_own(team: User) -> None:
    answer = answer_of(team, chart="treemap", by=("branch", "model"))
    named_alike = [
        replace(group, keys=(replace(group.keys[0], label="same"), group.keys[1]))
        for group in answer.now.groups
    ]
    tiles = make_tiles(replace(answer, now=replace(answer.now, groups=tuple(named_alike))), LIGHT)
    assert sorted(tile.value for tile in tiles if not tile.parent) == [0.5, 2.0, 4.5]


def test_bars_of_the_period_before_stand_at_the_same_step(team: User) -> None:
    course = make_course(answer_of(team), LIGHT)
    assert course.earlier is not None
    assert len(course.earlier.values) == len(course.moments) == 30
    assert sum(value or 0 for value in course.earlier.values) == 2
    [band] = course.bands
    assert sum(value or 0 for value in band.values) == 7


def test_groups_keep_their_colours_when_filters_or_measures_change(team: User) -> None:
    seen: dict[str, dict[str, int]] = {}

    def colours(**view: Any) -> dict[str, str]:
        answer = answer_of(team, by=("branch",), **view).remember(seen)
        names = [group.label for group in answer.now.groups]
        return dict(zip(names, answer.colours(LIGHT), strict=True))

    everything = colours()
    assert len(set(everything.values())) == 3
    filtered = colours(filters=(("branch", ("=try", None)),), measure="requests")
    assert filtered == {name: everything[name] for name in filtered}
    assert colours(top=6, filters=(("model", ("haiku",)),))["No branch"] == everything["No branch"]


def test_a_view_says_when_what_it_filters_by_is_gone(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_explore(monkeypatch, team, where=[f"project:{UUID(int=5)}", "branch:main"])
    assert "No longer here, or not yours to see: a project." in shown(page)
    page.button(key="chip-project").click().run()
    assert "No longer here" not in shown(page)
    assert metrics(page) == {"Spend by provider": "$4.50"}


def test_overlapping_tags_and_missing_prices_are_said(user: User) -> None:
    save(user, [usage(1, "3", metadata={"tags": ["a", "b"]}), usage(1, None, cost_basis="estimated")])
    notes = " ".join(list_notes(answer_of(user, by=("tag",))))
    assert "groups add up to more than the total" in notes
    assert "1 record has no price yet and counts as nothing here." in notes


def test_a_caption_says_which_engine_answered_and_why(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    """The engine that is named here is nowhere, and Postgres knows of none."""
    monkeypatch.setenv("TALLY_CLICKHOUSE_URL", "http://127.0.0.1:9/tally")
    monkeypatch.setenv("TALLY_ANALYTICS", "clickhouse")
    settings.cache_clear()
    try:
        answer = answer_of(team, by=("branch",))
    finally:
        settings.cache_clear()
    assert answer.now.total.value == 7
    assert list_notes(answer) == [
        "Answered by Postgres. The analytics engine has no rows yet. Run `tally analytics rebuild`."
    ]
    assert not answer.has_archived


def test_what_has_a_day_but_no_hour_is_in_no_hour_and_a_caption_says_so(user: User) -> None:
    """A list with dates is no usage of noon."""
    nine = datetime.now(UTC).replace(hour=9) - timedelta(days=2)
    noon = nine.replace(hour=12, minute=0, second=0, microsecond=0)
    save(user, [usage(2, "12", timestamp=noon, day=noon.date()), usage(2, "3", timestamp=nine)])
    said = "$12.00 has a day but no hour, and is not in this chart."
    heatmap = answer_of(user, chart="heatmap")
    assert [(cell.column, cell.value) for cell in lay_out_hours(heatmap) if cell.value] == [(9, 3)]
    assert list_notes(heatmap) == [said]
    by_hour = answer_of(user, per="hour", preset="7D")
    [band] = make_course(by_hour, LIGHT).bands
    assert sum(value or 0 for value in band.values) == 3
    assert list_notes(by_hour) == [said]
    steps = {step[-5:]: value for step, value in list_rows(by_hour)[["step", "value"]].to_numpy()}
    assert steps == {"09:00": "3", " only": "12"}
    by_day = answer_of(user, per="day", preset="7D")
    assert max(value or 0 for value in make_course(by_day, LIGHT).bands[0].values) == 15
    assert not list_notes(by_day)


def test_files_have_the_figures_and_no_formula(team: User) -> None:
    answer = answer_of(team, by=("branch",))
    table = pd.read_csv(io.BytesIO(write_answer(answer, "csv")), dtype=str, keep_default_na=False)
    assert set(table["branch"]) == {"main", "'=try", "No branch"}
    assert sum(Decimal(value) for value in table["value"]) == 7
    assert set(table["unit"]) == {"USD"}
    exact = pd.read_parquet(io.BytesIO(write_answer(answer, "parquet")))
    assert set(exact["branch"]) == {"main", "=try", "No branch"}
    whole = list_rows(answer_of(team, chart="treemap", by=("branch", "model")))
    assert list(whole["step"].unique()) == ["period"]
    assert len(whole) == 4


def test_records_tells_what_it_cannot_filter(team: User) -> None:
    assert explain_left_out(answer_of(team, filters=(("provider", ("openai",)),))) == ""
    several = explain_left_out(answer_of(team, filters=(("model", ("opus", "haiku")),)))
    assert several.startswith("Records cannot be filtered by model")
    session = answer_of(team, filters=(("session", ("it's",)), ("model", ("opus",))))
    assert explain_left_out(session) == ""
    address = make_parameters(team, session)
    assert (address["session"], address["model"]) == ("it's", "opus")
    assert "session" in explain_left_out(answer_of(team, filters=(("session", (None,)),)))


def open_views(page: AppTest) -> AppTest:
    """The menu of saved views, open."""
    page.session_state["explore_views_menu"] = True
    return page.run()


def test_views_are_saved_opened_renamed_and_deleted(monkeypatch: pytest.MonkeyPatch, team: User) -> None:
    page = open_views(open_explore(monkeypatch, team, split="branch", where="model:opus"))
    page.text_input(key="explore_views_name").set_value("Branches of opus").run()
    page.button(key="save_view").click().run()
    assert not page.exception
    assert "Saved “Branches of opus”." in read_markdown("\n".join(each.value for each in page.success))
    [saved] = load_views(team)

    page = open_views(open_explore(monkeypatch, team))
    page.button(key=f"view-{saved.view_id}").click().run()
    assert not page.exception
    assert asked(page, "where") == ["model:opus"]
    assert metrics(page) == {"Spend by branch": "$5.00"}

    page = open_views(page)
    page.text_input(key="explore_views_name").set_value(HOSTILE).run()
    page.button(key="rename_view").click().run()
    assert not page.exception
    [renamed] = load_views(team)
    assert (renamed.name, renamed.query) == (HOSTILE, saved.query)
    assert not any("](http" in button.label for button in page.button)

    dialog = open_dialog(monkeypatch, team, "app.views.explore.saved_views:confirm_deletion", renamed)
    dialog.button(key="danger-confirm").click().run()
    assert load_views(team) == []


def test_saved_view_keeps_the_project_that_it_was_saved_in(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(1, "2", metadata={"project": "shop"}), usage(1, "5")])
    set_rules(user, ("folder", "shop", add_project(user, "Garden shop")))
    page = open_views(open_explore(monkeypatch, user, project="garden-shop"))
    page.text_input(key="explore_views_name").set_value("Shop").run()
    page.button(key="save_view").click().run()
    [saved] = load_views(user)
    page = open_views(open_explore(monkeypatch, user))
    page.button(key=f"view-{saved.view_id}").click().run()
    assert metrics(page) == {"Spend by provider": "$2.00"}
    assert "Garden shop" in next(button.label for button in page.button if button.key == "chip-project")
