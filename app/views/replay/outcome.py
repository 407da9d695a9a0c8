"""The outcome of a replay: a sentence, each model, and what was assumed."""

from datetime import date
from decimal import Decimal

import pandas as pd
import streamlit as st

from app.figures.currencies import Currency
from app.formats.money import format_money
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_lines
from app.ui.notices import render_warning
from app.views.replay.question import Question
from tally.pricing.replay import Part, Replayed, explain_unpriced
from tally.pricing.replay_words import explain_nothing, list_assumptions, list_notes, write_outcome


def render_outcome(found: Replayed, question: Question, currency: Currency, today: date) -> None:
    """The card below the question."""
    if told := explain_nothing(found, question.scenario) or explain_unpriced(found):
        render_warning(told)
        return

    def money(usd: Decimal) -> str:
        return format_money(currency.convert(usd, today), currency.code)

    with st.container(border=True, key="replay_outcome"):
        render_heading("Outcome")
        st.markdown(escape_markdown(write_outcome(found, money)))
        if question.scenario.plan_usd is None:
            _render_parts(found, currency, today)
        for line in (*list_assumptions(question.scenario), *list_notes(found, question.scenario, money)):
            st.caption(escape_markdown(line))


def _render_parts(found: Replayed, currency: Currency, today: date) -> None:
    priced = [part for part in found.parts.values() if part.requests]
    parts = sorted(priced, key=lambda part: (-part.before_usd, part.model))

    def convert(usd: Decimal) -> Decimal:
        return currency.convert(usd, today)

    def money(usd: Decimal) -> str:
        return format_money(convert(usd), currency.code)

    rows = [
        {
            "model": _name(part),
            "requests": part.requests,
            "before": convert(part.before_usd),
            "low": convert(part.low_usd),
            "high": convert(part.high_usd),
        }
        for part in parts
    ]
    shown = {
        "model": columns.name("Model"),
        "requests": columns.count("Requests"),
        "before": columns.money("Paid", currency.code),
        "low": columns.money("At least", currency.code),
        "high": columns.money("At most", currency.code),
    }
    lines = [
        Line(
            _name(part),
            f"{part.requests:,} requests · {money(part.before_usd)} paid ·"
            f" {money(part.low_usd)} to {money(part.high_usd)}",
        )
        for part in parts
    ]
    render_lines(pd.DataFrame(rows, dtype=object), shown, "Replayed calls by model", "replayed", lines)


def _name(part: Part) -> str:
    return part.model if part.model == part.to_model else f"{part.model} → {part.to_model}"
