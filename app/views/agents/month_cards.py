"""The cards of the chosen month: classes of tokens, repositories, models, agents; and the pace."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import streamlit as st

from app.figures.agent_classes import ClassFigures
from app.figures.agent_days import Block, find_block, find_highest_block, find_week, sum_by_day
from app.figures.agent_usage import ModelUse, Money, PlaceUse, sum_money
from app.figures.explore_view import ExploreView
from app.formats.counts import format_count
from app.formats.money import format_money
from app.formats.text import DASH
from app.formats.units import TOKENS
from app.ui import agent_markup as markup
from app.ui import charts
from app.ui.agent_markup import Amount, Part, TableRow
from app.ui.cards import render_heading, render_subheading
from app.ui.navigation import switch_page
from app.ui.theme import current_palette
from app.views.agents.address import Shown, title_agent

COST, COUNT = "Cost", "Tokens"
MODELS_SHOWN = 6
MINUTE = timedelta(minutes=1)
LIMITS = (
    "The limits of plans are not public. Tally compares with your own highest block and week of the last "
    "year."
)


def render_classes(shown: Shown, figures: ClassFigures) -> None:
    """Value or tokens by class and day, with their sums."""
    code = shown.currency.code
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.header("By token class", anchor=False, width="content")
            unit = st.segmented_control(
                "Unit",
                [COST, COUNT],
                default=COST,
                required=True,
                key="unit",
                bind="query-params",
                label_visibility="collapsed",
            )
        is_cost = unit != COUNT
        values = {
            name: {day: float(value) for day, value in use.by_day.items()}
            if is_cost
            else {day: float(count) for day, count in figures.tokens_by_day.get(name, {}).items()}
            for name, use in figures.classes.items()
        }
        palette = current_palette()
        shown_unit = code if is_cost else TOKENS
        st.plotly_chart(
            charts.token_classes(values, shown.days, palette, shown_unit),
            theme=None,
            key="token_classes",
            config=charts.config(shown_unit),
            alt=f"{'Value' if is_cost else 'Tokens'} of each day of {shown.month} by class of tokens.",
        )
        colours = charts.class_colours(palette)
        st.html(
            markup.amounts(
                Amount(
                    name,
                    colours.get(name, palette.other),
                    f"{format_count(use.tokens)} tokens" if use.tokens else "",
                    format_money(use.value, code),
                )
                for name, use in figures.classes.items()
            )
        )
        st.caption("Costs are split by list prices, so that the classes add up to the value.")


def render_places(shown: Shown, places: Sequence[PlaceUse]) -> None:
    """Repositories, each with its branches."""
    code = shown.currency.code
    whole = sum_money(place.money for place in places if not place.is_branch).value
    with st.container(border=True, height="stretch"):
        render_heading("Repositories and branches", shown.month)
        if not any(place.kind == "value" for place in places):
            st.caption("No request of this month names a repository.")
            return
        rows = [
            TableRow(
                "branch" if place.is_branch else "whole",
                (
                    name_place(place),
                    format_money(place.money.value, code),
                    f"{place.money.value / whole:.0%}" if whole else DASH,
                    f"{place.sessions:,}",
                ),
                place.trend,
            )
            for place in places
        ]
        heads = ("Repository, branch", "Value", "Share", "Sessions", "Trend, daily")
        st.html(markup.table(heads, rows, current_palette()))
        if st.button("See in Explore", type="tertiary", icon=":material/query_stats:", key="to_explore"):
            days = (shown.question.first, shown.question.last)
            view = ExploreView(measure="value", by=("repository", "branch"), days=days)
            switch_page("explore", None, **view.to_address())


def name_place(place: PlaceUse) -> str:
    """A repository or a branch by its name; what has none, and what is beyond the first ones, say so."""
    kind = place.branch_kind if place.is_branch else place.kind
    if kind == "rest":
        return f"Other ({place.members:,})"
    if kind == "none":
        return "No branch" if place.is_branch else "No repository"
    return (place.branch if place.is_branch else place.repository) or ""


def render_pace(shown: Shown) -> None:
    """The running block of five hours and this week, each beside the highest one before."""
    now = datetime.now(UTC)
    block = find_block(shown.year.hours, now)
    week = find_week(sum_by_day(shown.year.days), shown.today, shown.zone)
    code = shown.currency.code
    if block is None:
        high = find_highest_block(shown.year.hours)
        parts = [
            Part(
                "5-hour block",
                "none running",
                "",
                0,
                ("Begins with the next request", f"high {format_money(high, code)}" if high else ""),
            )
        ]
    else:
        left = _describe_left(block, now)
        local = [moment.astimezone(shown.zone) for moment in (block.start, block.end)]
        hours = f"{local[0]:%H:%M} {DASH} {local[1]:%H:%M}, {left} left"
        parts = [_describe_block("5-hour block", block, hours, code)]
    days_left = 6 - shown.today.weekday()
    said = f"{'1 day' if days_left == 1 else f'{days_left} days'} left" if days_left else "last day"
    parts.append(_describe_block("Week, since Monday", week, said, code))
    render_heading("Pace")
    st.html(markup.parts(parts))
    st.caption(LIMITS)


def _describe_block(name: str, block: Block, said: str, code: str) -> Part:
    share = block.share
    return Part(
        name,
        format_money(block.value, code),
        "" if share is None else f"of {format_money(block.high, code)}",
        float(share or 0),
        (said, "your first" if share is None else f"{share:.0%} of your high"),
    )


def _describe_left(block: Block, now: datetime) -> str:
    minutes = max(int((block.end - now) / MINUTE), 0)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def render_models(shown: Shown, models: Sequence[ModelUse]) -> None:
    """Models, and agents where there are several, by value."""
    by_model: dict[str, Money] = defaultdict(Money)
    for use in models:
        by_model[use.model or "Other models"] += use.money
    by_agent: dict[str, Money] = defaultdict(Money)
    for day in shown.year.days:
        if shown.question.first <= day.day <= shown.question.last:
            by_agent[title_agent(day.agent)] += day.money
    render_subheading("Models", shown.month)
    st.html(markup.parts(_list_bars(by_model, shown.currency.code)))
    if len(by_agent) > 1:
        render_subheading("Agents", shown.month)
        st.html(markup.parts(_list_bars(by_agent, shown.currency.code)))


def _list_bars(sums: dict[str, Money], code: str) -> list[Part]:
    ranked = sorted(sums.items(), key=lambda item: (-item[1].value, item[0]))
    if len(ranked) > MODELS_SHOWN:
        rest = sum_money(money for _, money in ranked[MODELS_SHOWN - 1 :])
        ranked = [*ranked[: MODELS_SHOWN - 1], (f"Other ({len(ranked) - MODELS_SHOWN + 1})", rest)]
    top = max((money.value for _, money in ranked), default=Decimal(0))
    series = current_palette().series
    return [
        Part(
            name,
            format_money(money.value, code),
            "",
            float(money.value / top) if top else 0,
            colour=series[nth % len(series)],
        )
        for nth, (name, money) in enumerate(ranked)
    ]
