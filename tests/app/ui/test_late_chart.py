"""Charts that a page draws after its tables: their places are as high as they will be."""

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
import streamlit as st

from app.auth.identity import User
from app.ui import charts
from app.ui.late_chart import HEIGHTS, STYLE
from app.ui.theme import LIGHT
from tests.app.pages import open_page, save, usage


def test_places_are_as_high_as_their_charts() -> None:
    days = [datetime(2026, 11, day) for day in (1, 2)]  # noqa: DTZ001 - local days
    course = charts.Course(days, [charts.Band("a", "#111111", [1.0, 2.0])], None, "day", "money", "USD")
    months = pd.DataFrame({"Value": [1.0], "Paid": [2.0]}, index=pd.to_datetime(["2026-11-01"]))
    classes = charts.token_classes({"Output": {date(2026, 11, 1): 1.0}}, [date(2026, 11, 1)], LIGHT, "USD")
    drawn = {
        "course": [charts.stacked_bars(course, LIGHT), charts.lines(course, LIGHT)],
        "plan-months": [charts.pairs(months, LIGHT, "USD", is_monthly=True)],
        "token-classes": [classes],
    }
    assert {name: {figure.layout.height for figure in figures} for name, figures in drawn.items()} == {
        name: {height} for name, height in HEIGHTS.items()
    }
    for name, height in HEIGHTS.items():
        assert f".st-key-late-{name}{{min-height:{height}px}}" in STYLE


def test_table_is_sent_before_the_chart_above_it(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    sent: list[str] = []

    def note(name: str) -> None:
        draw = getattr(st, name)

        def noted(*arguments: Any, **options: Any) -> Any:
            sent.append(name)
            return draw(*arguments, **options)

        monkeypatch.setattr(st, name, noted)

    save(user, [usage(1, "2"), usage(2, "3", model_name="gpt-5.2-mini")])
    for name in ("dataframe", "plotly_chart"):
        note(name)
    page = open_page(monkeypatch, user, "explore")
    assert not page.exception
    assert sent == ["dataframe", "plotly_chart"]
    [place] = [element for element in page.main if element.type in ("arrow_data_frame", "plotly_chart")][:1]
    assert place.type == "plotly_chart"
