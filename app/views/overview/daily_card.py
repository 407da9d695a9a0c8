"""The card of daily spend: the period's total, its chart, and the days out of the ordinary."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
import streamlit as st

from app.figures import chart_days, spend
from app.figures.anomalies import AnomalySummary
from app.figures.week_ranges import TotalRatios, range_weeks
from app.formats.counts import format_change
from app.formats.dates import format_day
from app.formats.money import format_money
from app.formats.text import MINUS, escape_markdown
from app.parts.explore_links import render_explore_link, view_of
from app.ui import charts
from app.ui.legend import render_legend
from app.ui.periods import Period
from app.ui.theme import Palette
from app.views.overview.anomaly_list import render_unusual
from tally.core.known_days import KnownDays
from tally.core.text import plural


@dataclass(frozen=True, slots=True)
class DailyCard:
    """A period with its spend by day, the forecast after it, and its anomalies.

    `daily` begins with the period before; the chart may begin later than the period.
    """

    period: Period
    first_day: date
    daily: pd.DataFrame
    ahead: pd.DataFrame
    load_unusual: Callable[[], Sequence[AnomalySummary]]  # after the total is shown
    begins: date | None  # the first day of all costs
    ratios: TotalRatios | None = None  # of the next 30 days

    @property
    def days(self) -> int:
        """The number of days in the chart."""
        return (self.period.last - self.first_day).days + 1


def render_daily(
    card: DailyCard, labels: Mapping[str, str], palette: Palette, currency: str, may_write: bool
) -> None:
    """The card's content."""
    is_weekly = charts.is_weekly(card.days)
    ahead = chart_days.cut_forecast(card.ahead, card.days)
    forecast_days = len(ahead)
    if is_weekly:
        ahead = range_weeks(chart_days.average_forecast(ahead, card.period.last), card.ratios)
    total = spend.sum_money(spend.select_days(card.daily, card.period.first, card.period.last))
    _render_heading(card, total, currency)
    unusual = card.load_unusual()
    notes = ["Daily average of each week"] if is_weekly else []
    notes += [f"forecast of {plural(forecast_days, 'day')} with 80% and 95% ranges"] if len(ahead) else []
    figure = charts.daily_spend(
        spend.fill_days(card.daily, card.first_day, card.period.last),
        charts.Context(ahead, _find_earlier(card)),
        labels,
        palette,
        currency,
    )
    st.html(render_legend(charts.list_legend(figure), palette.ink, dotted=[charts.LIKELY]))
    st.plotly_chart(
        charts.mark_days(figure, [(anomaly.day, anomaly.sentence) for anomaly in unusual], palette),
        theme=None,
        key="daily_spend",
        config=charts.config(currency),
        alt=f"Bars of daily spend by provider, {format_money(total, currency)} in total"
        + (f", then a forecast of {plural(forecast_days, 'day')}." if len(ahead) else "."),
    )
    if notes:
        st.caption(" · ".join(notes).capitalize())
    render_unusual(unusual, may_write)


def _render_heading(card: DailyCard, total: Decimal, currency: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Daily spend", anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            with st.container(width="content", key="period_spend"):
                st.caption(escape_markdown(_describe_total(card, total, currency)), width="content")
            render_explore_link("Daily spend", view_of(card.period, "provider"))


def _describe_total(card: DailyCard, total: Decimal, currency: str) -> str:
    """The period's total, beside that of the period before."""
    text, before = format_money(total, currency), card.period.before
    if before is None:
        return text
    earlier = spend.sum_money(spend.select_days(card.daily, before.first, before.last))
    known = KnownDays(before.first, before.last, card.begins) if before.first else None
    if known and known.since:
        return f"{text}, against {format_money(earlier, currency)} since {format_day(known.since)} only"
    change = format_change(total, earlier)
    if change is None or known is None or not known.is_complete:
        return text
    direction = "down" if change.startswith(MINUS) else "up"
    return f"{text}, {direction} {change[1:]} on {before.label}"


def _find_earlier(card: DailyCard) -> charts.Earlier | None:
    before = card.period.before
    if before is None or before.first is None:
        return None
    spent = spend.spend_by_day(card.daily, before.first, card.period.last)
    aligned = chart_days.align_before(spent, card.first_day, card.period.last)
    return charts.Earlier(aligned, f"{before.first:%B}" if card.period.is_month else "Same weekdays before")
