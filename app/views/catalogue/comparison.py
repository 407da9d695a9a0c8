"""Up to four models side by side: facts, retirement, and the course of their prices."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pandas as pd
import streamlit as st

from app.figures.catalogue import (
    compare,
    describe_retirement,
    find_by_label,
    follow,
    label_entry,
    list_choices,
    list_price_days,
    name_models,
    price_successor,
)
from app.formats.money import format_money
from app.formats.text import escape_markdown
from app.ui import charts, columns
from app.ui.cards import render_heading, render_subheading
from app.ui.line_list import Line, render_lines
from app.ui.notices import render_warning
from app.ui.theme import current_palette
from app.views.catalogue.details import render_details
from app.views.catalogue.shown import Shown
from tally.catalog.entries import Entry, find_entry
from tally.pricing.catalogue_prices import PricedEntry

MOST, COMPARE = 4, "compare"
WIDTHS = {1: 360, 2: 140, 3: 150, 4: 130}  # of a model's column, in pixels
TWO_YEARS = timedelta(days=730)


def choose_models(found: Sequence[PricedEntry], shown: Shown) -> list[PricedEntry]:
    """The field that chooses up to four models, in the address."""
    kept = [*st.query_params.get_all(COMPARE), *st.session_state.get(COMPARE, ())]
    options: dict[str, Entry] = {label_entry(each.entry): each.entry for each in found}
    options |= {label: entry for label, entry in list_choices().items() if label not in options}
    for label in kept:
        if entry := find_by_label(label, shown.own):
            options[label] = entry
    with st.container(border=True):
        chosen = st.multiselect(
            "Compare up to four models",
            list(options),
            max_selections=MOST,
            placeholder="Choose models",
            key=COMPARE,
            bind="query-params",
        )
    return [shown.price(options[label]) for label in chosen]


def render_models(models: Sequence[PricedEntry], shown: Shown) -> None:
    """The card of some models, with the details of a single one."""
    is_one = len(models) == 1
    with st.container(border=True):
        render_heading(models[0].entry.model if is_one else "Comparison")
        for each in models:
            if told := describe_retirement(each.entry, shown.today):
                render_warning(f"{told} {_tell_spent(each, shown)}".strip())
        dated = [each.entry for each in models if each.entry.history]
        if dated:
            left, right = st.columns([4, 3], gap="medium")
            with left:
                _render_facts(models, shown)
            with right:
                render_subheading("Price history")
                _render_course(dated, shown)
        else:
            _render_facts(models, shown)
        names = name_models([each.entry for each in models])
        undated = [
            name for name, each in zip(names, models, strict=True) if not each.entry.history and each.prices
        ]
        if undated:
            st.caption(escape_markdown(f"The lists tell no earlier price of {', '.join(undated)}."))
        if is_one:
            render_details(models[0])


def _tell_spent(model: PricedEntry, shown: Shown) -> str:
    """The spend on a model, and the same tokens at its successor's prices."""
    spent = shown.used.get(model.entry.key)
    if not spent:
        return ""
    told = f"You spent {shown.describe_use(model.entry)} on it in the last 90 days"
    named = model.entry.successor and find_entry(model.entry.provider, model.entry.successor)
    other = price_successor(model, shown.price(named) if named else None, spent)
    if other is None:
        return f"{told}."
    cost = format_money(other, shown.currency)
    return f"{told}; at the successor's prices, as many tokens in your mix cost {cost}."


def _render_facts(models: Sequence[PricedEntry], shown: Shown) -> None:
    facts = compare(models, {each.entry.key: shown.describe_use(each.entry) for each in models})
    frame = pd.DataFrame(
        {
            "fact": [fact.label for fact in facts],
            **{f"model_{nth}": [fact.values[nth] for fact in facts] for nth in range(len(models))},
            **({"difference": [fact.difference for fact in facts]} if len(models) == 2 else {}),
        }
    )
    lines = [
        Line(fact.label, " · ".join([*fact.values, *([fact.difference] if fact.difference else [])]))
        for fact in facts
    ]
    names = name_models([each.entry for each in models])
    render_lines(frame, _list_columns(names), f"Facts of {', '.join(names)}", "facts", lines)
    if len(models) == 2:
        st.caption(escape_markdown(f"The difference is that of {names[1]} from {names[0]}."))


def _list_columns(names: Sequence[str]) -> Mapping[str, columns.Column]:
    return {
        "fact": columns.text("Fact"),
        **{
            f"model_{nth}": columns.name(name, most_width=WIDTHS[len(names)])
            for nth, name in enumerate(names)
        },
        "difference": columns.text("Difference"),
    }


def _render_course(dated: Sequence[Entry], shown: Shown) -> None:
    days = list_price_days(dated, shown.today - TWO_YEARS, shown.today)
    courses = {label_entry(entry): follow(entry, shown.shares, days) for entry in dated}
    st.plotly_chart(
        charts.price_steps(days, courses, current_palette()),
        theme=None,
        key="catalogue_course",
        config=charts.config("USD"),
        alt="List prices at the mix, today: " + ", ".join(_tell_last(courses)),
    )
    st.caption("List price per 1M tokens, at my mix.")


def _tell_last(courses: Mapping[str, Sequence[float | None]]) -> list[str]:
    return [
        f"{name} {'without a price' if course[-1] is None else f'${course[-1]:,.2f}'}"
        for name, course in courses.items()
    ]
