"""Charts: figures in the colours of the theme, with names as text."""

import re
from datetime import date, timedelta
from math import log10
from urllib.parse import unquote

import pandas as pd
import pytest

from app.figures.scorecard import Bar
from app.ui import bar_list, charts
from app.ui.agent_markup import draw_line
from app.ui.theme import DARK, LIGHT
from tests.app.figures.test_agent_session import read, request
from tests.every_case import every_case

LAST = date(2026, 11, 20)


def money(days: int, providers: list[str]) -> pd.DataFrame:
    """A dollar per day for each provider, two for the first."""
    lines = [
        {
            "date": pd.Timestamp(LAST - timedelta(days=ago)),
            "provider": name,
            "cost": 2.0 if place == 0 else 1.0,
        }
        for ago in range(days)
        for place, name in enumerate(providers)
    ]
    return pd.DataFrame(lines)


def ahead(days: int = 30) -> pd.DataFrame:
    first = pd.Timestamp(LAST) + pd.Timedelta(days=1)
    bounds = {"predicted": 2.0, "lower_80": 1.0, "upper_80": 3.0, "lower_95": 0.5, "upper_95": 4.0}
    return pd.DataFrame({"date": pd.date_range(first, periods=days), **bounds})


def test_money_has_the_symbol_of_the_currency() -> None:
    bars = charts.daily_spend(money(3, ["openai"]), charts.Context(ahead()), {}, LIGHT, "JPY")
    assert "%{y:$,.0f}" in bars.data[0].hovertemplate
    locale = charts.config("JPY")["locales"]["money"]["format"]
    assert locale == {"currency": ["¥", ""]}


@every_case([(1, 0, 1), (3, 0, 1), (2, 4, 1), (7, 0, None), (2, 5, None)])
def test_a_chart_of_few_days_labels_each_day_once(days: int, ahead_days: int, tick_days: int | None) -> None:
    figure = charts.daily_spend(money(days, ["openai"]), charts.Context(ahead(ahead_days)), {}, LIGHT, "USD")
    assert figure.layout.xaxis.dtick == (tick_days and tick_days * 24 * 3600 * 1000)


def test_bars_are_stacked_by_provider_and_followed_by_ribbons() -> None:
    figure = charts.daily_spend(
        money(30, ["openai", "xai"]), charts.Context(ahead()), {"openai": "OpenAI"}, LIGHT, "USD"
    )

    names = ["OpenAI", "xai", "Total", "95% range", "80% range", "Likely"]
    assert [trace.name for trace in figure.data] == names
    assert figure.data[0].y.sum() == 60
    assert figure.layout.hovermode == "x unified"


def test_the_legend_of_daily_spend_names_all_but_the_total() -> None:
    figure = charts.daily_spend(
        money(30, ["openai", "R<D"]), charts.Context(ahead()), {"openai": "OpenAI"}, LIGHT, "USD"
    )

    legend = dict(charts.list_legend(figure))
    assert list(legend) == ["OpenAI", "R<D", "95% range", "80% range", charts.LIKELY]
    assert (legend["OpenAI"], legend[charts.LIKELY]) == (LIGHT.series[0], LIGHT.accent)
    assert not figure.layout.showlegend, "the page draws it: Plotly's scrolls on phones"


def test_axes_of_estimates_have_round_numbers() -> None:
    rows = [
        charts.Estimate("v2", 0.0851, 0.0828, 0.0875, "#000"),
        charts.Estimate("v3", 0.064, 0.0603, 0.068, "#111"),
    ]
    axis = charts.estimates(rows, "{:.3f}".format, LIGHT).layout.xaxis
    assert axis.ticktext == ("0.070", "0.080")
    same = [charts.Estimate("v1", 2.0, 2.0, 2.0, "#000")]
    assert charts.estimates(same, "{:.0f}".format, LIGHT).layout.xaxis.ticktext == ("2",)


def test_hover_has_weekday_total_with_currency_and_the_range_of_a_prediction() -> None:
    figure = charts.daily_spend(money(3, ["openai", "xai"]), charts.Context(ahead()), {}, LIGHT, "EUR")
    assert figure.layout.xaxis.hoverformat == "%A, %-d %b %Y"
    assert set(figure.data[2].customdata) == {"€3.00 EUR"}
    assert figure.data[5].customdata[0] == "€1.00 to €3.00"
    assert "80% range %{customdata}" in figure.data[5].hovertemplate


def test_days_without_spend_have_no_row_of_zero_in_the_hover() -> None:
    frame = money(3, ["openai"]).assign(cost=[2.0, 0.0, 1.0])
    figure = charts.daily_spend(frame, charts.Context(), {}, LIGHT, "USD")
    assert pd.isna(figure.data[0].y).tolist() == [False, True, False]
    assert list(figure.data[1].customdata) == ["$1.00 USD", "nothing spent", "$2.00 USD"]


def test_earlier_bars_stand_behind_and_outside_the_stack() -> None:
    frame = money(7, ["openai"])
    days = pd.date_range(frame["date"].min(), periods=7)
    earlier = charts.Earlier(pd.Series(3.0, index=days), "<b>October")
    figure = charts.daily_spend(frame, charts.Context(earlier=earlier), {}, LIGHT, "USD")
    ghost, bars = figure.data[:2]
    assert (ghost.name, ghost.base) == ("&lt;b&gt;October", 0)
    assert round(bars.width / ghost.width, 2) == round(0.5 / 0.86, 2)
    nothing = charts.Context(earlier=charts.Earlier(pd.Series(0.0, index=days), "October"))
    assert charts.daily_spend(frame, nothing, {}, LIGHT, "USD").data[0].name == "openai"


def test_providers_beyond_the_palette_become_other() -> None:
    names = [f"provider-{n}" for n in range(9)]
    figure = charts.daily_spend(money(5, names), charts.Context(), {}, LIGHT, "USD")

    assert len(figure.data) == len(LIGHT.series) + 2
    assert figure.data[-2].name == "Other"
    assert figure.data[-2].y.sum() == 15


def test_long_periods_are_daily_means_of_weeks() -> None:
    figure = charts.daily_spend(money(364, ["openai"]), charts.Context(), {}, LIGHT, "USD")

    assert 52 <= len(figure.data[0].x) <= 53
    assert set(figure.data[0].y) == {2.0}


def test_well_known_provider_keeps_its_colour() -> None:
    alone = charts.series_colours(["anthropic"], LIGHT)
    among = charts.series_colours(["xai", "openai", "anthropic"], LIGHT)

    assert alone["anthropic"] == among["anthropic"]
    assert len(set(among.values())) == 3


def test_dark_theme_changes_the_colours() -> None:
    light, dark = (
        charts.daily_spend(money(3, ["openai"]), charts.Context(ahead()), {}, p, "USD") for p in (LIGHT, DARK)
    )

    assert light.data[0].marker.color != dark.data[0].marker.color
    assert light.layout.font.color != dark.layout.font.color


@every_case([(name,) for name in ["<b>x</b>", '<a href="javascript:x">y</a>', "a<br>b", "&lt;b&gt;"]])
def test_names_are_text_in_plotly(name: str) -> None:
    stacked = charts.daily_spend(money(3, [name]), charts.Context(), {}, LIGHT, "USD")
    bars = charts.shares([Bar(name, 0.5)], LIGHT)

    texts = [stacked.data[0].name, *(note.text for note in bars.layout.annotations)]
    assert not any("<" in text for text in texts)


def test_credits_make_a_bar_negative() -> None:
    frame = money(3, ["openai"]).assign(cost=[-5.0, 1.0, 1.0])

    assert min(charts.daily_spend(frame, charts.Context(), {}, LIGHT, "USD").data[0].y) == -5


def test_credits_have_no_bar_in_a_list() -> None:
    shown = bar_list.render_bars([bar_list.Bar("OpenAI", "\N{MINUS SIGN}$3.00", -1.0, "red")], LIGHT, "Spend")
    assert "width:0.0%" in shown
    assert "\N{MINUS SIGN}$3.00" in shown


def test_single_day_has_a_chart() -> None:
    assert len(charts.daily_spend(money(1, ["openai"]), charts.Context(), {}, LIGHT, "USD").data[0].x) == 1
    assert charts.forecast_ribbons(pd.Series(dtype=float), ahead(1), LIGHT, "USD").data


def test_single_month_is_labelled_by_its_name() -> None:
    values = pd.DataFrame({"Worth": [1.0], "Paid": [2.0]}, index=pd.to_datetime(["2026-03-01"]))
    figure = charts.pairs(values, LIGHT, "USD", is_monthly=True)
    assert figure.layout.xaxis.tickformat == "%b<br>%Y"
    assert [str(tick)[:10] for tick in figure.layout.xaxis.tickvals] == ["2026-03-01"]


def test_bars_of_months_without_payments_stand_on_their_labels() -> None:
    index = pd.to_datetime(["2026-03-01", "2026-04-01"])
    unpaid = pd.DataFrame({"Value": [1.0, 2.0], "Paid": [0.0, 0.0]}, index=index)
    figure = charts.pairs(unpaid, LIGHT, "USD", is_monthly=True)
    assert [bar.name for bar in figure.data] == ["Value"]
    assert figure.layout.showlegend, "one kind of bars is named too"
    unused = charts.pairs(
        unpaid[["Paid", "Value"]].set_axis(unpaid.columns, axis=1), LIGHT, "USD", is_monthly=True
    )
    assert [bar.marker.color for bar in unused.data] == [LIGHT.other], "each kind keeps its colour"
    assert len(charts.pairs(unpaid * 0, LIGHT, "USD", is_monthly=True).data) == 2


def test_every_other_month_of_a_year_is_labelled() -> None:
    index = pd.date_range("2025-04-01", periods=12, freq="MS")
    values = pd.DataFrame({"Worth": [1.0] * 12, "Paid": [2.0] * 12}, index=index)
    ticks = charts.pairs(values, LIGHT, "USD", is_monthly=True).layout.xaxis.tickvals
    assert len(ticks) == 6
    assert str(ticks[0])[:10] == "2026-03-01", "the newest is labelled"


@pytest.mark.parametrize("count", [1, 3])
def test_equal_traces_are_in_the_middle_of_their_chart(count: int) -> None:
    points = [(500_000, 0.002, "ok")] * count
    figure = charts.trace_scatter(points, [("p50", 500_000), ("p95", 500_000)], LIGHT)
    for axis, value in ((figure.layout.xaxis, 500_000), (figure.layout.yaxis, 0.002)):
        low, high = axis.range
        assert high - low == pytest.approx(2)
        assert (low + high) / 2 == pytest.approx(log10(value))


def test_all_traces_and_percentiles_are_within_their_chart() -> None:
    points = [(0, 1e-6, "ok"), (2_000_000_000, 40.0, "error"), (7_000, None, "ok")]
    figure = charts.trace_scatter(points, [("p99", 9_000_000_000)], LIGHT)
    for axis, values in ((figure.layout.xaxis, (1, 9_000_000_000)), (figure.layout.yaxis, (1e-6, 40.0))):
        assert axis.range[0] < log10(values[0])
        assert log10(values[1]) < axis.range[1]


def test_traces_without_costs_have_a_chart() -> None:
    assert charts.trace_scatter([(5, None, "ok")], [], LIGHT).layout.yaxis.range is None


def test_one_request_is_a_narrow_bar_and_one_value_a_level_line() -> None:
    """A bar of the whole width says nothing, and a line that falls to the right tells of a fall."""
    one, many = (read(*(request(nth, 1_000) for nth in range(count))).rows for count in (1, 30))
    assert charts.session_cache(one, LIGHT).layout.bargap == pytest.approx(0.9)
    assert charts.session_cache(many, LIGHT).layout.bargap == 0.15
    heights = re.findall(r"[\d.]+,([\d.]+)", unquote(draw_line([1.25], "#000")).partition("polyline")[2])
    assert heights == ["2.0", "2.0"]
