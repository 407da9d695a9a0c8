"""The price list of the models in use: by class of tokens, at the workspace's own mix, and over a year."""

from collections import Counter
from datetime import date
from functools import partial
from typing import NamedTuple

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.price_mix import Mix, Model, Prices, find_prices, follow_price, list_months
from app.formats.money import format_money, format_price
from app.formats.text import list_names
from app.parts.mix import DAYS, describe_mix, load_mix
from app.ui import charts, columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_lines
from app.ui.theme import current_palette

MOST_MODELS, MOST_LINES, MONTHS = 25, 6, 13
MOST_NAMES, MOST_LETTERS = 5, 60
MIX_HELP = "A million tokens in the mix of your last 90 days: one mix for all models, so that they compare."
WRITE_HELP = "Kept for 5 minutes. Where writing has no price of its own, it costs what input does."
TOKENS_HELP = "A dash where no source tells how many."
COLUMNS = {
    "model": columns.name("Model"),
    "at_mix": columns.money("At your mix", "USD", help=MIX_HELP),
    "input": columns.number("Input", format_price),
    "cached": columns.number("Cache read", format_price),
    "written": columns.number("Cache write", format_price, help=WRITE_HELP),
    "output": columns.number("Output", format_price),
    "tokens": columns.tokens("Tokens, 90 days", help=TOKENS_HELP),
}


class Used(NamedTuple):
    """A model in use; where several providers have one of its name, the title tells whose it is."""

    model: Model
    title: str
    tokens: int


def render_price_list(user: User, today: date) -> None:
    """The card of all models in use, for workspaces whose tokens are split by class."""
    mix = load_mix(user, today)
    if mix is None:
        return
    prices = data.load_workspace_prices(user)
    rows = [(used, find_prices(used.model, mix, prices, today)) for used in _list_models(user, today)]
    known = [(used, found) for used, found in rows if found.at_mix is not None]
    if not known:
        return
    with st.container(border=True):
        render_heading("Price list", "US dollars per million tokens, today")
        frame = pd.DataFrame(
            [
                {"model": used.title, **found._asdict(), "tokens": used.tokens or columns.ABSENT}
                for used, found in known
            ],
            dtype=object,
        )
        lines = [Line(used.title, _describe_prices(found)) for used, found in known]
        render_lines(frame, COLUMNS, "Prices of the models in use", "prices_at_mix", lines)
        st.caption(_explain_mix(mix))
        if missing := [used.title for used, found in rows if found.at_mix is None]:
            told = list_names(missing, MOST_NAMES, MOST_LETTERS)
            st.caption(f"Without a list price or one of your own: {told}.")
        days = list_months(today, MONTHS)
        courses = {
            used.title: [
                None if price is None else float(price)
                for price in follow_price(used.model, mix, prices, days)
            ]
            for used, _ in known[:MOST_LINES]
        }
        st.plotly_chart(
            charts.price_steps(days, courses, current_palette()),
            theme=None,
            key="price_history",
            config=charts.config("USD"),
            alt="Prices at your mix on the first of each month, and today: "
            + ", ".join(f"{name} ${course[-1]:,.2f}" for name, course in courses.items()),
        )


def _explain_mix(mix: Mix) -> str:
    return (
        f"Your mix of the last 90 days: {describe_mix(mix)}. The chart has the price of this mix on "
        "the first of each month."
    )


def _describe_prices(found: Prices) -> str:
    parts = (
        (partial(format_money, currency="USD"), found.at_mix, "at your mix"),
        (format_price, found.input, "input"),
        (format_price, found.cached, "cache read"),
        (format_price, found.written, "cache write"),
        (format_price, found.output, "output"),
    )
    return " · ".join(f"{show(price)} {name}" for show, price, name in parts if price is not None)


def _list_models(user: User, today: date) -> list[Used]:
    question = data.Question(
        today - DAYS,
        today,
        "tokens",
        ("provider", "model"),
        "none",
        (("charge_type", ("usage",)),),
        top=MOST_MODELS,
    )
    found = [
        (group, Model(provider.value, model.value))
        for group in data.load_explored(user, question).groups
        if group.kind == "value"
        for provider, model in [group.keys]
        if provider.value and model.value
    ]
    counts = Counter(model.name for _, model in found)
    return [
        Used(
            model,
            model.name if counts[model.name] == 1 else f"{model.name} ({group.keys[0].label})",
            int(group.value or 0),
        )
        for group, model in found
    ]
