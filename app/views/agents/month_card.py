"""The dialog with the month card: a picture that the browser draws, and saves."""

import json
from collections import defaultdict
from collections.abc import Sequence
from html import escape

import streamlit as st

from app.figures.agent_classes import ClassFigures
from app.figures.agent_days import calculate_year, draw_year
from app.figures.agent_plans import Plans
from app.figures.agent_usage import ModelUse, Money, PlaceUse, sum_money
from app.figures.month_card import CardFigures, make_card
from app.views.agents.address import Shown

LIGHT, DARK = "Light", "Dark"
SCRIPT = '<script src="/app/static/month_card.js"></script>'
CANVAS = "display:block;width:100%;height:auto;border-radius:12px;margin-bottom:14px"
BUTTON = (
    "height:38px;padding:0 16px;border-radius:8px;font:500 14px Inter,system-ui,sans-serif;cursor:pointer;"
)
FIRST = "border:0;background:#4F46E5;color:#fff"
SECOND = "border:1px solid color-mix(in srgb,currentColor 30%,transparent);background:none;color:inherit"


@st.dialog("Month card", width="large")
def open_month_card(
    shown: Shown, plans: Plans, classes: ClassFigures, models: Sequence[ModelUse], places: Sequence[PlaceUse]
) -> None:
    """Choose what the card shows, see it, and download or copy it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        theme = st.segmented_control(
            "Theme",
            [LIGHT, DARK],
            default=LIGHT,
            required=True,
            key="card_theme",
            label_visibility="collapsed",
        )
        has_names = st.checkbox("Show repositories instead of models", key="card_names")
    names: dict[str, Money] = defaultdict(Money)
    if has_names:
        for place in places:
            if place.kind == "value" and not place.is_branch:
                names[place.repository or ""] += place.money
    else:
        for use in models:
            names[use.model or "Other models"] += use.money
    figures = CardFigures(
        shown.question.first,
        shown.question.last,
        sum_money(use.money for use in models),
        plans,
        names,
        sum(use.tokens for use in models),
        classes.saved,
        classes.cached_share,
        calculate_year(shown.year.days, shown.question.last).current.days,
        draw_year(shown.year.days, shown.today),
    )
    heading = "Top repositories" if has_names else "Top models"
    card = make_card(figures, shown.currency.code, "dark" if theme == DARK else "light", heading)
    st.html(render_card(card) + SCRIPT, unsafe_allow_javascript=True)
    st.caption(
        "1200 x 630 pixels, drawn in your browser and sent nowhere. It names no repositories unless you "
        "choose them."
    )


def render_card(card: dict[str, object]) -> str:
    """The place of the picture, with what the script draws."""
    text = f"Month card of {card['month']}: {card['figure']} {card['claim']}"
    return (
        f'<div class="tally-card" data-card="{escape(json.dumps(card))}">'
        f'<canvas width="1200" height="630" role="img" aria-label="{escape(text)}" style="{CANVAS}"></canvas>'
        f'<button type="button" disabled style="{BUTTON}{FIRST}">Download PNG</button> '
        f'<button type="button" disabled style="{BUTTON}{SECOND}">Copy picture</button>'
        f'<p role="status" style="min-height:1.5em;margin:8px 0 0"></p></div>'
    )
